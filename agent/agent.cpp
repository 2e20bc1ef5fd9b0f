#include "agent/agent.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "agent/spool/shedding.h"

namespace fieldpost::agent {

namespace {

/// What this process has caused to be written to the disk (proc(5), /proc/pid/io, write_bytes).
std::uint64_t disk_bytes_written(rt::Files& files) {
  const auto text = files.read("/proc/self/io", 0, 4096);
  if (!text) return 0;  // not everywhere; the figure is then left out
  const std::size_t line = text->find("\nwrite_bytes: ");
  if (line == std::string::npos) return 0;
  return std::strtoull(text->c_str() + line + std::string_view("\nwrite_bytes: ").size(), nullptr,
                       10);
}

}  // namespace

Agent::Agent(const AgentPorts& ports, SpoolFrontOptions front, const UplinkOptions& uplink,
             Spool spool)
    : ports_(ports),
      front_options_(front),
      front_(ports.loop, ports.clock, ports.random, ports.store, ports.encoder, ports.log,
             std::move(front), std::move(spool)),
      uplink_(ports.loop, ports.clock, ports.random, ports.mqtt, ports.log, front_, uplink),
      inbox_(ports.loop, ports.clock, ports.log, front_, uplink_),
      held_before_(spool_bytes(front_.totals())),
      held_before_at_(ports.loop.now()) {
  uplink_.set_fill_state([this](wire::NodeState& state) { fill_state(state); });
}

void Agent::start() {
  inbox_.recover();
  uplink_.start();
}

void Agent::stop() {
  sources_.clear();
  uplink_.stop();
}

void Agent::fill_state(wire::NodeState& state) const {
  for (const auto& source : sources_) {
    SourceHealth health = source->health();
    state.sources.push_back(
        {std::move(health.name), health.readings, health.errors, std::move(health.last_error)});
  }
  state.disk_bytes_written = disk_bytes_written(ports_.files);
  // How long until the bound, at the mean rate since the link went: shown only while it is down or
  // the spool grows.
  const std::uint64_t held = spool_bytes(front_.totals());
  const double seconds = std::chrono::duration<double>(ports_.loop.now() - held_before_at_).count();
  if (held <= held_before_ || seconds < 10) return;
  const double rate = static_cast<double>(held - held_before_) / seconds;
  const double left =
      static_cast<double>(front_options_.shed.bytes_max) - static_cast<double>(held);
  state.forecast_s = static_cast<std::uint64_t>(std::max(1.0, left / rate));
  state.forecast_class = "readings";
}

}  // namespace fieldpost::agent

#include "agent/agent.h"

#include <cstdlib>
#include <string_view>
#include <utility>

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

/// A class is called by its pattern; what no pattern matches, "readings".
std::vector<std::string> class_names(const wire::EncoderOptions& encoder) {
  std::vector<std::string> names(wire::kReadingClassesMax, "readings");
  for (const wire::ClassPattern& each : encoder.classes) {
    names.at(static_cast<std::size_t>(each.index)) = each.measurement;
  }
  return names;
}

}  // namespace

Agent::Agent(const AgentPorts& ports, SpoolFrontOptions front, const UplinkOptions& uplink,
             Spool spool)
    : ports_(ports),
      class_names_(class_names(front.encoder)),
      front_(ports.loop, ports.clock, ports.random, ports.store, ports.encoder, ports.log,
             std::move(front), std::move(spool)),
      uplink_(ports.loop, ports.clock, ports.random, ports.mqtt, ports.log, front_, uplink),
      inbox_(ports.loop, ports.clock, ports.log, front_, uplink_),
      bodies_(ports.loop, ports.clock, front_),
      sampling_(ports.log, front_, sources_) {
  inbox_.set_verb("sampling",
                  [this](const wire::Command& command) { return sampling_.obey(command); });
  uplink_.set_fill_state([this](wire::NodeState& state) { fill_state(state); });
}

void Agent::start() {
  sampling_.recover();
  inbox_.recover();
  if (builds_ != nullptr) builds_->start();
  uplink_.start();
}

void Agent::stop() {
  sources_.clear();
  uplink_.stop();
}

void Agent::fill_state(wire::NodeState& state) {
  for (const auto& source : sources_) {
    SourceHealth health = source->health();
    state.sources.push_back(
        {std::move(health.name), health.readings, health.errors, std::move(health.last_error)});
  }
  if (builds_ != nullptr) {
    for (std::string& label : builds_->labels()) state.labels.push_back(std::move(label));
  }
  state.disk_bytes_written = disk_bytes_written(ports_.files);
  state.oldest_age_ms = front_.oldest_age_ms();
  if (const auto forecast = front_.forecast()) {
    state.forecast_s = forecast->seconds;
    state.forecast_class = class_names_.at(forecast->class_index);
  }
}

}  // namespace fieldpost::agent

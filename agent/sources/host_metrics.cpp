#include "agent/sources/host_metrics.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

namespace fieldpost::agent {
namespace {

std::int64_t floor_to(std::int64_t time_ns, std::int64_t step_ns) {
  const std::int64_t over = time_ns % step_ns;
  return time_ns - (over < 0 ? over + step_ns : over);
}

}  // namespace

HostMetrics::HostMetrics(rt::Loop& loop, const rt::WallClock& clock, rt::Files& files,
                         Intake& intake, HostMetricsConfig config)
    : loop_(loop),
      clock_(clock),
      files_(files),
      intake_(intake),
      config_(std::move(config)),
      cpu_(config_.per_core) {
  config_.every = std::max(config_.every, HostMetricsConfig::kEveryMin);
  const auto add = [this](std::vector<std::string> measurements, auto& sensor) {
    const auto read = [&sensor](HostTick& tick) { sensor.read(tick); };
    subjects_.push_back({std::move(measurements), read, config_.every});
  };
  add({"cpu"}, cpu_);
  add({"mem", "swap"}, memory_);
  add({"system"}, system_);
  add({"disk"}, disk_space_);
  add({"diskio"}, disk_io_);
  add({"net"}, network_);
  add({"temp"}, temperature_);
  timer_ = loop_.after(rt::Nanos{0}, [this] { on_timer(); });
}

HostMetrics::~HostMetrics() {
  loop_.cancel(timer_);
}

bool HostMetrics::obeys_hint_for(std::string_view measurement) const {
  return std::ranges::any_of(subjects_, [&](const Subject& subject) {
    return std::ranges::find(subject.measurements, measurement) != subject.measurements.end();
  });
}

void HostMetrics::set_sampling(const SamplingHints& hints) {
  const std::int64_t now_ns = clock_.now().ns;
  bool changed = false;
  for (Subject& subject : subjects_) {
    const rt::Nanos every = hints.shortest_of(subject.measurements).value_or(config_.every);
    if (every == subject.every) continue;
    changed = true;
    subject.every = every;
    // The tick that is on counts as read: of a longer interval it may have begun long ago, and
    // what is measured now must not take the place of what was measured then.
    subject.last_tick_ns = floor_to(now_ns, every.count());
  }
  if (!changed) return;
  loop_.cancel(timer_);
  rearm();
}

void HostMetrics::on_timer() {
  const std::int64_t now_ns = clock_.now().ns;
  std::map<std::int64_t, std::vector<Subject*>> due;  // by the time that their readings carry
  for (Subject& subject : subjects_) {
    const std::int64_t time_ns = floor_to(now_ns, subject.every.count());
    // A timer can fire just before the wall clock's boundary: then this tick was read already.
    if (time_ns == subject.last_tick_ns) continue;
    subject.last_tick_ns = time_ns;
    due[time_ns].push_back(&subject);
  }
  for (const auto& [time_ns, subjects] : due) read(time_ns, subjects);
  rearm();
}

void HostMetrics::read(std::int64_t time_ns, const std::vector<Subject*>& subjects) {
  HostTick tick(files_, config_.root, time_ns);
  for (Subject* subject : subjects) subject->read(tick);
  health_.errors += tick.failures();
  if (tick.failures() > 0) health_.last_error = tick.last_failure();
  wire::ParsedLines lines = std::move(tick).take();
  health_.readings += lines.readings;
  if (lines.readings > 0) intake_.accept_sampled(std::move(lines));
}

void HostMetrics::rearm() {
  const std::int64_t now_ns = clock_.now().ns;
  std::int64_t next_ns = std::numeric_limits<std::int64_t>::max();
  for (const Subject& subject : subjects_) {
    const std::int64_t every_ns = subject.every.count();
    next_ns = std::min(next_ns, floor_to(now_ns, every_ns) + every_ns);
  }
  timer_ = loop_.after(rt::Nanos{next_ns - now_ns}, [this] { on_timer(); });
}

}  // namespace fieldpost::agent

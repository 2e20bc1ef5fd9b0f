#include "agent/sources/host_metrics.h"

#include <algorithm>
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
  timer_ = loop_.after(rt::Nanos{0}, [this] { on_timer(); });
}

HostMetrics::~HostMetrics() {
  loop_.cancel(timer_);
}

void HostMetrics::on_timer() {
  const std::int64_t time_ns = floor_to(clock_.now().ns, config_.every.count());
  // A timer can fire just before the wall clock's boundary: then this tick was read already.
  if (time_ns != last_tick_ns_) {
    last_tick_ns_ = time_ns;
    HostTick tick(files_, config_.root, time_ns);
    read_all(tick);
    health_.errors += tick.failures();
    if (tick.failures() > 0) health_.last_error = tick.last_failure();
    wire::ParsedLines lines = std::move(tick).take();
    health_.readings += lines.readings;
    if (lines.readings > 0) intake_.accept_sampled(std::move(lines));
  }
  rearm();
}

void HostMetrics::rearm() {
  const std::int64_t now_ns = clock_.now().ns;
  const std::int64_t next_ns = floor_to(now_ns, config_.every.count()) + config_.every.count();
  timer_ = loop_.after(rt::Nanos{next_ns - now_ns}, [this] { on_timer(); });
}

void HostMetrics::read_all(HostTick& tick) {
  cpu_.read(tick);
  memory_.read(tick);
  system_.read(tick);
  disk_space_.read(tick);
  disk_io_.read(tick);
  network_.read(tick);
  temperature_.read(tick);
}

}  // namespace fieldpost::agent

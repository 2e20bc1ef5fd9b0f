#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/intake.h"
#include "agent/sources/host/sensors.h"
#include "agent/sources/source.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/loop.h"

namespace fieldpost::agent {

struct HostMetricsConfig {
  rt::Nanos every = rt::Seconds{1};  ///< at least kEveryMin; of what has no sampling hint
  bool per_core = false;             ///< also `cpu` of each core
  std::string root;                  ///< in front of /proc, /sys and mount points; empty: this host
  static constexpr rt::Nanos kEveryMin = rt::Millis{100};
};

/// The machine's own counters and sensors, sampled; each subject as often as configured, or as the
/// shortest hint for one of its measurements says. All readings of a subject's tick carry one time:
/// the wall clock's last multiple of its interval.
class HostMetrics final : public Source {
 public:
  HostMetrics(rt::Loop& loop, const rt::WallClock& clock, rt::Files& files, Intake& intake,
              HostMetricsConfig config);
  ~HostMetrics() override;
  HostMetrics(const HostMetrics&) = delete;
  HostMetrics& operator=(const HostMetrics&) = delete;

  [[nodiscard]] SourceHealth health() const override { return health_; }
  [[nodiscard]] bool obeys_hint_for(std::string_view measurement) const override;
  void set_sampling(const SamplingHints& hints) override;

 private:
  struct Subject {
    std::vector<std::string> measurements;
    std::function<void(HostTick&)> read;
    rt::Nanos every;
    std::int64_t last_tick_ns = 0;
  };
  void on_timer();
  void rearm();
  void read(std::int64_t time_ns, const std::vector<Subject*>& subjects);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Files& files_;
  Intake& intake_;
  HostMetricsConfig config_;
  SourceHealth health_{.name = "host_metrics", .readings = 0, .errors = 0, .last_error = {}};
  rt::TimerId timer_ = rt::TimerId::kNone;

  CpuSensor cpu_;
  MemorySensor memory_;
  SystemSensor system_;
  DiskSpaceSensor disk_space_;
  DiskIoSensor disk_io_;
  NetworkSensor network_;
  TemperatureSensor temperature_;
  std::vector<Subject> subjects_;
};

}  // namespace fieldpost::agent

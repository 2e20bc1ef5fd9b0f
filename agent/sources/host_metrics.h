#pragma once

#include <string>

#include "agent/intake.h"
#include "agent/sources/host/sensors.h"
#include "agent/sources/source.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/loop.h"

namespace fieldpost::agent {

struct HostMetricsConfig {
  rt::Nanos every = rt::Seconds{1};  ///< at least kEveryMin
  bool per_core = false;             ///< also `cpu` of each core
  std::string root;                  ///< in front of /proc, /sys and mount points; empty: this host
  static constexpr rt::Nanos kEveryMin = rt::Millis{100};
};

/// The machine's own counters and sensors, sampled. All readings of a tick carry one time: the wall
/// clock's last multiple of `every`.
class HostMetrics final : public Source {
 public:
  HostMetrics(rt::Loop& loop, const rt::WallClock& clock, rt::Files& files, Intake& intake,
              HostMetricsConfig config);
  ~HostMetrics() override;
  HostMetrics(const HostMetrics&) = delete;
  HostMetrics& operator=(const HostMetrics&) = delete;

  [[nodiscard]] SourceHealth health() const override { return health_; }

 private:
  void on_timer();
  void rearm();
  void read_all(HostTick& tick);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Files& files_;
  Intake& intake_;
  HostMetricsConfig config_;
  SourceHealth health_{.name = "host_metrics", .readings = 0, .errors = 0, .last_error = {}};
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::int64_t last_tick_ns_ = 0;

  CpuSensor cpu_;
  MemorySensor memory_;
  SystemSensor system_;
  DiskSpaceSensor disk_space_;
  DiskIoSensor disk_io_;
  NetworkSensor network_;
  TemperatureSensor temperature_;
};

}  // namespace fieldpost::agent

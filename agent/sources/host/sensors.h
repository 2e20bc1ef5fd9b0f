#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/sources/host/tick.h"

/// What a machine can tell of itself, one class a subject. Measurements and fields are named as
/// Telegraf names them. A file that is missing (a container, a board without sensors) is no error.
namespace fieldpost::agent {

/// `cpu`: shares of time since the tick before, in percent; nothing at the first tick.
class CpuSensor {
 public:
  explicit CpuSensor(bool per_core);
  void read(HostTick& tick);
  static constexpr std::size_t kModeCount = 10;
  using Jiffies = std::array<std::uint64_t, kModeCount>;

 private:
  void read_line(HostTick& tick, std::string_view name, std::string_view numbers);
  bool per_core_;
  HostGroups groups_;
  std::map<std::string, Jiffies, std::less<>> before_;
};

/// `mem` and `swap`.
class MemorySensor {
 public:
  MemorySensor();
  void read(HostTick& tick);

 private:
  HostGroup memory_, swap_;
};

/// `system`: load averages and uptime.
class SystemSensor {
 public:
  SystemSensor();
  void read(HostTick& tick);

 private:
  void read_load(HostTick& tick);
  HostGroup group_;
};

/// `disk`: space of each mounted local file system that is not the kernel's own. Network mounts are
/// left out, because asking for their space can block for minutes.
class DiskSpaceSensor {
 public:
  void read(HostTick& tick);
  static constexpr std::size_t kMountsMax = 64;

 private:
  std::map<std::string, HostGroup, std::less<>> groups_;  ///< by the mount's line
};

/// `diskio`: counters of each whole disk that was ever used.
class DiskIoSensor {
 public:
  DiskIoSensor();
  void read(HostTick& tick);

 private:
  HostGroups groups_;
};

/// `net`: counters of each interface but the loopback that ever carried something.
class NetworkSensor {
 public:
  NetworkSensor();
  void read(HostTick& tick);

 private:
  HostGroups groups_;
};

/// `temp`: hwmon chips and thermal zones. The sensors are looked up anew every kScanTicks ticks.
class TemperatureSensor {
 public:
  TemperatureSensor();
  void read(HostTick& tick);
  static constexpr int kScanTicks = 60;

 private:
  struct Place {
    std::string path, name;
  };
  void scan(HostTick& tick);
  void scan_chip(HostTick& tick, const std::string& directory);
  void add_place(std::string path, std::vector<std::string> names);
  HostGroups groups_;
  std::vector<Place> places_;
  int ticks_to_scan_ = 0;
};

}  // namespace fieldpost::agent

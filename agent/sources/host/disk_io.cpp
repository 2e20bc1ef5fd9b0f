#include <algorithm>

#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kDiskstatsBytesMax = 64 * 1024;
constexpr std::uint64_t kSectorBytes = 512;  // of /proc/diskstats, whatever the disk's own are
constexpr auto kU64 = wire::ValueType::kU64;

// In the order of /proc/diskstats.
constexpr std::array<HostField, 11> kFields{{{"reads", kU64, ""},
                                             {"merged_reads", kU64, ""},
                                             {"read_bytes", kU64, "B"},
                                             {"read_time", kU64, "ms"},
                                             {"writes", kU64, ""},
                                             {"merged_writes", kU64, ""},
                                             {"write_bytes", kU64, "B"},
                                             {"write_time", kU64, "ms"},
                                             {"iops_in_progress", kU64, ""},
                                             {"io_time", kU64, "ms"},
                                             {"weighted_io_time", kU64, "ms"}}};
constexpr std::size_t kReadBytes = 2, kWriteBytes = 6;

using Counters = std::array<std::uint64_t, kFields.size()>;

Counters read_counters(std::string_view numbers) {
  Counters counters{};
  for (std::uint64_t& counter : counters) counter = next_u64(numbers).value_or(0);
  counters[kReadBytes] *= kSectorBytes;
  counters[kWriteBytes] *= kSectorBytes;
  return counters;
}

bool is_virtual(std::string_view name) {
  return name.starts_with("loop") || name.starts_with("ram");
}

}  // namespace

DiskIoSensor::DiskIoSensor() : groups_("diskio", "name", kFields) {}

void DiskIoSensor::read(HostTick& tick) {
  const std::string text = tick.read("/proc/diskstats", kDiskstatsBytesMax);
  const std::vector<std::string> whole = tick.list("/sys/block");
  std::string_view rest = text;
  while (!rest.empty() && groups_.has_room()) {
    std::string_view line = next_line(rest);
    static_cast<void>(next_word(line));  // major
    static_cast<void>(next_word(line));  // minor
    const std::string_view name = next_word(line);
    if (is_virtual(name) || !std::binary_search(whole.begin(), whole.end(), name)) continue;
    const Counters counters = read_counters(line);
    if (counters == Counters{}) continue;
    const HostGroup& group = groups_.of(name);
    for (std::size_t i = 0; i < counters.size(); ++i) tick.add(group, i, counters[i]);
  }
  groups_.end_tick();
}

}  // namespace fieldpost::agent

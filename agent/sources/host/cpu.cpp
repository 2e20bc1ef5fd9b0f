#include <numeric>

#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kStatBytesMax = 64 * 1024;  // the cpu lines come first
constexpr auto kF64 = wire::ValueType::kF64;

// In the order of /proc/stat.
constexpr std::array<HostField, CpuSensor::kModeCount> kFields{{{"usage_user", kF64, "%"},
                                                                {"usage_nice", kF64, "%"},
                                                                {"usage_system", kF64, "%"},
                                                                {"usage_idle", kF64, "%"},
                                                                {"usage_iowait", kF64, "%"},
                                                                {"usage_irq", kF64, "%"},
                                                                {"usage_softirq", kF64, "%"},
                                                                {"usage_steal", kF64, "%"},
                                                                {"usage_guest", kF64, "%"},
                                                                {"usage_guest_nice", kF64, "%"}}};
constexpr std::size_t kUser = 0, kNice = 1, kGuest = 8, kGuestNice = 9;

CpuSensor::Jiffies read_jiffies(std::string_view numbers) {
  CpuSensor::Jiffies jiffies{};
  for (std::uint64_t& mode : jiffies) mode = next_u64(numbers).value_or(0);
  // The kernel counts guests in user and nice too.
  jiffies[kUser] -= std::min(jiffies[kUser], jiffies[kGuest]);
  jiffies[kNice] -= std::min(jiffies[kNice], jiffies[kGuestNice]);
  return jiffies;
}

}  // namespace

CpuSensor::CpuSensor(bool per_core) : per_core_(per_core), groups_("cpu", "cpu", kFields) {}

void CpuSensor::read(HostTick& tick) {
  const std::string text = tick.read("/proc/stat", kStatBytesMax);
  std::string_view rest = text;
  while (rest.starts_with("cpu")) {
    std::string_view line = next_line(rest);
    const std::string_view name = next_word(line);
    if (name == "cpu") {
      read_line(tick, "cpu-total", line);
    } else if (per_core_) {
      read_line(tick, name, line);
    }
  }
  groups_.end_tick();
}

void CpuSensor::read_line(HostTick& tick, std::string_view name, std::string_view numbers) {
  const Jiffies now = read_jiffies(numbers);
  auto before = before_.find(name);
  if (before == before_.end()) {
    if (groups_.has_room()) before_.emplace(name, now);
    return;
  }
  Jiffies spent{};
  for (std::size_t i = 0; i < kModeCount; ++i) {
    spent[i] = now[i] - std::min(now[i], before->second[i]);  // iowait can step back
  }
  before->second = now;
  const auto total =
      static_cast<double>(std::accumulate(spent.begin(), spent.end(), std::uint64_t{0}));
  if (total <= 0) return;
  const HostGroup& group = groups_.of(name);
  for (std::size_t i = 0; i < kModeCount; ++i) {
    tick.add(group, i, rounded_percent(static_cast<double>(spent[i]), total));
  }
}

}  // namespace fieldpost::agent

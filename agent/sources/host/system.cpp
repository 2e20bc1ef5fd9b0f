#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kLineBytesMax = 256;
constexpr auto kF64 = wire::ValueType::kF64;
constexpr std::array<HostField, 4> kFields{{{"load1", kF64, ""},
                                            {"load5", kF64, ""},
                                            {"load15", kF64, ""},
                                            {"uptime", wire::ValueType::kU64, "s"}}};

}  // namespace

SystemSensor::SystemSensor() : group_("system", {}, kFields) {}

void SystemSensor::read(HostTick& tick) {
  read_load(tick);
  const std::string text = tick.read("/proc/uptime", kLineBytesMax);
  std::string_view rest = text;
  const auto seconds = to_number<double>(next_word(rest));
  if (seconds && *seconds >= 0) tick.add(group_, 3, static_cast<std::uint64_t>(*seconds));
}

void SystemSensor::read_load(HostTick& tick) {
  const std::string text = tick.read("/proc/loadavg", kLineBytesMax);
  std::string_view rest = text;
  for (std::size_t i = 0; i < 3; ++i) {
    if (const auto load = to_number<double>(next_word(rest))) tick.add(group_, i, *load);
  }
}

}  // namespace fieldpost::agent

#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kDevBytesMax = 64 * 1024;
constexpr std::size_t kColumnCount = 16;
constexpr auto kU64 = wire::ValueType::kU64;
constexpr std::array<HostField, 8> kFields{{{"bytes_recv", kU64, "B"},
                                            {"packets_recv", kU64, ""},
                                            {"err_in", kU64, ""},
                                            {"drop_in", kU64, ""},
                                            {"bytes_sent", kU64, "B"},
                                            {"packets_sent", kU64, ""},
                                            {"err_out", kU64, ""},
                                            {"drop_out", kU64, ""}}};
// Where each field stands in a line of /proc/net/dev.
constexpr std::array<std::size_t, kFields.size()> kColumns{0, 1, 2, 3, 8, 9, 10, 11};

}  // namespace

NetworkSensor::NetworkSensor() : groups_("net", "interface", kFields) {}

void NetworkSensor::read(HostTick& tick) {
  const std::string text = tick.read("/proc/net/dev", kDevBytesMax);
  std::string_view rest = text;
  while (!rest.empty() && groups_.has_room()) {
    std::string_view line = next_line(rest);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;  // the two heading lines
    std::string_view name = line.substr(0, colon);
    name = next_word(name);
    line.remove_prefix(colon + 1);
    std::array<std::uint64_t, kColumnCount> columns{};
    for (std::uint64_t& column : columns) column = next_u64(line).value_or(0);
    if (name == "lo" || columns == std::array<std::uint64_t, kColumnCount>{}) continue;
    const HostGroup& group = groups_.of(name);
    for (std::size_t i = 0; i < kFields.size(); ++i) tick.add(group, i, columns[kColumns[i]]);
  }
  groups_.end_tick();
}

}  // namespace fieldpost::agent

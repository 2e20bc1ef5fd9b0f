#include "agent/sources/host/proc_text.h"
#include "agent/sources/host/sensors.h"

namespace fieldpost::agent {
namespace {

constexpr std::size_t kMeminfoBytesMax = 16 * 1024;
constexpr auto kU64 = wire::ValueType::kU64;
constexpr auto kF64 = wire::ValueType::kF64;

struct MemoryField {
  HostField field;
  std::string_view line;  // its name in /proc/meminfo
};
constexpr std::array<MemoryField, 9> kMemory{{{{"total", kU64, "B"}, "MemTotal:"},
                                              {{"free", kU64, "B"}, "MemFree:"},
                                              {{"available", kU64, "B"}, "MemAvailable:"},
                                              {{"buffered", kU64, "B"}, "Buffers:"},
                                              {{"cached", kU64, "B"}, "Cached:"},
                                              {{"active", kU64, "B"}, "Active:"},
                                              {{"inactive", kU64, "B"}, "Inactive:"},
                                              {{"dirty", kU64, "B"}, "Dirty:"},
                                              {{"slab", kU64, "B"}, "Slab:"}}};
constexpr std::size_t kUsed = kMemory.size();  // used_percent follows it
constexpr std::array<HostField, 4> kSwap{
    {{"total", kU64, "B"}, {"free", kU64, "B"}, {"used", kU64, "B"}, {"used_percent", kF64, "%"}}};

std::vector<HostField> memory_fields() {
  std::vector<HostField> fields;
  for (const MemoryField& memory : kMemory) fields.push_back(memory.field);
  fields.push_back({"used", kU64, "B"});
  fields.push_back({"used_percent", kF64, "%"});
  return fields;
}

using Meminfo = std::map<std::string_view, std::uint64_t>;  // bytes

Meminfo read_meminfo(std::string_view text) {
  Meminfo info;
  while (!text.empty()) {
    std::string_view line = next_line(text);
    const std::string_view name = next_word(line);
    if (const auto kibibytes = next_u64(line)) info[name] = *kibibytes * 1024;
  }
  return info;
}

std::optional<std::uint64_t> value(const Meminfo& info, std::string_view name) {
  const auto at = info.find(name);
  return at == info.end() ? std::nullopt : std::optional(at->second);
}

void add_used(HostTick& tick, const HostGroup& group, std::size_t index, std::uint64_t total,
              std::uint64_t free) {
  const std::uint64_t used = total - std::min(total, free);
  tick.add(group, index, used);
  tick.add(group, index + 1,
           rounded_percent(static_cast<double>(used), static_cast<double>(total)));
}

}  // namespace

MemorySensor::MemorySensor() : memory_("mem", {}, memory_fields()), swap_("swap", {}, kSwap) {}

void MemorySensor::read(HostTick& tick) {
  const std::string text = tick.read("/proc/meminfo", kMeminfoBytesMax);
  const Meminfo info = read_meminfo(text);
  for (std::size_t i = 0; i < kMemory.size(); ++i) {
    if (const auto bytes = value(info, kMemory[i].line)) tick.add(memory_, i, *bytes);
  }
  const auto total = value(info, "MemTotal:"), available = value(info, "MemAvailable:");
  if (total && available) add_used(tick, memory_, kUsed, *total, *available);
  const auto swap_total = value(info, "SwapTotal:"), swap_free = value(info, "SwapFree:");
  if (!swap_total || !swap_free) return;
  tick.add(swap_, 0, *swap_total);
  tick.add(swap_, 1, *swap_free);
  add_used(tick, swap_, 2, *swap_total, *swap_free);
}

}  // namespace fieldpost::agent

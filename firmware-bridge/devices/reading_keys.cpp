#include "firmware-bridge/devices/reading_keys.h"

#include <algorithm>
#include <string>
#include <utility>

namespace fieldpost::bridge {
namespace {

using Tag = std::pair<std::string, std::string>;

/// The value of `name`, which is inserted where it is not there; second: whether that was so.
std::pair<std::string*, bool> tag_at(std::vector<Tag>& tags, const std::string& name) {
  auto at = std::ranges::lower_bound(tags, name, {}, &Tag::first);
  const bool is_new = at == tags.end() || at->first != name;
  if (is_new) at = tags.insert(at, {name, ""});
  return {&at->second, is_new};
}

void complete(const DeviceConfig& config, Measured& reading) {
  wire::SeriesKey& key = reading.key;
  if (key.measurement.empty()) key.measurement = config.measurement;
  for (const auto& [name, value] : config.tags) {
    const auto [place, is_new] = tag_at(key.tags, name);
    if (is_new) *place = value;
  }
  *tag_at(key.tags, "device").first = config.name;
  key.type = reading.value.type;
  if (!key.unit.empty()) return;
  const auto unit = config.protocol.units.find(key.field);
  if (unit != config.protocol.units.end()) key.unit = unit->second;
}

}  // namespace

std::size_t complete_keys(const DeviceConfig& config, std::vector<Measured>& readings) {
  for (Measured& each : readings) complete(config, each);
  return std::erase_if(readings, [](const Measured& each) { return !each.key.is_valid(); });
}

}  // namespace fieldpost::bridge

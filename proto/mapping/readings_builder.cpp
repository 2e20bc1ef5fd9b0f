#include "proto/mapping/readings_builder.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::mapping {

using wire::ValueType;

DeviceValue DeviceValue::of(double value) {
  return {ValueType::kF64, std::bit_cast<std::uint64_t>(value), {}};
}
DeviceValue DeviceValue::of(std::int64_t value) {
  return {ValueType::kI64, static_cast<std::uint64_t>(value), {}};
}
DeviceValue DeviceValue::of(std::uint64_t value) {
  return {ValueType::kU64, value, {}};
}
DeviceValue DeviceValue::of(bool value) {
  return {ValueType::kBool, value ? 1U : 0U, {}};
}
DeviceValue DeviceValue::of(std::string value) {
  return {ValueType::kString, 0, std::move(value)};
}

bool is_storable(const DeviceValue& value) {
  if (value.type == ValueType::kF64) return std::isfinite(std::bit_cast<double>(value.bits));
  return value.type != ValueType::kString ||
         (value.text.size() <= wire::kStringValueBytesMax && wire::is_utf8(value.text));
}

ReadingsBuilder::ReadingsBuilder(wire::ParsedLines lines) : lines_(std::move(lines)) {
  for (std::size_t i = 0; i < lines_.keys.size(); ++i) {
    columns_.emplace(lines_.keys[i], i);
    const std::vector<std::string>& strings = lines_.columns[i].strings;
    for (std::size_t s = 0; s < strings.size(); ++s) texts_.try_emplace({i, strings[s]}, s);
  }
}

bool ReadingsBuilder::add(wire::SeriesKey key, std::int64_t time_ns, DeviceValue value) {
  if (!is_storable(value)) return false;
  key.type = value.type;
  std::sort(key.tags.begin(), key.tags.end());
  std::string text = key.text();
  auto at = columns_.find(text);
  if (at == columns_.end()) {
    if (!wire::SeriesKey::parse(text)) return false;
    lines_.keys.push_back(text);
    lines_.types.push_back(value.type);
    lines_.columns.emplace_back();
    at = columns_.emplace(std::move(text), lines_.columns.size() - 1).first;
  }
  wire::Column& column = lines_.columns[at->second];
  if (value.type == ValueType::kString) {
    const auto [known, fresh] = texts_.try_emplace({at->second, value.text}, column.strings.size());
    value.bits = known->second;
    if (fresh) {
      lines_.string_bytes += value.text.size();
      column.strings.push_back(std::move(value.text));
    }
  }
  column.times.push_back(time_ns);
  column.values.push_back(value.bits);
  lines_.readings += 1;
  return true;
}

bool ReadingsBuilder::add_stamped(wire::SeriesKey key, rt::UnixTime now, DeviceValue value) {
  if (!add(std::move(key), now.ns, std::move(value))) return false;
  lines_.readings_stamped += 1;
  lines_.stamp_ns = now.ns;
  return true;
}

}  // namespace fieldpost::mapping

#include "firmware-bridge/protocols/heard.h"

#include <utility>

#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

constexpr std::size_t kWhyBytesMax = 200;

bool is_value(const mapping::DeviceValue& value) {
  wire::SeriesKey any;
  any.measurement = any.field = "x";
  return mapping::ReadingsBuilder().add(std::move(any), 0, value);
}

/// The measurement may be missing still.
bool is_key(wire::SeriesKey key) {
  if (key.measurement.empty()) key.measurement = "m";
  if (key.tags.size() > kBoardTagsMax) return false;
  const std::string text = key.text();
  return text.size() <= kBoardKeyBytesMax && wire::SeriesKey::parse(text).has_value();
}

}  // namespace

bool add_reading(Heard& heard, Measured reading, const Units& units) {
  reading.key.type = reading.value.type;
  if (reading.key.unit.empty()) {
    const auto unit = units.find(reading.key.field);
    if (unit != units.end()) reading.key.unit = unit->second;
  }
  if (!is_key(reading.key)) {
    set_why_bad(heard, "no valid name of a series: " + wire::quoted(reading.key.field));
    return false;
  }
  if (!is_value(reading.value)) {
    set_why_bad(heard, "no finite number, or no text of UTF-8 that fits: " +
                           wire::quoted(reading.key.field));
    return false;
  }
  heard.readings.push_back(std::move(reading));
  return true;
}

void set_why_bad(Heard& heard, std::string_view why) {
  heard.why_bad.clear();
  for (const char c : why.substr(0, kWhyBytesMax)) {
    heard.why_bad += c >= ' ' && c <= '~' ? c : '?';
  }
}

}  // namespace fieldpost::bridge

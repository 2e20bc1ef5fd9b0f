#include "firmware-bridge/protocols/heard.h"

#include <utility>

#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

constexpr std::size_t kWhyBytesMax = 200;

/// The measurement may be missing still.
bool is_key(wire::SeriesKey& key) {
  const bool is_unnamed = key.measurement.empty();
  if (is_unnamed) key.measurement = "m";
  const bool is_good = key.tags.size() <= kBoardTagsMax && key.is_valid(kBoardKeyBytesMax);
  if (is_unnamed) key.measurement.clear();
  return is_good;
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
  if (!mapping::is_storable(reading.value)) {
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

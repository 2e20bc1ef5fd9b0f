#include "firmware-bridge/protocols/influx_lines.h"

#include <utility>

namespace fieldpost::bridge {
namespace {

using mapping::DeviceValue;
using rt::Errc;
using rt::Error;
using rt::Result;

/// The readings of one column.
void add_column(const wire::SeriesKey& key, const wire::Column& column, bool is_stamped,
                LineFound& found) {
  for (std::size_t i = 0; i < column.count(); ++i) {
    Measured reading;
    reading.key = key;
    const std::uint64_t bits = column.values[i];
    reading.value = key.type == wire::ValueType::kString ? DeviceValue::of(column.strings[bits])
                                                         : DeviceValue{key.type, bits, {}};
    if (!is_stamped) reading.time = column.times[i];
    found.readings.push_back(std::move(reading));
  }
}

}  // namespace

Result<bool> InfluxLines::take(std::string_view line, std::int64_t arrived, LineFound& found) {
  if (!is_plain_text(line)) return Error{Errc::kInvalid, "line protocol: a line that is no text"};
  wire::LineOptions options;
  options.now.ns = arrived;
  const auto parsed = parser_.parse(line, options);
  if (parsed.lines_bad > 0) {
    return Error{Errc::kInvalid, "line protocol: " + parsed.errors.front().what};
  }
  const bool is_stamped = parsed.readings_stamped > 0;
  for (std::size_t i = 0; i < parsed.keys.size(); ++i) {
    const auto key = wire::SeriesKey::parse(parsed.keys[i]);
    FP_CHECK(key.has_value());
    add_column(*key, parsed.columns[i], is_stamped, found);
  }
  return parsed.lines_stored > 0;
}

}  // namespace fieldpost::bridge

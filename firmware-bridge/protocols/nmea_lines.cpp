#include "firmware-bridge/protocols/nmea_lines.h"

#include <string>
#include <utility>

namespace fieldpost::bridge {

rt::Result<bool> NmeaLines::take(std::string_view line, std::int64_t, LineFound& found) {
  const std::size_t start = line.rfind('$');
  if (start != std::string_view::npos && start > 0) {
    found.has_debris = true;
    line.remove_prefix(start);
  }
  auto sentence = nmea_.take(line);
  if (!sentence) return sentence.error();
  for (NmeaFound::Value& each : sentence->values) {
    Measured reading;
    reading.key.field = std::string(each.field);
    reading.key.unit = std::string(each.unit);
    if (!each.talker.empty()) reading.key.tags = {{"talker", std::move(each.talker)}};
    reading.value = std::move(each.value);
    reading.time = sentence->time;
    found.readings.push_back(std::move(reading));
  }
  found.clock = sentence->time;
  return true;
}

}  // namespace fieldpost::bridge

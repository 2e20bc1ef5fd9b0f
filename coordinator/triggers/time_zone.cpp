#include "coordinator/triggers/time_zone.h"

#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <limits>

#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::int64_t kNanosOfSecond = 1'000'000'000;
constexpr std::int64_t kSecondsLeast = std::numeric_limits<std::int64_t>::min() / kNanosOfSecond;
constexpr std::int64_t kSecondsMost = std::numeric_limits<std::int64_t>::max() / kNanosOfSecond;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
         c == '_' || c == '-' || c == '+';
}

rt::UnixTime clamped(date::sys_seconds time) {
  const std::int64_t seconds = time.time_since_epoch().count();
  return {std::clamp(seconds, kSecondsLeast, kSecondsMost) * kNanosOfSecond};
}

date::sys_seconds seconds_of(rt::UnixTime time) {
  return std::chrono::floor<std::chrono::seconds>(
      date::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(time.ns)));
}

}  // namespace

Result<TimeZone> TimeZone::find(std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax || !std::ranges::all_of(name, is_name_char)) {
    return Error{Errc::kInvalid,
                 fmt::format("time zone {}: expected a name of the IANA database such as "
                             "\"Europe/Vienna\", or \"UTC\"",
                             in_quotes(name))};
  }
  TimeZone zone;
  if (name == zone.name_) return zone;
  // The library throws for what it does not find, and reads a zone when it is first asked.
  try {
    zone.zone_ = date::locate_zone(name);
    static_cast<void>(zone.zone_->get_info(date::sys_seconds{}));
  } catch (const std::exception& failure) {
    return Error{Errc::kNotFound, fmt::format("time zone {}: {}", in_quotes(name), failure.what())};
  }
  zone.name_ = name;
  return zone;
}

ZoneSpan TimeZone::span_at(rt::UnixTime time) const {
  if (zone_ == nullptr) {
    return {{kSecondsLeast * kNanosOfSecond}, {kSecondsMost * kNanosOfSecond}, rt::Seconds{0}};
  }
  const date::sys_info info = zone_->get_info(seconds_of(time));
  return {clamped(info.begin), clamped(info.end), info.offset};
}

}  // namespace fieldpost::coordinator

#include "proto/mapping/device_time.h"

#include <charconv>
#include <cmath>

#include "proto/mapping/plain_value.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::mapping {
namespace {

std::int64_t nanos_of(wire::Precision precision) {
  switch (precision) {
    case wire::Precision::kNs: return 1;
    case wire::Precision::kUs: return 1'000;
    case wire::Precision::kMs: return 1'000'000;
    case wire::Precision::kS: return 1'000'000'000;
    case wire::Precision::kMinute: return 60'000'000'000;
    case wire::Precision::kHour: return 3'600'000'000'000;
  }
  return 1;
}

}  // namespace

std::optional<std::int64_t> device_time(std::int64_t number, wire::Precision precision) {
  std::int64_t time = 0;
  if (__builtin_mul_overflow(number, nanos_of(precision), &time)) return std::nullopt;
  return time;
}

std::optional<std::int64_t> device_time(double number, wire::Precision precision) {
  const double nanos = number * static_cast<double>(nanos_of(precision));
  if (!(std::abs(nanos) < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(std::round(nanos / 1000.0)) * 1000;
}

std::optional<std::int64_t> device_time(std::string_view text, wire::Precision precision) {
  text = trimmed(text);
  std::int64_t whole = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, whole);
  if (!text.empty() && code == std::errc{} && at == end) return device_time(whole, precision);
  if (const auto number = parse_plain_number(text)) return device_time(*number, precision);
  const auto time = wire::parse_rfc3339(text);
  return time ? std::optional(time->ns) : std::nullopt;
}

}  // namespace fieldpost::mapping

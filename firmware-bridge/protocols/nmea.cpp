#include "firmware-bridge/protocols/nmea.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace fieldpost::bridge {
namespace {

using mapping::DeviceValue;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kFieldsMax = 32;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kDayNs = 86'400 * kNsPerSecond;
constexpr double kMetresPerSecondOfKnot = 1852.0 / 3600.0;

Error broken(std::string_view what) {
  return {Errc::kInvalid, "NMEA: " + std::string(what)};
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  return std::nullopt;
}

/// What stands between "$" and "*", if the checksum is right.
Result<std::string_view> body_of(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  constexpr std::size_t kTailBytes = 3;
  if (line.size() > kNmeaLineBytesMax) return broken("a line that is too long");
  if (line.size() < kTailBytes + 1 || line.front() != '$') return broken("no sentence");
  const std::string_view tail = line.substr(line.size() - kTailBytes);
  const auto high = hex_digit(tail[1]);
  const auto low = hex_digit(tail[2]);
  if (tail[0] != '*' || !high || !low) return broken("a sentence without a checksum");
  const std::string_view body = line.substr(1, line.size() - 1 - kTailBytes);
  unsigned sum = 0;
  for (const char c : body) {
    if (c < ' ' || c > '~') return broken("a byte that no sentence has");
    sum ^= static_cast<unsigned char>(c);
  }
  if (sum != (*high << 4U | *low)) return Error{Errc::kCorrupt, "NMEA: a wrong checksum"};
  return body;
}

/// Fields by number; a sentence's name is field 0. An empty one is not there. What is there and not
/// as it must be makes the whole sentence invalid.
class Fields {
 public:
  explicit Fields(std::string_view body) {
    for (;;) {
      const std::size_t end = std::min(body.find(','), body.size());
      if (count_ < kFieldsMax) fields_[count_++] = body.substr(0, end);
      if (end == body.size()) return;
      body.remove_prefix(end + 1);
    }
  }
  [[nodiscard]] bool is_valid() const { return valid_; }
  [[nodiscard]] std::string_view text(std::size_t index) const {
    return index < count_ ? fields_[index] : std::string_view();
  }

  std::optional<double> number(std::size_t index) {
    const std::string_view field = text(index);
    if (field.empty()) return std::nullopt;
    double value = 0;
    const auto [end, failed] =
        std::from_chars(field.data(), field.data() + field.size(), value, std::chars_format::fixed);
    const bool whole = failed == std::errc() && end == field.data() + field.size();
    if (whole && std::isfinite(value)) return value;
    valid_ = false;
    return std::nullopt;
  }

  std::optional<std::int64_t> integer(std::size_t index) {
    const auto digits = digits_of(text(index));
    if (!digits && !text(index).empty()) valid_ = false;
    return digits;
  }

  /// "ddmm.mmmm" or "dddmm.mmmm", and the hemisphere behind it.
  std::optional<double> angle(std::size_t index, char positive, char negative, double most) {
    const auto value = number(index);
    const std::string_view half = text(index + 1);
    if (!value && half.empty()) return std::nullopt;
    const double degrees = std::floor(value.value_or(-1) / 100);
    const double minutes = value.value_or(-1) - degrees * 100;
    const double angle = degrees + minutes / 60;
    const bool is_half = half.size() == 1 && (half[0] == positive || half[0] == negative);
    if (is_half && value && *value >= 0 && minutes < 60 && angle <= most) {
      return half[0] == positive ? angle : -angle;
    }
    valid_ = false;
    return std::nullopt;
  }

  /// "hhmmss" or "hhmmss.sss": ns since midnight.
  std::optional<std::int64_t> time_of_day(std::size_t index) {
    const std::string_view field = text(index);
    if (field.empty()) return std::nullopt;
    constexpr std::size_t kDigits = 6;
    if (field.size() < kDigits) {
      valid_ = false;
      return std::nullopt;
    }
    const auto hours = digits_of(field.substr(0, 2));
    const auto minutes = digits_of(field.substr(2, 2));
    const auto seconds = digits_of(field.substr(4, 2));
    const auto ns = fraction_ns(field.substr(kDigits));
    // A leap second is told as 60.
    if (hours && minutes && seconds && ns && *hours < 24 && *minutes < 60 && *seconds <= 60) {
      return ((*hours * 60 + *minutes) * 60 + *seconds) * kNsPerSecond + *ns;
    }
    valid_ = false;
    return std::nullopt;
  }

  /// ns since 1970 of the midnight before.
  std::optional<std::int64_t> date(std::string_view day, std::string_view month,
                                   std::string_view year, std::int64_t century) {
    if (day.empty() && month.empty() && year.empty()) return std::nullopt;
    const auto d = digits_of(day), m = digits_of(month), y = digits_of(year);
    if (d && m && y) {
      const std::chrono::year_month_day whole{std::chrono::year(static_cast<int>(*y + century)),
                                              std::chrono::month(static_cast<unsigned>(*m)),
                                              std::chrono::day(static_cast<unsigned>(*d))};
      constexpr int kYearMax = 2261;  // what ns in 64 bits can tell
      if (whole.ok() && whole.year() >= std::chrono::year(1980) &&
          whole.year() <= std::chrono::year(kYearMax)) {
        return std::chrono::sys_days(whole).time_since_epoch().count() * kDayNs;
      }
    }
    valid_ = false;
    return std::nullopt;
  }

 private:
  static std::optional<std::int64_t> digits_of(std::string_view text) {
    constexpr std::size_t kDigitsMax = 9;
    if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return value;
  }

  /// ".123" → 123'000'000; nothing → 0.
  static std::optional<std::int64_t> fraction_ns(std::string_view text) {
    if (text.empty()) return 0;
    if (text.front() != '.') return std::nullopt;
    std::int64_t unit = kNsPerSecond;
    std::int64_t value = 0;
    for (const char c : text.substr(1)) {
      if (c < '0' || c > '9') return std::nullopt;
      unit /= 10;
      value += (c - '0') * unit;
    }
    return value;
  }

  std::array<std::string_view, kFieldsMax> fields_;
  std::size_t count_ = 0;
  bool valid_ = true;
};

void add(NmeaFound& found, std::string_view field, std::string_view unit,
         std::optional<double> value) {
  if (value) found.values.push_back({field, unit, DeviceValue::of(*value), {}});
}

void add_count(NmeaFound& found, std::string_view field, std::optional<std::int64_t> value,
               std::string_view talker = {}) {
  if (value) found.values.push_back({field, "", DeviceValue::of(*value), std::string(talker)});
}

void add_position(NmeaFound& found, Fields& fields, std::size_t index, bool is_fixed) {
  const auto latitude = fields.angle(index, 'N', 'S', 90);
  const auto longitude = fields.angle(index + 2, 'E', 'W', 180);
  if (!is_fixed || !latitude || !longitude) return;
  add(found, "latitude", "lat", latitude);
  add(found, "longitude", "lon", longitude);
}

void add_motion(NmeaFound& found, std::optional<double> knots, std::optional<double> course) {
  if (knots) add(found, "speed", "m/s", *knots * kMetresPerSecondOfKnot);
  add(found, "course", "deg", course);
}

/// Whether there is a fix.
bool read_gga(Fields& fields, NmeaFound& found) {
  const auto quality = fields.integer(6);
  const bool is_fixed = quality.value_or(0) > 0;
  add_position(found, fields, 2, is_fixed);
  add_count(found, "fix", quality);
  add_count(found, "satellites", fields.integer(7));
  add(found, "hdop", "", fields.number(8));
  const auto altitude = fields.number(9);
  if (is_fixed && fields.text(10) == "M") add(found, "altitude", "m", altitude);
  return is_fixed;
}

/// Whether there is a fix.
bool read_rmc(Fields& fields, NmeaFound& found) {
  const bool is_fixed = fields.text(2) == "A";
  add_position(found, fields, 3, is_fixed);
  const auto knots = fields.number(7);
  const auto course = fields.number(8);
  if (is_fixed) add_motion(found, knots, course);
  return is_fixed;
}

void read_gsa(Fields& fields, NmeaFound& found) {
  add_count(found, "fix_dimensions", fields.integer(2));
  add(found, "pdop", "", fields.number(15));
  add(found, "vdop", "", fields.number(17));
}

/// Each talker counts the satellites of its own system. A number of one that is none, as damage
/// makes them, would be a series of its own.
void read_gsv(Fields& fields, NmeaFound& found) {
  const std::string_view talker = fields.text(0).substr(0, 2);
  const bool is_talker = std::ranges::all_of(talker, [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_talker || fields.text(2) != "1") return;  // those behind the first one say the same
  add_count(found, "satellites_in_view", fields.integer(3), talker);
}

/// As many whole days later, or earlier, as bring it nearest to `newest`.
std::int64_t nearest_day(std::int64_t time, std::int64_t newest) {
  const std::int64_t ahead = newest - time;
  const std::int64_t half = ahead < 0 ? -kDayNs / 2 : kDayNs / 2;
  return time + (ahead + half) / kDayNs * kDayNs;
}

}  // namespace

Result<NmeaFound> Nmea::take(std::string_view line) {
  const auto body = body_of(line);
  if (!body) return body.error();
  Fields fields(*body);
  const std::string_view name = fields.text(0);
  constexpr std::size_t kNameBytes = 5;  ///< two of the talker, three of the sentence
  if (name.size() != kNameBytes) return NmeaFound{};
  const std::string_view kind = name.substr(2);
  NmeaFound found;
  std::optional<std::int64_t> of_day, midnight;
  bool is_fixed = false;
  if (kind == "GGA") {
    of_day = fields.time_of_day(1);
    is_fixed = read_gga(fields, found);
  } else if (kind == "RMC") {
    constexpr std::int64_t kCentury = 2000;
    of_day = fields.time_of_day(1);
    const std::string_view date = fields.text(9);
    const bool is_date = date.size() == 6 || date.empty();
    if (!is_date) return broken("a date that is none");
    if (!date.empty()) {
      midnight = fields.date(date.substr(0, 2), date.substr(2, 2), date.substr(4, 2), kCentury);
    }
    is_fixed = read_rmc(fields, found);
    if (!is_fixed) midnight.reset();  // a receiver without a fix may not know the date
  } else if (kind == "ZDA") {
    of_day = fields.time_of_day(1);
    midnight = fields.date(fields.text(2), fields.text(3), fields.text(4), 0);
    if (!had_fix_) midnight.reset();  // it does not say whether there is one
  } else if (kind == "VTG") {
    add_motion(found, fields.number(5), fields.number(1));
  } else if (kind == "GSA") {
    read_gsa(fields, found);
  } else if (kind == "GSV") {
    read_gsv(fields, found);
  }
  if (!fields.is_valid()) return broken(fmt::format("a field of {} that is not one", name));
  had_fix_ = had_fix_ || is_fixed;
  if (midnight) {
    midnight_ = midnight;
    newest_.reset();
  }
  if (of_day) found.time = time_at(*of_day);
  return found;
}

std::optional<std::int64_t> Nmea::time_at(std::int64_t of_day) {
  if (!midnight_) return std::nullopt;
  std::int64_t time = *midnight_ + of_day;
  // Between a midnight and the first sentence with the new date, which may be days later.
  if (newest_) time = nearest_day(time, *newest_);
  newest_ = time;
  if (time - *midnight_ > kNmeaDateHolds.count() * kDayNs) midnight_.reset();
  return time;
}

}  // namespace fieldpost::bridge

#include "proto/wire/rfc3339.h"

#include <chrono>
#include <cstdint>
#include <optional>

namespace fieldpost::wire {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsMin = INT64_MIN / kNanosPerSecond;
constexpr std::int64_t kSecondsMax = INT64_MAX / kNanosPerSecond - 1;

/// Eats a text from the left.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : left_(text) {}
  [[nodiscard]] bool at_end() const { return left_.empty(); }

  bool take(std::string_view any_of) {
    if (left_.empty() || any_of.find(left_.front()) == std::string_view::npos) return false;
    left_.remove_prefix(1);
    return true;
  }
  /// Exactly `digits` digits, from `least` to `most`.
  std::optional<int> number(std::size_t digits, int least, int most) {
    if (left_.size() < digits) return std::nullopt;
    int value = 0;
    for (const char c : left_.substr(0, digits)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    left_.remove_prefix(digits);
    return value < least || value > most ? std::nullopt : std::optional(value);
  }
  /// One to nine digits after the point, as nanoseconds.
  std::optional<std::int64_t> fraction() {
    std::int64_t value = 0;
    std::int64_t scale = kNanosPerSecond;
    while (!left_.empty() && left_.front() >= '0' && left_.front() <= '9' && scale > 1) {
      scale /= 10;
      value += (left_.front() - '0') * scale;
      left_.remove_prefix(1);
    }
    return scale == kNanosPerSecond ? std::nullopt : std::optional(value);
  }

 private:
  std::string_view left_;
};

std::optional<std::int64_t> scan_date(Scanner& scan) {
  const auto year = scan.number(4, 0, 9999);
  if (!year || !scan.take("-")) return std::nullopt;
  const auto month = scan.number(2, 1, 12);
  if (!month || !scan.take("-")) return std::nullopt;
  const auto day = scan.number(2, 1, 31);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400};
}

std::optional<std::int64_t> scan_clock(Scanner& scan) {
  const auto hour = scan.number(2, 0, 23);
  if (!hour || !scan.take(":")) return std::nullopt;
  const auto minute = scan.number(2, 0, 59);
  if (!minute || !scan.take(":")) return std::nullopt;
  const auto second = scan.number(2, 0, 60);
  if (!second) return std::nullopt;
  return *hour * 3600 + *minute * 60 + *second;
}

/// Seconds east of UTC.
std::optional<std::int64_t> scan_zone(Scanner& scan) {
  if (scan.take("Zz")) return 0;
  const bool west = scan.take("-");
  if (!west && !scan.take("+ ")) return std::nullopt;
  const auto hours = scan.number(2, 0, 23);
  if (!hours || !scan.take(":")) return std::nullopt;
  const auto minutes = scan.number(2, 0, 59);
  if (!minutes) return std::nullopt;
  const std::int64_t east = *hours * 3600 + *minutes * 60;
  return west ? -east : east;
}

std::optional<rt::UnixTime> scan_time(Scanner& scan) {
  const auto date = scan_date(scan);
  if (!date) return std::nullopt;
  std::int64_t seconds = *date;
  std::int64_t nanos = 0;
  if (!scan.at_end()) {
    if (!scan.take("Tt ")) return std::nullopt;
    const auto clock = scan_clock(scan);
    if (!clock) return std::nullopt;
    const auto fraction = scan.take(".") ? scan.fraction() : std::optional<std::int64_t>(0);
    const auto zone = fraction ? scan_zone(scan) : std::nullopt;
    if (!zone || !scan.at_end()) return std::nullopt;
    seconds += *clock - *zone;
    nanos = *fraction;
  }
  if (seconds < kSecondsMin || seconds > kSecondsMax) return std::nullopt;
  return rt::UnixTime{seconds * kNanosPerSecond + nanos};
}

constexpr std::string_view kShape = "yyyy-mm-ddThh:mm:ss.nnnnnnnnnZ";

/// By hand: exports write hundreds of millions of times, and a format string takes twenty times as
/// long.
void put_digits(char* at, int count, std::int64_t number) {
  auto left = static_cast<std::uint32_t>(number);
  for (int i = count - 1; i >= 0; --i) {
    at[i] = static_cast<char>('0' + left % 10);
    left /= 10;
  }
}

}  // namespace

rt::Result<rt::UnixTime> parse_rfc3339(std::string_view text) {
  Scanner scan(text);
  if (const auto time = scan_time(scan)) return *time;
  return rt::Error{rt::Errc::kInvalid,
                   "expected a time of RFC 3339 such as 2024-05-01T12:00:00Z, between the years "
                   "1678 and 2262"};
}

std::string format_rfc3339(rt::UnixTime time) {
  std::string out;
  append_rfc3339(out, time);
  return out;
}

void append_rfc3339(std::string& out, rt::UnixTime time) {
  using namespace std::chrono;
  const nanoseconds since_epoch(time.ns);
  const auto second = floor<seconds>(since_epoch);
  const auto day = floor<days>(second);  // of nanoseconds it would overflow in 1677
  const year_month_day date{sys_days(day)};
  const hh_mm_ss clock(second - day);
  const nanoseconds rest = since_epoch % seconds(1);
  out += kShape;
  char* const at = out.data() + out.size() - kShape.size();
  put_digits(at, 4, static_cast<int>(date.year()));
  put_digits(at + 5, 2, static_cast<unsigned>(date.month()));
  put_digits(at + 8, 2, static_cast<unsigned>(date.day()));
  put_digits(at + 11, 2, clock.hours().count());
  put_digits(at + 14, 2, clock.minutes().count());
  put_digits(at + 17, 2, clock.seconds().count());
  put_digits(at + 20, 9, (rest < nanoseconds(0) ? rest + seconds(1) : rest).count());
}

}  // namespace fieldpost::wire

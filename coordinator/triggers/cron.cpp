#include "coordinator/triggers/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;

/// What a field may hold. `most` of a week is 7, of `*` and of steps without an end it is 6.
struct CronRule::FieldKind {
  std::string_view name;
  int least;
  int most;
  int most_of_star;
  std::string_view names;  ///< three letters each, of the values from `least` on
  std::string_view expected;
};

const CronRule::FieldKind CronRule::kKinds[5] = {
    {"minute", 0, 59, 59, "", "0 to 59"},
    {"hour", 0, 23, 23, "", "0 to 23"},
    {"day of month", 1, 31, 31, "", "1 to 31"},
    {"month", 1, 12, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", "1 to 12 or JAN to DEC"},
    {"day of week", 0, 7, 6, "SUNMONTUEWEDTHUFRISAT", "0 to 7 or SUN to SAT"},
};

namespace {

constexpr std::size_t kNameSize = 3;
constexpr unsigned kSundayAgain = 7;
constexpr int kMinutesOfHour = 60;
/// Of January to December, in a leap year.
constexpr std::array<int, 12> kDaysOfMonth = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kShort = {{
    {"@hourly", "0 * * * *"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"},
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
}};

Error wrong(std::string_view text, std::string_view what) {
  return {Errc::kInvalid, fmt::format("cron expression {}: {}", in_quotes(text), what)};
}

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

/// One or two digits.
std::optional<int> parse_number(std::string_view text) {
  if (text.empty() || text.size() > 2) return std::nullopt;
  int number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

/// The place of a name among `names`.
std::optional<int> parse_name(std::string_view text, std::string_view names) {
  if (text.size() != kNameSize) return std::nullopt;
  std::string name(text);
  std::ranges::transform(name, name.begin(), upper);
  for (std::size_t at = 0; at + kNameSize <= names.size(); at += kNameSize) {
    if (names.substr(at, kNameSize) == name) return static_cast<int>(at / kNameSize);
  }
  return std::nullopt;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find_first_of(separators);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// From `begin` to `end`, both included.
struct Steps {
  int begin = 0;
  int end = 0;
  int step = 1;
};

std::uint64_t bits_of(const Steps& steps) {
  std::uint64_t bits = 0;
  for (int value = steps.begin; value <= steps.end; value += steps.step) {
    bits |= std::uint64_t{1} << value;
  }
  return bits;
}

/// `least`, `most` and `names` are those of the field.
std::optional<int> parse_value(std::string_view text, int least, int most, std::string_view names) {
  if (const auto place = parse_name(text, names)) return least + *place;
  const auto number = parse_number(text);
  return number && *number >= least && *number <= most ? number : std::nullopt;
}

}  // namespace

/// One field; the error is what is wrong about it.
Result<CronRule::Field> CronRule::parse_field(std::string_view text, const FieldKind& kind) {
  Field field{.bits = 0, .is_star = text.starts_with('*')};
  const auto bad = [&](std::string_view item, std::string_view expected) {
    return Error{Errc::kInvalid,
                 fmt::format("{}: {} is wrong: expected {}", kind.name, in_quotes(item), expected)};
  };
  for (const std::string_view item : split(text, ",")) {
    const std::size_t slash = item.find('/');
    const std::string_view range = item.substr(0, slash);
    const std::size_t dash = range.find('-');
    const bool is_open = slash != std::string_view::npos && dash == std::string_view::npos;
    Steps steps{kind.least, kind.most_of_star, 1};
    if (range != "*") {
      const auto value = [&](std::string_view part) {
        return parse_value(part, kind.least, kind.most, kind.names);
      };
      const auto begin = value(range.substr(0, dash));
      auto end = dash == std::string_view::npos ? begin : value(range.substr(dash + 1));
      if (!begin || !end)
        return bad(item, fmt::format("{}, a range of these, or *", kind.expected));
      if (is_open) end = std::max(*begin, kind.most_of_star);
      if (kind.most != kind.most_of_star && *end == 0 && *begin > 0) end = kind.most;  // FRI-SUN
      if (*end < *begin) return bad(item, "a range that goes up");
      steps = {*begin, *end, 1};
    }
    if (slash != std::string_view::npos) {
      const auto step = parse_number(item.substr(slash + 1));
      if (!step || *step < 1 || *step > kind.most) {
        return bad(item, fmt::format("a step of 1 to {}", kind.most));
      }
      steps.step = *step;
    }
    field.bits |= bits_of(steps);
  }
  return field;
}

Result<CronRule> CronRule::parse(std::string_view text) {
  if (text.size() > kTextBytesMax) {
    return wrong(text, fmt::format("it is longer than {} bytes", kTextBytesMax));
  }
  std::vector<std::string_view> parts = split(text, " \t");
  std::erase_if(parts, [](std::string_view part) { return part.empty(); });
  if (parts.size() == 1 && parts[0].starts_with('@')) {
    const auto found =
        std::ranges::find(kShort, parts[0], [](const auto& each) { return each.first; });
    if (found == kShort.end()) {
      return wrong(text, "expected @hourly, @daily, @weekly, @monthly or @yearly");
    }
    parts = split(found->second, " ");
  }
  if (parts.size() != std::size(kKinds)) {
    return wrong(text, fmt::format("expected five fields (minute, hour, day of month, month, day "
                                   "of week), found {}",
                                   parts.size()));
  }
  CronRule rule;
  Field* const fields[] = {&rule.minutes_, &rule.hours_, &rule.days_, &rule.months_,
                           &rule.weekdays_};
  for (std::size_t i = 0; i < std::size(kKinds); ++i) {
    const auto field = parse_field(parts[i], kKinds[i]);
    if (!field) return wrong(text, field.error().message);
    *fields[i] = *field;
  }
  if (rule.weekdays_.has(kSundayAgain)) rule.weekdays_.bits |= 1;
  rule.weekdays_.bits &= ~(std::uint64_t{1} << kSundayAgain);
  if (rule.is_never()) {
    return wrong(text, "day of month: none of its months has such a day, so it is never due");
  }
  return rule;
}

/// Every weekday falls on each day of a month sooner or later, so only the month can fail.
bool CronRule::is_never() const {
  if (!days_.is_star && !weekdays_.is_star) return false;
  const int first_day = std::countr_zero(days_.bits);
  for (unsigned month = 1; month <= kDaysOfMonth.size(); ++month) {
    if (months_.has(month) && first_day <= kDaysOfMonth[month - 1]) return false;
  }
  return true;
}

bool CronRule::is_of_month(std::chrono::month month) const {
  return months_.has(static_cast<unsigned>(month));
}

bool CronRule::is_of_day(std::chrono::sys_days local_day) const {
  const std::chrono::year_month_day date(local_day);
  const bool day = days_.has(static_cast<unsigned>(date.day()));
  const bool weekday = weekdays_.has(std::chrono::weekday(local_day).c_encoding());
  const bool both = days_.is_star || weekdays_.is_star;
  return is_of_month(date.month()) && (both ? day && weekday : day || weekday);
}

std::optional<int> CronRule::minute_from(int least) const {
  for (int hour = least / kMinutesOfHour; hour * kMinutesOfHour < kMinutesOfDay; ++hour) {
    if (!hours_.has(static_cast<unsigned>(hour))) continue;
    const int first = std::max(least - hour * kMinutesOfHour, 0);
    const std::uint64_t left = minutes_.bits >> first << first;
    if (left != 0) return hour * kMinutesOfHour + std::countr_zero(left);
  }
  return std::nullopt;
}

}  // namespace fieldpost::coordinator

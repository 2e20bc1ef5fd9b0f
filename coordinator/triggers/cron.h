#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// When something is due, in the local time of some zone: the five fields of a crontab (POSIX),
///
///   minute 0-59, hour 0-23, day of month 1-31, month 1-12 or JAN-DEC, day of week 0-7 or SUN-SAT,
///
/// each `*`, a value, a range `a-b`, a step `*/n`, `a-b/n` or `a/n` (from a to the end), or a list
/// of these with commas. 0 and 7 are Sunday. Or one of @hourly @daily @midnight @weekly @monthly
/// @yearly @annually. A value; any thread.
///
/// Days: when day of month and day of week are both restricted, either is enough; a field that
/// begins with `*` is not restricted, and then both must fit, as in Vixie cron.
class CronRule {
 public:
  static constexpr std::size_t kTextBytesMax = 256;
  static constexpr int kMinutesOfDay = 24 * 60;

  /// kInvalid: the message names the expression, the field and what was expected. A rule that is
  /// never due ("30 2 31 2 *") is wrong, too.
  static rt::Result<CronRule> parse(std::string_view text);
  bool operator==(const CronRule&) const = default;

  /// The field of hours begins with `*`: it means every so many hours rather than times of a day.
  [[nodiscard]] bool is_of_every_hour() const { return hours_.is_star; }
  [[nodiscard]] bool is_of_month(std::chrono::month month) const;
  [[nodiscard]] bool is_of_day(std::chrono::sys_days local_day) const;
  /// The first minute of the day from `least` (0 to 1439) on, on a day that fits.
  [[nodiscard]] std::optional<int> minute_from(int least) const;

 private:
  struct Field {
    std::uint64_t bits = 0;  ///< bit n: the value n
    bool is_star = false;    ///< begins with `*`
    [[nodiscard]] bool has(unsigned value) const { return (bits >> value & 1) != 0; }
    bool operator==(const Field&) const = default;
  };
  struct FieldKind;
  static const FieldKind kKinds[5];

  static rt::Result<Field> parse_field(std::string_view text, const FieldKind& kind);
  [[nodiscard]] bool is_never() const;

  Field minutes_, hours_, days_, months_, weekdays_;
};

}  // namespace fieldpost::coordinator

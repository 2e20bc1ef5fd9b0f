#include "coordinator/triggers/cron_walk.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace fieldpost::coordinator {
namespace {

constexpr std::int64_t kNanosOfSecond = 1'000'000'000;
constexpr std::int64_t kSecondsOfMinute = 60;
constexpr std::int64_t kTimeMost = std::numeric_limits<std::int64_t>::max();

/// Towards the past, also before 1970.
std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

std::int64_t ceil_div(std::int64_t value, std::int64_t by) {
  return floor_div(value + by - 1, by);
}

std::int64_t seconds_of(rt::UnixTime time) {
  return floor_div(time.ns, kNanosOfSecond);
}

rt::UnixTime add(rt::UnixTime time, rt::Nanos span) {
  return time.ns > kTimeMost - span.count() ? rt::UnixTime{kTimeMost} : time + span;
}

std::chrono::sys_days first_of_next_month(std::chrono::year_month_day date) {
  return (date.year() / date.month() + std::chrono::months(1)) / 1;
}

}  // namespace

CronWalk::CronWalk(const CronRule& rule, const TimeZone& zone, rt::UnixTime after)
    : rule_(rule), zone_(zone), last_(after), horizon_(add(after, kHorizon)) {
  const ZoneSpan span = zone_.span_at(after);
  const bool is_first = span.begin.ns <= std::numeric_limits<std::int64_t>::min() + kNanosOfSecond;
  const rt::UnixTime before{is_first ? span.begin.ns : span.begin.ns - 1};
  enter(span, zone_.span_at(before).offset);
  const std::int64_t local = seconds_of(after) + span.offset.count();
  from_ = std::max(from_, floor_div(local, kSecondsOfMinute) + 1);
}

/// Times of a day go on where those of the span before ended, whether the clocks were put forward
/// (then the first of them do not exist) or back (then the first of the span have been already).
void CronWalk::enter(const ZoneSpan& span, rt::Seconds offset_before) {
  span_ = span;
  const rt::Seconds offset = rule_.is_of_every_hour() ? span.offset : offset_before;
  const std::int64_t end = seconds_of(std::min(span.end, horizon_));
  from_ = ceil_div(seconds_of(span.begin) + offset.count(), kSecondsOfMinute);
  limit_ = ceil_div(end + span.offset.count(), kSecondsOfMinute);
}

std::optional<CronWalk::Minutes> CronWalk::find_local(Minutes from, Minutes limit) const {
  while (from < limit) {
    const std::int64_t day = floor_div(from, CronRule::kMinutesOfDay);
    const std::chrono::sys_days date{std::chrono::days(day)};
    const std::chrono::year_month_day calendar(date);
    if (!rule_.is_of_month(calendar.month())) {
      const auto next = first_of_next_month(calendar).time_since_epoch();
      from = std::int64_t{next.count()} * CronRule::kMinutesOfDay;
      continue;
    }
    const Minutes midnight = day * CronRule::kMinutesOfDay;
    const auto minute =
        rule_.is_of_day(date) ? rule_.minute_from(static_cast<int>(from - midnight)) : std::nullopt;
    if (minute && midnight + *minute < limit) return midnight + *minute;
    from = midnight + CronRule::kMinutesOfDay;
  }
  return std::nullopt;
}

std::optional<rt::UnixTime> CronWalk::next_in_span() {
  while (const auto found = find_local(from_, limit_)) {
    from_ = *found + 1;
    const std::int64_t seconds = *found * kSecondsOfMinute - span_.offset.count();
    const rt::UnixTime due = std::max(rt::UnixTime{seconds * kNanosOfSecond}, span_.begin);
    if (due <= last_) continue;  // several that the clocks left out
    last_ = due;
    return due;
  }
  return std::nullopt;
}

std::optional<rt::UnixTime> CronWalk::next() {
  for (;;) {
    if (const auto due = next_in_span()) return due;
    from_ = limit_;
    if (span_.end >= horizon_ || span_.end.ns >= kTimeMost - kNanosOfSecond) return std::nullopt;
    enter(zone_.span_at(span_.end), span_.offset);
  }
}

std::optional<rt::UnixTime> next_due(const CronRule& rule, const TimeZone& zone,
                                     rt::UnixTime after) {
  return CronWalk(rule, zone, after).next();
}

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <optional>

#include "coordinator/triggers/cron.h"
#include "coordinator/triggers/time_zone.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// The moments at which a rule is due in a zone, one after the other, each later than the one
/// before. A value; any thread.
///
/// Where clocks are changed: a rule with times of a day is due once for each of its local times. A
/// time that the clocks leave out is due at the first moment after the jump (several: once), and
/// one that they show twice is due when they show it first. A rule whose hours begin with `*` is
/// due whenever the clocks show one of its times: not at those that they leave out, and twice at
/// those that they show twice, so that `*/10 * * * *` keeps its ten minutes.
class CronWalk {
 public:
  /// As far as is looked: the 29th of February falls on a given weekday at least so often.
  static constexpr rt::Seconds kHorizon{std::int64_t{41} * 366 * 86400};

  /// The first moment is later than `after`.
  CronWalk(const CronRule& rule, const TimeZone& zone, rt::UnixTime after);

  /// nullopt: none within the horizon, or within what UnixTime holds; and so for ever.
  std::optional<rt::UnixTime> next();

 private:
  using Minutes = std::int64_t;  ///< of local time, since the local beginning of 1970

  void enter(const ZoneSpan& span, rt::Seconds offset_before);
  [[nodiscard]] std::optional<Minutes> find_local(Minutes from, Minutes limit) const;
  std::optional<rt::UnixTime> next_in_span();

  CronRule rule_;
  TimeZone zone_;
  rt::UnixTime last_;     ///< given out, or where it began
  rt::UnixTime horizon_;  ///< where it ends
  ZoneSpan span_;
  Minutes from_ = 0;   ///< looked at next
  Minutes limit_ = 0;  ///< of the span: the first that is not in it
};

/// The first moment after `after`.
[[nodiscard]] std::optional<rt::UnixTime> next_due(const CronRule& rule, const TimeZone& zone,
                                                   rt::UnixTime after);

}  // namespace fieldpost::coordinator

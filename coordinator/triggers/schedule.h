#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/triggers/cron.h"
#include "coordinator/triggers/time_zone.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// What becomes of runs that nobody could start in time.
enum class MissedRuns : std::uint8_t {
  kSkip,
  kRunOnce,  ///< one run stands for all of them
  kRunAll,   ///< each of the newest `run_all_max`, the oldest of them first
};

struct SchedulePolicy {
  MissedRuns missed = MissedRuns::kRunOnce;
  std::size_t run_all_max = 10;        ///< 1 to kDueRunsMax
  rt::Nanos grace = rt::Seconds{300};  ///< a run that is late by no more than this is on time
};

/// A run to start.
struct DueRun {
  rt::UnixTime due;
  bool was_missed = false;   ///< late by more than the grace
  std::uint64_t merged = 0;  ///< other due times, all missed and before it, that it stands for
  bool operator==(const DueRun&) const = default;
};

enum class SkipReason : std::uint8_t {
  kMissed,   ///< the policy is kSkip
  kOverCap,  ///< older than the newest `run_all_max`
};

/// Due times in a row that nothing is run for.
struct SkippedRuns {
  SkipReason reason = SkipReason::kMissed;
  std::uint64_t count = 0;
  rt::UnixTime first, last;
  bool operator==(const SkippedRuns&) const = default;
};

struct DueRuns {
  std::vector<DueRun> runs;          ///< oldest first
  std::vector<SkippedRuns> skipped;  ///< to be told
  /// To be persisted in one transaction with the runs, when it is another than before.
  rt::UnixTime handled;
  /// When to look again. `now`: at once, there is more. nullopt: never, or the clock is not
  /// synchronised, which nobody can tell the end of.
  std::optional<rt::UnixTime> next;
  bool is_counted = true;     ///< false: more were missed than are counted, see kMissedCountedMax
  bool is_clock_sure = true;  ///< false: nothing was decided, for it is not synchronised
  bool was_set_back = false;  ///< see kSetBackMost: nothing was decided but `handled`
};

struct ClockReading {
  rt::UnixTime now;
  bool is_synchronised = false;
};

inline constexpr std::size_t kDueRunsMax = 100;  ///< on time at once; what is left is due at once
/// Missed due times that are counted. Of more, the oldest so many and those of the newest so many
/// minutes are; those between are in no count, and `is_counted` is false.
inline constexpr std::size_t kMissedCountedMax = 20'000;
/// A clock that was set back by less waits until it comes to where it was, so that nothing runs
/// twice. What was handled further ahead than this was handled by a wrong clock, and is forgotten.
inline constexpr rt::Seconds kSetBackMost{48 * 3600};

/// What is due at `clock.now`, when all up to `handled` has been decided. Every due time is run,
/// merged into a run, or skipped with a reason, exactly once over all calls that each begin with
/// the `handled` of the one before. A schedule that is new, or whose rule was changed, begins with
/// now as `handled`. Pure.
[[nodiscard]] DueRuns find_due_runs(const CronRule& rule, const TimeZone& zone,
                                    const SchedulePolicy& policy, rt::UnixTime handled,
                                    ClockReading clock);

}  // namespace fieldpost::coordinator

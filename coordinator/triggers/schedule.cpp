#include "coordinator/triggers/schedule.h"

#include <algorithm>
#include <deque>
#include <limits>

#include "coordinator/triggers/cron_walk.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {
namespace {

constexpr rt::Seconds kNewestSpan{std::int64_t{kMissedCountedMax} * 60};

/// `time` less `span`, where UnixTime ends at the least.
rt::UnixTime before(rt::UnixTime time, rt::Nanos span) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  return time.ns < kLeast + span.count() ? rt::UnixTime{kLeast}
                                         : rt::UnixTime{time.ns - span.count()};
}

/// Due times that were missed: how many, and the newest of them.
class Missed {
 public:
  explicit Missed(std::size_t kept_max) : kept_max_(kept_max) {}

  void add(rt::UnixTime due) {
    if (count_ == 0) first_ = due;
    count_ += 1;
    kept_.push_back(due);
    if (kept_.size() <= kept_max_) return;
    last_dropped_ = kept_.front();
    kept_.pop_front();
  }
  [[nodiscard]] std::uint64_t count() const { return count_; }

  void settle(MissedRuns policy, DueRuns& out) const {
    if (count_ == 0) return;
    switch (policy) {
      case MissedRuns::kSkip:
        out.skipped.push_back({SkipReason::kMissed, count_, first_, kept_.back()});
        return;
      case MissedRuns::kRunOnce:
        if (out.runs.empty()) {
          out.runs.push_back({.due = kept_.back(), .was_missed = true, .merged = count_ - 1});
        } else {
          out.runs.front().merged = count_;
        }
        return;
      case MissedRuns::kRunAll: run_kept(out); return;
    }
  }

 private:
  void run_kept(DueRuns& out) const {
    std::vector<DueRun> runs;
    for (const rt::UnixTime due : kept_) runs.push_back({.due = due, .was_missed = true});
    out.runs.insert(out.runs.begin(), runs.begin(), runs.end());
    const std::uint64_t dropped = count_ - kept_.size();
    if (dropped > 0) out.skipped.push_back({SkipReason::kOverCap, dropped, first_, last_dropped_});
  }

  std::size_t kept_max_;
  std::uint64_t count_ = 0;
  rt::UnixTime first_;
  rt::UnixTime last_dropped_;
  std::deque<rt::UnixTime> kept_;  ///< the newest
};

}  // namespace

DueRuns find_due_runs(const CronRule& rule, const TimeZone& zone, const SchedulePolicy& policy,
                      rt::UnixTime handled, ClockReading clock) {
  FP_CHECK(policy.run_all_max >= 1 && policy.run_all_max <= kDueRunsMax);
  DueRuns out{.handled = handled};
  out.is_clock_sure = clock.is_synchronised;
  if (!clock.is_synchronised) return out;
  if (before(handled, kSetBackMost) > clock.now) {
    out.was_set_back = true;
    out.handled = clock.now;
    out.next = next_due(rule, zone, clock.now);
    return out;
  }
  const rt::UnixTime on_time_from = before(clock.now, policy.grace);
  Missed missed(policy.missed == MissedRuns::kRunAll ? policy.run_all_max : 1);
  CronWalk walk(rule, zone, handled);
  for (;;) {
    out.next = walk.next();
    if (!out.next || *out.next > clock.now) break;
    if (out.runs.size() == kDueRunsMax) {
      out.next = clock.now;
      break;
    }
    out.handled = *out.next;
    if (*out.next >= on_time_from) {
      out.runs.push_back({.due = *out.next});
      continue;
    }
    missed.add(*out.next);
    // A rule is due once a minute at most, so that what is left is no more than as many again.
    const rt::UnixTime newest_from = before(on_time_from, kNewestSpan);
    if (missed.count() != kMissedCountedMax || out.handled >= newest_from) continue;
    out.is_counted = false;
    walk = CronWalk(rule, zone, newest_from);
  }
  missed.settle(policy.missed, out);
  return out;
}

}  // namespace fieldpost::coordinator

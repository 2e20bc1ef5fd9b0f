#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "coordinator/triggers/cron_walk.h"
#include "coordinator/triggers/schedule.h"
#include "proto/wire/rfc3339.h"
#include "tests/support/sim/dice.h"

using namespace fieldpost;  // NOLINT
using coordinator::CronRule;
using coordinator::DueRun;
using coordinator::DueRuns;
using coordinator::find_due_runs;
using coordinator::MissedRuns;
using coordinator::SchedulePolicy;
using coordinator::SkipReason;
using coordinator::TimeZone;
using rt::Seconds;
using rt::UnixTime;

namespace {

constexpr Seconds kMinute{60}, kHour{3600}, kDay{86400};

UnixTime at(const std::string& minute) {
  const auto time = wire::parse_rfc3339(minute + ":00Z");
  REQUIRE(time.has_value());
  return *time;
}

UnixTime back(UnixTime time, rt::Nanos span) {
  return {time.ns - span.count()};
}

/// A schedule in UTC, and what a caller persists of it.
struct Scheduled {
  CronRule rule;
  SchedulePolicy policy;
  UnixTime handled;

  Scheduled(const std::string& text, SchedulePolicy how, const std::string& since)
      : rule(*CronRule::parse(text)), policy(how), handled(at(since)) {}

  DueRuns look(UnixTime now, bool synchronised = true) {
    DueRuns due = find_due_runs(rule, TimeZone(), policy, handled, {now, synchronised});
    handled = due.handled;
    return due;
  }
  DueRuns look(const std::string& now) { return look(at(now)); }
};

DueRun on_time(const std::string& due) {
  return {.due = at(due)};
}

DueRun missed(const std::string& due, std::uint64_t merged = 0) {
  return {.due = at(due), .was_missed = true, .merged = merged};
}

}  // namespace

TEST_CASE("a run is due once, and the next look is when the next one is") {
  Scheduled schedule("0 * * * *", {}, "2024-05-01T00:10");
  CHECK(schedule.look("2024-05-01T00:59").runs.empty());
  CHECK(schedule.look("2024-05-01T00:59").next == at("2024-05-01T01:00"));
  const DueRuns due = schedule.look("2024-05-01T01:00");
  CHECK(due.runs == std::vector{on_time("2024-05-01T01:00")});
  CHECK(due.handled == at("2024-05-01T01:00"));
  CHECK(due.next == at("2024-05-01T02:00"));
  CHECK(schedule.look("2024-05-01T01:00").runs.empty());
  CHECK(schedule.look("2024-05-01T01:30").runs.empty());
}

TEST_CASE("a run that is late by no more than the grace is on time") {
  for (const auto policy : {MissedRuns::kSkip, MissedRuns::kRunOnce, MissedRuns::kRunAll}) {
    Scheduled schedule("0 * * * *", {.missed = policy, .grace = Seconds{300}}, "2024-05-01T00:10");
    CHECK(schedule.look("2024-05-01T01:05").runs == std::vector{on_time("2024-05-01T01:00")});
    const DueRuns late = schedule.look(at("2024-05-01T02:05") + Seconds{1});
    if (policy == MissedRuns::kSkip) CHECK(late.runs.empty());
    if (policy != MissedRuns::kSkip) CHECK(late.runs == std::vector{missed("2024-05-01T02:00")});
  }
}

TEST_CASE("missed runs are skipped, with their number and times") {
  Scheduled schedule("0 * * * *", {.missed = MissedRuns::kSkip}, "2024-05-01T00:10");
  const DueRuns due = schedule.look("2024-05-01T05:02");
  CHECK(due.runs == std::vector{on_time("2024-05-01T05:00")});
  REQUIRE(due.skipped.size() == 1);
  CHECK(due.skipped[0] == coordinator::SkippedRuns{SkipReason::kMissed, 4, at("2024-05-01T01:00"),
                                                   at("2024-05-01T04:00")});
  CHECK(due.handled == at("2024-05-01T05:00"));
}

TEST_CASE("one run stands for all that were missed") {
  Scheduled schedule("0 * * * *", {.missed = MissedRuns::kRunOnce}, "2024-05-01T00:10");
  CHECK(schedule.look("2024-05-01T05:30").runs == std::vector{missed("2024-05-01T05:00", 4)});
  // One that is on time does as well.
  const DueRuns due = schedule.look("2024-05-01T09:00");
  CHECK(due.runs == std::vector{DueRun{.due = at("2024-05-01T09:00"), .merged = 3}});
  CHECK(due.skipped.empty());
}

TEST_CASE("all that were missed run, the newest up to a cap") {
  Scheduled schedule("0 * * * *", {.missed = MissedRuns::kRunAll, .run_all_max = 3},
                     "2024-05-01T00:10");
  const DueRuns due = schedule.look("2024-05-01T06:00");
  CHECK(due.runs == std::vector{missed("2024-05-01T03:00"), missed("2024-05-01T04:00"),
                                missed("2024-05-01T05:00"), on_time("2024-05-01T06:00")});
  REQUIRE(due.skipped.size() == 1);
  CHECK(due.skipped[0] == coordinator::SkippedRuns{SkipReason::kOverCap, 2, at("2024-05-01T01:00"),
                                                   at("2024-05-01T02:00")});
}

TEST_CASE("while the clock is not synchronised nothing runs and nothing counts as handled") {
  Scheduled schedule("0 * * * *", {}, "2024-05-01T00:10");
  const DueRuns unsure = schedule.look(at("2024-05-01T01:00"), false);
  CHECK(unsure.runs.empty());
  CHECK_FALSE(unsure.is_clock_sure);
  CHECK_FALSE(unsure.next.has_value());
  CHECK(unsure.handled == at("2024-05-01T00:10"));
  CHECK(schedule.look("2024-05-01T01:01").runs == std::vector{on_time("2024-05-01T01:00")});
}

TEST_CASE("a clock that is set back runs nothing again") {
  Scheduled schedule("0 * * * *", {}, "2024-05-01T00:10");
  CHECK(schedule.look("2024-05-01T01:00").runs.size() == 1);
  const DueRuns due = schedule.look("2024-05-01T00:30");
  CHECK(due.runs.empty());
  CHECK(due.next == at("2024-05-01T02:00"));
  CHECK(schedule.look("2024-05-01T01:00").runs.empty());
  CHECK(schedule.look("2024-05-01T02:00").runs == std::vector{on_time("2024-05-01T02:00")});
}

TEST_CASE("what was handled by a clock that was wrong by days is forgotten, and nothing runs") {
  Scheduled schedule("0 * * * *", {}, "2054-05-01T00:10");
  const DueRuns due = schedule.look("2024-05-01T00:30");
  CHECK(due.was_set_back);
  CHECK(due.runs.empty());
  CHECK(due.handled == at("2024-05-01T00:30"));
  CHECK(due.next == at("2024-05-01T01:00"));
  CHECK(schedule.look("2024-05-01T01:00").runs.size() == 1);
}

TEST_CASE("more on time at once than are given out are due at once again") {
  Scheduled schedule("* * * * *", {.grace = kDay}, "2024-05-01T00:00");
  const UnixTime now = at("2024-05-01T04:00");
  const DueRuns first = schedule.look(now);
  CHECK(first.runs.size() == coordinator::kDueRunsMax);
  CHECK(first.next == now);
  CHECK(schedule.look(now).runs.size() == coordinator::kDueRunsMax);
  const DueRuns last = schedule.look(now);
  CHECK(last.runs.size() == 240 - 2 * coordinator::kDueRunsMax);
  CHECK(last.next == at("2024-05-01T04:01"));
}

TEST_CASE("years of missed minutes are one run, and the look is short") {
  Scheduled schedule("* * * * *", {.missed = MissedRuns::kRunOnce}, "2004-05-01T00:00");
  const DueRuns due = schedule.look("2024-05-01T00:00");
  CHECK_FALSE(due.is_counted);
  REQUIRE(due.runs.size() == 6);  // of the grace
  CHECK(due.runs.front().due == at("2024-04-30T23:55"));
  CHECK(due.runs.front().merged > coordinator::kMissedCountedMax);
  CHECK(due.runs.front().merged <= 2 * coordinator::kMissedCountedMax);
  CHECK(due.handled == at("2024-05-01T00:00"));
}

TEST_CASE("the newest of many missed runs are those that run") {
  Scheduled schedule("* * * 3 *", {.missed = MissedRuns::kRunAll, .run_all_max = 2},
                     "2004-05-01T00:00");
  const DueRuns due = schedule.look("2024-03-01T01:00");
  CHECK_FALSE(due.is_counted);
  REQUIRE(due.runs.size() == 8);
  CHECK(due.runs[0] == missed("2024-03-01T00:53"));
  CHECK(due.runs[1] == missed("2024-03-01T00:54"));
}

TEST_CASE("a rule that is never due again has no next look") {
  Scheduled schedule("0 0 1 1 *", {}, "2262-01-01T00:00");
  CHECK_FALSE(schedule.look("2262-02-01T00:00").next.has_value());
}

namespace {

const std::vector<std::string> kRules = {"* * * * *",     "*/7 * * * *", "0 * * * *",
                                         "30 2 * * *",    "0 */2 * * *", "0 0 * * 1",
                                         "15,45 2 1 * *", "0 12 13 * 5"};
const std::vector<std::string> kZones = {"UTC", "Europe/Vienna", "Australia/Lord_Howe"};

/// A caller over a few weeks: sleeps, clocks that are set back, clocks that are not sure.
struct Weather {
  sim::Dice dice;
  CronRule rule;
  TimeZone zone;
  SchedulePolicy policy;
  UnixTime begin, now, handled, furthest;
  std::vector<DueRun> runs;
  std::uint64_t passed_over = 0;  ///< merged or skipped

  explicit Weather(std::uint64_t seed)
      : dice(seed),
        rule(*CronRule::parse(kRules[dice.below(kRules.size())])),
        zone(*TimeZone::find(kZones[dice.below(kZones.size())])) {
    policy.missed = static_cast<MissedRuns>(dice.below(3));
    policy.run_all_max = dice.between(std::uint64_t{1}, coordinator::kDueRunsMax);
    policy.grace = dice.between(Seconds{0}, kHour);
    // A week before the clocks of one of the zones are changed.
    const std::vector<std::string> starts = {"2024-03-24T00:00", "2024-10-20T00:00",
                                             "2024-03-30T00:00", "2024-09-29T00:00"};
    begin = at(starts[dice.below(starts.size())]) + dice.between(Seconds{0}, kDay);
    now = handled = furthest = begin;
  }

  void look(bool synchronised) {
    const UnixTime since = handled;
    const DueRuns due = find_due_runs(rule, zone, policy, handled, {now, synchronised});
    CHECK(due.handled >= since);
    CHECK(due.is_counted);
    CHECK_FALSE(due.was_set_back);
    if (!synchronised) CHECK(due.runs.empty());
    for (const DueRun& run : due.runs) {
      CHECK(run.due > since);
      CHECK(run.due <= now);
      CHECK(run.was_missed == (now - run.due > policy.grace));
      runs.push_back(run);
      passed_over += run.merged;
    }
    for (const coordinator::SkippedRuns& each : due.skipped) passed_over += each.count;
    if (due.next && synchronised) CHECK(*due.next >= std::min(now, furthest));
    handled = due.handled;
    furthest = std::max(furthest, now);
  }

  void step() {
    const bool synchronised = !dice.chance(20);
    switch (dice.below(4)) {
      case 0: now = now + dice.between(Seconds{0}, kMinute); break;
      case 1: now = now + dice.between(Seconds{0}, kHour); break;
      case 2: now = now + dice.between(Seconds{0}, kDay); break;
      default: now = back(now, dice.between(Seconds{0}, kHour)); break;
    }
    look(synchronised);
  }

  /// All that is due until `furthest` is taken, however much it is.
  void calm() {
    now = furthest;
    for (;;) {
      const UnixTime since = handled;
      look(true);
      if (handled == since) return;
    }
  }
};

}  // namespace

TEST_CASE("every due time is run, merged or skipped exactly once, whatever the clock does") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed ", seed);
    Weather weather(seed);
    for (int i = 0; i < 40; ++i) weather.step();
    weather.calm();
    std::set<std::int64_t> all;
    coordinator::CronWalk walk(weather.rule, weather.zone, weather.begin);
    for (auto due = walk.next(); due && *due <= weather.furthest; due = walk.next()) {
      all.insert(due->ns);
    }
    CHECK(weather.runs.size() + weather.passed_over == all.size());
    CHECK(std::ranges::is_sorted(weather.runs, std::less<>(), &DueRun::due));
    std::set<std::int64_t> run;
    for (const DueRun& each : weather.runs) run.insert(each.due.ns);
    CHECK(run.size() == weather.runs.size());
    CHECK(std::ranges::includes(all, run));
  }
}

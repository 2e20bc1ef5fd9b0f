// Which builds are removed when, and what goes with them.
#include "coordinator/store/build_purge.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/store/artifact_table.h"
#include "coordinator/store/build_fact_table.h"
#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_log_table.h"
#include "coordinator/store/build_table.h"
#include "tests/support/sample_builds.h"
#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using std::chrono::hours;

constexpr std::int64_t kDayNs = 86'400'000'000'000;
using Numbers = std::vector<std::int64_t>;

struct World : StoreWorld {
  BuildTable builds{store().database()};
  BuildJobTable jobs{store().database()};
  BuildPurge purge{store().database()};
  std::uint64_t seq = 0;

  /// A build that ended so many days after kStoreNow; its number is that of its job.
  void add(std::uint64_t number, int day, BuildVerdict verdict = BuildVerdict::kFailed,
           const std::string& pipeline = "nightly") {
    const std::int64_t no = add_build(*this, number, pipeline);
    REQUIRE(no == static_cast<std::int64_t>(number));
    const rt::UnixTime time = kStoreNow + hours(24 * day);
    REQUIRE(jobs.end({job_id(number), 1}, verdict, "", time).has_value());
    REQUIRE(builds.end(no, verdict, time).has_value());
  }
  void take(const wire::Record& record, rt::UnixTime now = kStoreNow) {
    const auto settled = ingest().commit({arrival(++seq, record)}, now);
    REQUIRE_MESSAGE(settled, settled.error().message);
    REQUIRE(settled->front().verdict == wire::Verdict::kStored);
  }
  /// A whole pass on this day; the builds that went.
  Numbers pass(const BuildKeepRules& rules, int day, bool synchronised = true) {
    Numbers out;
    for (bool more = true; more;) {
      const auto step = purge.step(rules, {kStoreNow + hours(24 * day), synchronised});
      REQUIRE_MESSAGE(step, step.error().message);
      if (step->build != 0) out.push_back(step->build);
      more = step->more;
      steps += 1;
    }
    return out;
  }
  Numbers left() {
    Numbers out;
    const auto found = builds.list({}, 0, 100).value();
    for (const Build& each : found) out.push_back(each.no);
    return out;
  }
  int steps = 0;
};

const BuildKeepRules kTwo{{.pipeline = "*", .count_max = 2}};
const BuildKeepRules kWeek{{.pipeline = "*", .count_max = 0, .age_max_ns = 7 * kDayNs}};

}  // namespace

TEST_CASE("of a pipeline the newest builds stay, as many as the rule says") {
  World world;
  for (std::uint64_t i = 1; i <= 5; ++i) world.add(i, 0);
  world.add(6, 0, BuildVerdict::kFailed, "weekly");
  CHECK(world.pass(kTwo, 1) == Numbers{1, 2, 3});
  CHECK(world.left() == Numbers{6, 5, 4});
  CHECK(world.pass(kTwo, 1) == Numbers{});
}

TEST_CASE("builds that ended too long ago are removed") {
  World world;
  for (std::uint64_t i = 1; i <= 4; ++i) world.add(i, static_cast<int>(i));
  CHECK(world.pass(kWeek, 9) == Numbers{1});
  CHECK(world.pass(kWeek, 100) == Numbers{2, 3, 4});
}

TEST_CASE("without a rule builds stay for ever, and of several rules the first counts") {
  World world;
  world.add(1, 0);
  world.add(2, 0, BuildVerdict::kFailed, "release/1");
  world.add(3, 0, BuildVerdict::kFailed, "other");
  CHECK(world.pass({}, 1000) == Numbers{});
  const BuildKeepRules rules{{.pipeline = "release/*"},
                             {.pipeline = "nightly", .count_max = 0, .age_max_ns = kDayNs}};
  CHECK(world.pass(rules, 1000) == Numbers{1});
}

TEST_CASE("open builds, those with a pinned artifact and the current one stay") {
  World world;
  world.add(1, 0, BuildVerdict::kPassed);
  world.add(2, 0);
  world.add(3, 0, BuildVerdict::kPassed);
  world.add(4, 0);
  add_build(world, 5);
  ArtifactTable artifacts(world.store().database());
  const auto row = artifacts.add({job_id(2), 1}, {"app", "app", 1, {}}, kStoreNow);
  REQUIRE(artifacts.set_pins(row.value().value(), 1).has_value());
  CHECK(world.pass(kWeek, 100) == Numbers{1, 4});
  CHECK(world.left() == Numbers{5, 3, 2});
  REQUIRE(artifacts.set_pins(row.value().value(), 0).has_value());
  CHECK(world.pass(kWeek, 100) == Numbers{2});
}

TEST_CASE("a clock that is not synchronised makes nothing old") {
  World world;
  world.add(1, 0);
  CHECK(world.pass(kWeek, 1000, false) == Numbers{});
  CHECK(world.pass(kWeek, 1000, true) == Numbers{1});
}

TEST_CASE("with a build all goes that was told of its jobs, in steps") {
  World world;
  add_build(world, 1);
  lease(world, {job_id(1), 1});
  REQUIRE(world.store().database().begin().has_value());
  BuildLogTable log(world.store().database());
  for (std::uint64_t i = 0; i < 600; ++i) {
    REQUIRE(log.put({{job_id(1), 1}, i, "x"}).has_value());
  }
  REQUIRE(world.store().database().commit().has_value());
  world.take(fact_record({job_id(1), 1}, 0, artifact_fact("app", "bytes")));
  world.take(fact_record({job_id(1), 1}, 1, ended_fact("passed", 600)));
  world.take(fact_record({job_id(2), 1}, 0, started_fact(1)));  // another's
  REQUIRE(world.builds.end(1, BuildVerdict::kFailed, kStoreNow).has_value());
  CHECK(world.pass(kWeek, 8) == Numbers{1});
  CHECK(world.steps >= 4);
  CHECK(world.number("SELECT count(*) FROM build_job") == 0);
  CHECK(world.number("SELECT count(*) FROM build_log") == 0);
  CHECK(world.number("SELECT count(*) FROM build_artifact") == 0);
  CHECK(world.number("SELECT count(*) FROM build_gone") == 0);
  CHECK(world.number("SELECT count(*) FROM build_fact") == 1);
  CHECK(world.number("SELECT count(*) FROM build_attempt") == 1);
}

TEST_CASE("what was told of jobs that nobody knows goes long after the last of it") {
  World world;
  add_build(world, 2);
  world.take(fact_record({job_id(1), 1}, 0, started_fact(1)));
  world.take(log_record({job_id(1), 2}, 0, "abc"), kStoreNow + hours(24 * 5));
  world.take(fact_record({job_id(2), 1}, 0, started_fact(1)));
  world.pass({}, 34);
  CHECK(world.number("SELECT count(*) FROM build_attempt") == 3);
  world.pass({}, 36);
  CHECK(world.number("SELECT count(*) FROM build_attempt") == 1);
  CHECK(world.number("SELECT count(*) FROM build_fact") == 1);
  CHECK(world.number("SELECT count(*) FROM build_log") == 0);
}

TEST_CASE("a start in the middle of a removal goes on with it") {
  World world;
  world.add(1, 0);
  const auto step = world.purge.step(kWeek, {kStoreNow + hours(24 * 100), true});
  REQUIRE(step.has_value());
  CHECK(step->build == 1);
  world.restart(kStoreNow);
  CHECK(world.number("SELECT count(*) FROM build_gone") == 1);
  BuildPurge purge(world.store().database());
  for (bool more = true; more;) more = purge.step(kWeek, {kStoreNow, true})->more;
  CHECK(world.number("SELECT count(*) FROM build_gone") == 0);
}

}  // namespace fieldpost::test

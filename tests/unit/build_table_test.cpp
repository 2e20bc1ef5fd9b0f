// Builds in the store: what is planned, listed and ended.
#include "coordinator/store/build_table.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_queue_table.h"
#include "proto/wire/limits.h"
#include "tests/support/sample_builds.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using rt::Errc;

struct World : StoreWorld {
  BuildTable builds{store().database()};
  BuildJobTable jobs{store().database()};

  /// Ends its only job, and the build.
  void end(std::int64_t build, BuildVerdict verdict) {
    const auto all = jobs.of_build(build);
    REQUIRE(all.has_value());
    for (const BuildJob& job : *all) {
      REQUIRE(jobs.end(job.current(), verdict, "so", kStoreNow).has_value());
    }
    REQUIRE(builds.end(build, verdict, kStoreNow).has_value());
  }
  std::vector<std::int64_t> list(const BuildFilter& filter, std::int64_t before = 0,
                                 std::size_t limit = 100) {
    const auto found = builds.list(filter, before, limit);
    REQUIRE(found.has_value());
    std::vector<std::int64_t> out;
    for (const Build& build : *found) out.push_back(build.no);
    return out;
  }
};

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a build is found with its jobs as it was planned") {
  World world;
  BuildJob second = sample_job(2);
  second.needs = {"job-1"};
  second.state = JobState::kWaiting;
  const auto made = create_build(world.store().database(), sample_build(), {sample_job(1), second});
  REQUIRE_MESSAGE(made, made.error().message);
  CHECK(made->no == 1);
  const auto found = world.builds.find(1);
  REQUIRE(found.has_value());
  CHECK(found->pipeline == "nightly");
  CHECK(found->ref == "refs/heads/main");
  CHECK(found->commit == "5e6f");
  CHECK(found->actor == "schedule");
  CHECK(found->mode == "update");
  CHECK(found->state == BuildState::kQueued);
  CHECK(!found->verdict);
  CHECK(found->trigger == R"({"kind":"schedule"})");
  CHECK(found->source == "jobs: {}\n");
  CHECK(found->plan == R"({"jobs":[]})");
  const auto jobs = world.jobs.of_build(1);
  REQUIRE(jobs.has_value());
  REQUIRE(jobs->size() == 2);
  CHECK(jobs->at(0).id == job_id(1));
  CHECK(jobs->at(0).labels == std::vector<std::string>{"linux", "arm64"});
  CHECK(jobs->at(0).fence == 1);
  CHECK(jobs->at(0).attempt == 1);
  CHECK(!jobs->at(0).lease);
  CHECK(jobs->at(1).place == 1);
  CHECK(jobs->at(1).needs == std::vector<std::string>{"job-1"});
  CHECK(jobs->at(1).state == JobState::kWaiting);
}

TEST_CASE("a number of a build is never used again") {
  World world;
  CHECK(add_build(world, 1) == 1);
  REQUIRE(world.store().database().execute("DELETE FROM build; DELETE FROM build_job"));
  CHECK(add_build(world, 2) == 2);
}

TEST_CASE("a plan that is wrong leaves nothing behind, and says why") {
  World world;
  const auto why = [&](const Build& build, const std::vector<BuildJob>& jobs, Errc code) {
    const auto made = create_build(world.store().database(), build, jobs);
    REQUIRE(!made);
    CHECK(made.error().code == code);
    CHECK(world.number("SELECT count(*) FROM build") == 0);
    CHECK(world.number("SELECT count(*) FROM build_job") == 0);
    return made.error().message;
  };
  const auto job_with = [](const std::function<void(BuildJob&)>& change) {
    BuildJob job = sample_job(1);
    change(job);
    return std::vector<BuildJob>{job};
  };
  const auto build_with = [](const std::function<void(Build&)>& change) {
    Build build = sample_build();
    change(build);
    return build;
  };
  const std::vector<BuildJob> good{sample_job(1)};
  const Build build = sample_build();
  CHECK(why(build, {}, Errc::kInvalid) == "a build: it has no job");
  CHECK(why(build_with([](Build& b) { b.pipeline.clear(); }), good, Errc::kInvalid) ==
        "a build: it is of no pipeline");
  why(build_with([](Build& b) { b.ref.assign(kBuildNameBytesMax + 1, 'r'); }), good,
      Errc::kInvalid);
  why(build_with([](Build& b) { b.source.assign(kBuildTextBytesMax + 1, 's'); }), good,
      Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.id = {}; }), Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.key.clear(); }), Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.labels.resize(kJobListMax + 1); }), Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.spec.assign(wire::kJobSpecBytesMax + 1, ' '); }),
      Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.state = JobState::kLeased; }), Errc::kInvalid);
  why(build, job_with([](BuildJob& j) { j.fence = 0; }), Errc::kInvalid);
  CHECK(why(build, job_with([](BuildJob& j) { j.needs = {"gone"}; }), Errc::kInvalid) ==
        "a build: job \"job-1\" needs \"gone\", which is no job of it");
  CHECK(why(build, {sample_job(1), sample_job(1)}, Errc::kInvalid) ==
        "a build: two jobs \"job-1\"");
  BuildJob same_id = sample_job(1);
  same_id.key = "other";
  why(build, {sample_job(1), same_id}, Errc::kInvalid);
  why(build, std::vector<BuildJob>(kBuildJobsMax + 1, sample_job(1)), Errc::kFull);
}

TEST_CASE("a plan that is refused leaves nothing behind where the transaction goes on") {
  World world;
  BuildJob same_id = sample_job(1);
  same_id.key = "other";
  REQUIRE(world.store().database().begin().has_value());
  CHECK(!world.builds.create(sample_build(), {sample_job(1), same_id}));
  CHECK(world.builds.create(sample_build(), {sample_job(2)}).has_value());
  REQUIRE(world.store().database().commit().has_value());
  CHECK(world.list({}).size() == 1);
  CHECK(!world.jobs.find(job_id(1)));
  CHECK(world.jobs.find(job_id(2)).has_value());
}

TEST_CASE("only so many builds are open") {
  World world;
  REQUIRE(world.store().database().execute(
      "WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 10000)"
      " INSERT INTO build (pipeline, ref, commit_id, actor, priority, concurrency, mode,"
      " created_ns, state, trigger, source, plan)"
      " SELECT 'p', '', '', '', 0, '', 'update', 0, 1, '{}', '', '{}' FROM i"));
  const auto made = create_build(world.store().database(), sample_build(), {sample_job(1)});
  REQUIRE(!made);
  CHECK(made.error().code == Errc::kFull);
  REQUIRE(world.store().database().execute("UPDATE build SET state = 3 WHERE no = 1"));
  CHECK(create_build(world.store().database(), sample_build(), {sample_job(1)}).has_value());
}

TEST_CASE("builds are listed newest first, by what is asked for, page by page") {
  World world;
  for (std::uint64_t i = 1; i <= 5; ++i) add_build(world, i, i % 2 == 0 ? "weekly" : "nightly");
  world.end(1, BuildVerdict::kPassed);
  world.end(2, BuildVerdict::kFailed);
  world.end(3, BuildVerdict::kFailed);
  CHECK(world.list({}) == Numbers{5, 4, 3, 2, 1});
  CHECK(world.list({}, 0, 2) == Numbers{5, 4});
  CHECK(world.list({}, 4, 2) == Numbers{3, 2});
  CHECK(world.list({.pipeline = "nightly"}) == Numbers{5, 3, 1});
  CHECK(world.list({.pipeline = "", .state = BuildState::kQueued}) == Numbers{5, 4});
  CHECK(world.list({.pipeline = "", .state = BuildState::kRunning}) == Numbers{});
  CHECK(world.list({.pipeline = "", .state = BuildState::kEnded}) == Numbers{3, 2, 1});
  CHECK(world.list({.pipeline = "nightly", .state = {}, .verdict = BuildVerdict::kFailed}) ==
        Numbers{3});
  CHECK(world.list({.pipeline = "other"}) == Numbers{});
  const auto open = world.builds.open_ones(4, 10);
  REQUIRE(open.has_value());
  REQUIRE(open->size() == 1);
  CHECK(open->at(0).no == 5);
  CHECK(world.builds.pipelines("", 10).value() == std::vector<std::string>{"nightly", "weekly"});
  CHECK(world.builds.pipelines("nightly", 10).value() == std::vector<std::string>{"weekly"});
}

TEST_CASE("the latest build is the last attempt, the current one the last that passed") {
  World world;
  CHECK(!world.builds.latest("nightly").value());
  CHECK(!world.builds.current("nightly").value());
  for (std::uint64_t i = 1; i <= 4; ++i) add_build(world, i);
  world.end(1, BuildVerdict::kPassed);
  world.end(2, BuildVerdict::kPassed);
  world.end(3, BuildVerdict::kFailed);
  CHECK(world.builds.latest("nightly").value()->no == 4);
  CHECK(world.builds.current("nightly").value()->no == 2);
}

TEST_CASE("a build ends once, when all of its jobs have") {
  World world;
  add_build(world, 1);
  const auto early = world.builds.end(1, BuildVerdict::kPassed, kStoreNow);
  REQUIRE(!early);
  CHECK(early.error().code == Errc::kDenied);
  CHECK(early.error().message == "1 jobs of build 1 have not ended");
  world.end(1, BuildVerdict::kTimedOut);
  const auto found = world.builds.find(1);
  CHECK(found->verdict == BuildVerdict::kTimedOut);
  CHECK(found->ended == kStoreNow.ns);
  const auto again = world.builds.end(1, BuildVerdict::kPassed, kStoreNow);
  REQUIRE(!again);
  CHECK(again.error().code == Errc::kDenied);
  const auto missing = world.builds.end(9, BuildVerdict::kPassed, kStoreNow);
  REQUIRE(!missing);
  CHECK(missing.error().code == Errc::kNotFound);
  CHECK(missing.error().message == "there is no build 9");
}

TEST_CASE("verdicts and states have the names that the protocol gives them") {
  for (const char* name : {"passed", "failed", "cancelled", "timed_out", "silent", "out_of_memory",
                           "disk_full", "interrupted", "agent_lost"}) {
    INFO(name);
    REQUIRE(parse_build_verdict(name).has_value());
    CHECK(to_string(*parse_build_verdict(name)) == name);
  }
  CHECK(!parse_build_verdict("Passed"));
  CHECK(parse_build_state("running") == BuildState::kRunning);
  CHECK(!parse_build_state(""));
}

TEST_CASE("what the operator says of the queue and of nodes outlives a restart") {
  World world;
  BuildQueueTable queue(world.store().database());
  CHECK(!queue.state()->is_paused);
  CHECK(queue.state()->changed_by.empty());
  REQUIRE(queue.set_paused(true, "ada", kStoreNow).has_value());
  world.node();
  REQUIRE(queue.set_drained("n1", true).has_value());
  const auto unknown = queue.set_drained("n2", true);
  REQUIRE(!unknown);
  CHECK(unknown.error().code == Errc::kNotFound);
  world.restart(kStoreNow);
  BuildQueueTable after(world.store().database());
  CHECK(after.state()->is_paused);
  CHECK(after.state()->changed_by == "ada");
  CHECK(after.state()->changed == kStoreNow.ns);
  CHECK(after.drained_nodes().value() == std::vector<std::string>{"n1"});
  REQUIRE(after.set_drained("n1", false).has_value());
  CHECK(after.drained_nodes()->empty());
}

}  // namespace fieldpost::test

// Jobs of builds: leases, fences, attempts.
#include "coordinator/store/build_job_table.h"

#include <doctest/doctest.h>

#include <string>

#include "coordinator/store/build_attempt_table.h"
#include "coordinator/store/build_table.h"
#include "tests/support/sample_builds.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using rt::Errc;

const JobLease kLease{"n1", {5, 5}, 77, kStoreNow.ns};

struct World : StoreWorld {
  explicit World(JobState state = JobState::kQueued) {
    BuildJob job = sample_job(1);
    job.state = state;
    REQUIRE(create_build(store().database(), sample_build(), {job}).has_value());
  }
  BuildTable builds{store().database()};
  BuildJobTable jobs{store().database()};

  BuildJob job() {
    const auto found = jobs.find(job_id(1));
    REQUIRE_MESSAGE(found, found.error().message);
    return *found;
  }
  wire::JobAttempt attempt(std::uint64_t fence = 1) { return {job_id(1), fence}; }
};

template <typename T>
void check_refused(const rt::Result<T>& result, Errc code) {
  REQUIRE(!result.has_value());
  INFO(result.error().message);
  CHECK(result.error().code == code);
}

}  // namespace

TEST_CASE("a job goes from waiting over the queue to a node, and its build runs [build-5]") {
  World world(JobState::kWaiting);
  check_refused(world.jobs.lease(world.attempt(), kLease), Errc::kDenied);
  REQUIRE(world.jobs.queue(world.attempt()).has_value());
  check_refused(world.jobs.queue(world.attempt()), Errc::kDenied);
  CHECK(world.job().state == JobState::kQueued);
  CHECK(world.builds.find(1)->state == BuildState::kQueued);
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  const BuildJob job = world.job();
  CHECK(job.state == JobState::kLeased);
  REQUIRE(job.lease.has_value());
  CHECK(*job.lease == kLease);
  CHECK(world.builds.find(1)->state == BuildState::kRunning);
  CHECK(world.builds.find(1)->started == kStoreNow.ns);
}

TEST_CASE("who comes second to a job is refused, and changes nothing") {
  World world;
  check_refused(world.jobs.lease(world.attempt(2), kLease), Errc::kDenied);
  check_refused(world.jobs.lease({job_id(9), 1}, kLease), Errc::kNotFound);
  check_refused(world.jobs.lease(world.attempt(), {"nobody", {}, 1, 1}), Errc::kNotFound);
  CHECK(world.number("SELECT count(*) FROM build_attempt") == 0);
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  const auto second = world.jobs.lease(world.attempt(), {"n1", {6, 6}, 78, kStoreNow.ns});
  check_refused(second, Errc::kDenied);
  CHECK(second.error().message ==
        "job 0000000000000b0b0000000000000001 with fence 1 cannot be given to a node: it is leased,"
        " its fence is 1");
  CHECK(*world.job().lease == kLease);
}

TEST_CASE("a job that is given back is queued under another fence [build-5]") {
  World world;
  check_refused(world.jobs.give_back(world.attempt()), Errc::kDenied);
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  const auto job = world.jobs.give_back(world.attempt());
  REQUIRE_MESSAGE(job, job.error().message);
  CHECK(job->state == JobState::kQueued);
  CHECK(job->fence == 2);
  CHECK(job->attempt == 1);
  CHECK(!job->lease);
  check_refused(world.jobs.give_back(world.attempt()), Errc::kDenied);
  REQUIRE(world.jobs.lease(world.attempt(2), kLease).has_value());
}

TEST_CASE("a job that ended is done again in the same row, and its build runs again") {
  World world;
  check_refused(world.jobs.retry(world.attempt(), JobState::kQueued), Errc::kDenied);
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  const EndedFact ended{BuildVerdict::kFailed, "exit 1", R"({"a":"1"})", 12, 50};
  REQUIRE(world.jobs.note_started(world.attempt(), world.node(), {40}).value());
  REQUIRE(world.jobs.note_ended(world.attempt(), world.node(), ended).value());
  CHECK(world.job().verdict == BuildVerdict::kFailed);
  CHECK(world.job().why == "exit 1");
  CHECK(world.job().outputs == R"({"a":"1"})");
  CHECK(world.job().log_bytes == 12);
  CHECK(world.job().started == 40);
  CHECK(world.job().ended == 50);
  REQUIRE(world.builds.end(1, BuildVerdict::kFailed, kStoreNow).has_value());
  const auto job = world.jobs.retry(world.attempt(), JobState::kWaiting);
  REQUIRE_MESSAGE(job, job.error().message);
  CHECK(job->no == 1);
  CHECK(job->state == JobState::kWaiting);
  CHECK(job->fence == 2);
  CHECK(job->attempt == 2);
  CHECK(!job->verdict);
  CHECK(job->why.empty());
  CHECK(!job->lease);
  CHECK(!job->started);
  CHECK(!job->ended);
  CHECK(!job->log_bytes);
  CHECK(job->outputs == "{}");
  const auto build = world.builds.find(1);
  CHECK(build->state == BuildState::kRunning);
  CHECK(!build->verdict);
  CHECK(!build->ended);
}

TEST_CASE("the coordinator ends a job from every state but one that ended") {
  for (const bool leased : {false, true}) {
    INFO("leased: ", leased);
    World world;
    if (leased) REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
    check_refused(world.jobs.end(world.attempt(2), BuildVerdict::kAgentLost, "", kStoreNow),
                  Errc::kDenied);
    REQUIRE(world.jobs.end(world.attempt(), BuildVerdict::kAgentLost, "unheard for 1 h", kStoreNow)
                .has_value());
    CHECK(world.job().state == JobState::kEnded);
    CHECK(world.job().verdict == BuildVerdict::kAgentLost);
    CHECK(world.job().why == "unheard for 1 h");
    CHECK(world.job().ended == kStoreNow.ns);
    check_refused(world.jobs.end(world.attempt(), BuildVerdict::kPassed, "", kStoreNow),
                  Errc::kDenied);
    CHECK(world.jobs.open_ones(0, 10)->empty());
  }
}

TEST_CASE("jobs that have not ended are listed for a start, page by page") {
  StoreWorld world;
  BuildJobTable jobs(world.store().database());
  for (std::uint64_t i = 1; i <= 4; ++i) add_build(world, i);
  REQUIRE(jobs.end({job_id(2), 1}, BuildVerdict::kCancelled, "", kStoreNow).has_value());
  const auto first = jobs.open_ones(0, 2);
  REQUIRE(first.has_value());
  REQUIRE(first->size() == 2);
  CHECK(first->at(0).id == job_id(1));
  CHECK(first->at(1).id == job_id(3));
  const auto rest = jobs.open_ones(first->back().no, 2);
  REQUIRE(rest->size() == 1);
  CHECK(rest->at(0).id == job_id(4));
}

TEST_CASE("a fence that nodes know already is never given out [build-5]") {
  World world;
  BuildAttemptTable attempts(world.store().database());
  // What a store gave out before it was set back.
  REQUIRE(attempts.take(world.attempt(1), world.node(), kStoreNow).value());
  check_refused(world.jobs.lease(world.attempt(1), kLease), Errc::kDenied);
  REQUIRE(world.jobs.note_foreign(world.attempt(1)).has_value());
  CHECK(world.job().fence == 2);
  REQUIRE(world.jobs.lease(world.attempt(2), kLease).has_value());
  REQUIRE(world.jobs.note_foreign(world.attempt(7)).has_value());
  CHECK(world.job().fence == 2);  // it has a lease
  REQUIRE(attempts.take(world.attempt(7), world.node(), kStoreNow).value());
  CHECK(world.jobs.give_back(world.attempt(2))->fence == 8);
  REQUIRE(attempts.take(world.attempt(kFenceMax), world.node(), kStoreNow).value());
  REQUIRE(world.jobs.lease(world.attempt(8), kLease).has_value());
  check_refused(world.jobs.give_back(world.attempt(8)), Errc::kFull);
}

TEST_CASE("what a node tells counts only for the lease that it has") {
  World world;
  const EndedFact passed{};
  const NodeNo n1 = world.node();
  CHECK(!world.jobs.note_started(world.attempt(), n1, {1}).value());  // not leased
  CHECK(!world.jobs.note_ended(world.attempt(), n1, passed).value());
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  CHECK(!world.jobs.note_ended(world.attempt(), n1 + 1, passed).value());
  CHECK(!world.jobs.note_ended(world.attempt(2), n1, passed).value());
  CHECK(world.jobs.note_ended(world.attempt(), n1, passed).value());
  CHECK(
      !world.jobs.note_ended(world.attempt(), n1, {BuildVerdict::kFailed, "", "{}", 1, 1}).value());
  CHECK(world.job().verdict == BuildVerdict::kPassed);
  CHECK(world.jobs.note_started(world.attempt(), n1, {1}).value());  // it was late
  CHECK(!world.jobs.note_started(world.attempt(), n1, {2}).value());
  CHECK(world.job().started == 1);
}

TEST_CASE("of a job that the coordinator ended a late verdict tells only how long the log is") {
  World world;
  REQUIRE(world.jobs.lease(world.attempt(), kLease).has_value());
  REQUIRE(world.jobs.end(world.attempt(), BuildVerdict::kAgentLost, "gone", kStoreNow).has_value());
  CHECK(
      !world.jobs.note_ended(world.attempt(), world.node(), {BuildVerdict::kPassed, "", "{}", 9, 1})
           .value());
  CHECK(world.job().verdict == BuildVerdict::kAgentLost);
  CHECK(world.job().why == "gone");
  CHECK(world.job().log_bytes == 9);
}

}  // namespace fieldpost::test

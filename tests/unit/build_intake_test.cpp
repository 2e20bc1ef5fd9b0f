// What nodes tell of their jobs, in whatever order and however often it comes.
#include "coordinator/ingest/build_intake.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/artifact_table.h"
#include "coordinator/store/build_fact_table.h"
#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_log_table.h"
#include "tests/support/sample_builds.h"
#include "tests/support/sim/dice.h"
#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using wire::JobAttempt;

constexpr wire::IncarnationId kOtherIncarnation{{8, 8}, 1};  // of the node "n2"
const std::string kStep = R"({"type":"step_started","step":1})";

struct World : StoreWorld {
  BuildJobTable jobs{store().database()};
  ArtifactTable artifacts{store().database()};
  BuildLogTable log{store().database()};
  std::uint64_t seq = 0;

  std::vector<Settled> take_all(const std::vector<wire::Record>& records) {
    std::vector<Arrival> arrivals;
    for (const wire::Record& each : records) arrivals.push_back(arrival(++seq, each));
    auto settled = ingest().commit(arrivals, kStoreNow);
    REQUIRE_MESSAGE(settled, settled.error().message);
    return std::move(*settled);
  }
  Settled take(const wire::Record& record) { return take_all({record}).front(); }
  /// It is stored; what it changed.
  BuildChange change(const wire::Record& record) {
    const Settled settled = take(record);
    INFO(settled.note);
    REQUIRE(settled.verdict == wire::Verdict::kStored);
    REQUIRE(settled.build.has_value());
    return *settled.build;
  }
  /// It is quarantined, and nothing of it is left; why.
  std::string refused(const wire::Record& record) {
    const std::string before = all();
    const Settled settled = take(record);
    CHECK(settled.verdict == wire::Verdict::kQuarantined);
    CHECK(all() == before);
    return settled.note;
  }
  BuildJob job(std::uint64_t number) {
    const auto found = jobs.find(job_id(number));
    REQUIRE_MESSAGE(found, found.error().message);
    return *found;
  }
  std::string all() {
    return text(
        "SELECT (SELECT count(*) FROM build_attempt) || ' ' || (SELECT count(*) FROM build_fact)"
        " || ' ' || (SELECT count(*) FROM build_log) || ' ' || (SELECT count(*) FROM "
        "build_artifact)"
        " || ' ' || (SELECT group_concat(state || fence) FROM build_job)");
  }
  /// All that is stored of a job, but its id and numbers of rows.
  std::string rows_of(std::uint64_t number) {
    std::string sql =
        "SELECT (SELECT group_concat(fence || '.' || n || fact) FROM"
        " (SELECT * FROM build_fact WHERE job = @ ORDER BY fence, n)) || ' | ' ||"
        " (SELECT group_concat(offset || '.' || size || hex(bytes)) FROM"
        " (SELECT * FROM build_log WHERE job = @ ORDER BY offset)) || ' | ' ||"
        " (SELECT group_concat(name || size || hex(sha256) || state) FROM"
        " (SELECT * FROM build_artifact WHERE job = @ ORDER BY name)) || ' | ' ||"
        " (SELECT state || '.' || fence || verdict || why || started_ns || '.' || ended_ns ||"
        " outputs || log_bytes FROM build_job WHERE job = @) || ' | ' ||"
        " (SELECT group_concat(node_no || '.' || log_stored || '.' || log_bytes || '.' ||"
        " fact_count) FROM build_attempt WHERE job = @)";
    const std::string id = fmt::format("x'{}'", job_id(number).hex());
    for (std::size_t at = sql.find('@'); at != std::string::npos; at = sql.find('@')) {
      sql.replace(at, 1, id);
    }
    return text(sql);
  }
};

std::vector<wire::Record> whole_story(const JobAttempt& attempt) {
  return {fact_record(attempt, 0, started_fact(1000)),
          fact_record(attempt, 1, artifact_fact("app", "bytes")),
          fact_record(attempt, 2, ended_fact("failed", 6)), log_record(attempt, 0, "abc"),
          log_record(attempt, 3, "def")};
}

JobAttempt first_of(std::uint64_t number) {
  return {job_id(number), 1};
}

}  // namespace

TEST_CASE("what a node tells becomes the job's [build-2]") {
  World world;
  const std::int64_t build = add_build(world, 1);
  lease(world, first_of(1));
  auto change = world.change(fact_record(first_of(1), 0, started_fact(1000)));
  CHECK(change.build == build);
  CHECK(change.attempt == first_of(1));
  CHECK(change.is_current);
  CHECK(change.fact == 0);
  CHECK(change.fact_type == "started");
  CHECK(change.has_started);
  CHECK(world.job(1).started == 1000);
  change = world.change(fact_record(first_of(1), 1, artifact_fact("app", "bytes")));
  CHECK(world.artifacts.find(change.artifact)->name == "app");
  CHECK(!change.has_started);
  change = world.change(log_record(first_of(1), 0, "abc"));
  CHECK(change.log_offset == 0);
  CHECK(change.log_added == 3);
  CHECK(!change.fact);
  change = world.change(fact_record(first_of(1), 2, ended_fact("failed", 3)));
  CHECK(change.has_ended);
  CHECK(change.is_told);
  const BuildJob job = world.job(1);
  CHECK(job.state == JobState::kEnded);
  CHECK(job.verdict == BuildVerdict::kFailed);
  CHECK(job.why == "so");
  CHECK(job.outputs == R"({"a":"1"})");
  CHECK(job.log_bytes == 3);
  CHECK(job.ended == 2000);
  CHECK(world.log.read(first_of(1), 0, 10)->bytes == "abc");
  CHECK(world.number("SELECT count(*) FROM event") == 0);
}

TEST_CASE("in whatever order facts and pieces come, the rows are the same") {
  World world;
  std::vector<std::size_t> order(5);
  std::iota(order.begin(), order.end(), 0);
  std::string expected;
  for (std::uint64_t number = 1;; ++number) {
    add_build(world, number);
    lease(world, first_of(number));
    const auto story = whole_story(first_of(number));
    std::vector<wire::Record> records;
    for (const std::size_t each : order) records.push_back(story[each]);
    const auto settled = world.take_all(records);
    CHECK(std::ranges::all_of(
        settled, [](const auto& each) { return each.verdict == wire::Verdict::kStored; }));
    CHECK(settled.back().build->is_told);
    CHECK(std::ranges::count_if(settled, [](const auto& each) { return each.build->has_ended; }) ==
          1);
    if (expected.empty()) expected = world.rows_of(number);
    INFO(fmt::format("order {}", fmt::join(order, " ")));
    CHECK(world.rows_of(number) == expected);
    if (!std::ranges::next_permutation(order).found) break;
  }
  CHECK(expected.find("failed") != std::string::npos);
}

TEST_CASE("what comes again, under whatever name and in whatever turn, changes nothing") {
  World world;
  std::string expected;
  for (std::uint64_t number = 1; number <= 60; ++number) {
    INFO("seed ", number);
    sim::Dice dice(number);
    add_build(world, number);
    lease(world, first_of(number));
    auto records = whole_story(first_of(number));
    for (int i = 0; i < 10; ++i) records.push_back(records[dice.below(5)]);
    for (std::size_t i = records.size() - 1; i > 0; --i) {
      std::swap(records[i], records[dice.below(i + 1)]);
    }
    std::uint64_t added = 0, facts = 0;
    while (!records.empty()) {
      const auto size =
          static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(1 + dice.below(8), records.size()));
      for (const Settled& each : world.take_all({records.begin(), records.begin() + size})) {
        REQUIRE(each.build.has_value());
        added += each.build->log_added;
        if (each.build->fact) facts += 1;
      }
      records.erase(records.begin(), records.begin() + size);
    }
    CHECK(added == 6);
    CHECK(facts == 3);
    if (expected.empty()) expected = world.rows_of(number);
    CHECK(world.rows_of(number) == expected);
  }
}

TEST_CASE("of a number and of a byte what was stored first stays [build-2] [build-3]") {
  World world;
  add_build(world, 1);
  lease(world, first_of(1));
  world.change(fact_record(first_of(1), 1, kStep));
  CHECK(!world.change(fact_record(first_of(1), 1, R"({"type":"other"})")).fact);
  CHECK(BuildFactTable(world.store().database()).list(first_of(1), 0, 10)->at(0).fact == kStep);
  world.change(log_record(first_of(1), 2, "cd"));
  CHECK(world.change(log_record(first_of(1), 0, "ABCDEF")).log_added == 4);
  CHECK(world.log.read(first_of(1), 0, 10)->bytes == "ABcdEF");
}

TEST_CASE("what is told of a job that nobody knows is kept") {
  World world;
  for (const wire::Record& each : whole_story(first_of(9))) {
    const BuildChange change = world.change(each);
    CHECK(change.build == 0);
    CHECK(!change.is_current);
    CHECK(!change.has_started);
    CHECK(!change.has_ended);
    CHECK(change.artifact == 0);
  }
  CHECK(BuildFactTable(world.store().database()).count(first_of(9)).value() == 3);
  CHECK(world.log.read(first_of(9), 0, 10)->bytes == "abcdef");
  CHECK(world.log.read(first_of(9), 0, 10)->is_whole);
}

TEST_CASE("what an earlier attempt still tells is kept as its own, and changes no job [build-5]") {
  World world;
  add_build(world, 1);
  lease(world, first_of(1));
  REQUIRE(world.jobs.give_back(first_of(1)).has_value());
  const JobAttempt second{job_id(1), 2};
  lease(world, second);
  for (const wire::Record& each : whole_story(first_of(1))) {
    const BuildChange change = world.change(each);
    CHECK(change.build == 1);
    CHECK(!change.is_current);
    CHECK(!change.has_ended);
  }
  CHECK(world.job(1).state == JobState::kLeased);
  CHECK(!world.job(1).started);
  CHECK(world.artifacts.find(first_of(1), "app").has_value());
  CHECK(!world.artifacts.find(second, "app"));
  CHECK(world.change(fact_record(second, 0, ended_fact("passed", 0))).has_ended);
  CHECK(world.job(1).verdict == BuildVerdict::kPassed);
  CHECK(world.log.read(first_of(1), 0, 10)->bytes == "abcdef");
  CHECK(world.log.read(second, 0, 10)->is_whole);
}

TEST_CASE("a fence that a store gave out before it was set back is not given out again") {
  World world;
  add_build(world, 1);
  CHECK(!world.change(fact_record({job_id(1), 3}, 0, started_fact(1))).is_current);
  CHECK(world.job(1).state == JobState::kQueued);
  CHECK(world.job(1).fence == 4);
  CHECK(!world.job(1).started);
}

TEST_CASE("a fact that cannot be is quarantined, and the job stays as it was") {
  World world;
  add_build(world, 1);
  const JobAttempt job = first_of(1);
  lease(world, job);
  world.change(fact_record(job, 2, kStep));
  CHECK(world.refused(fact_record(job, 3, ended_fact("perfect", 0))).find("verdict") !=
        std::string::npos);
  CHECK(world.refused(fact_record(job, 3, R"({"type":"ended","verdict":"passed","time_ns":1})"))
            .find("log_bytes") != std::string::npos);
  const std::string id = job_id(1).hex();
  CHECK(world.refused(fact_record(job, 1, ended_fact("passed", 0))) ==
        "fact 1 (\"ended\") of job " + id + ": it is not the last one");
  CHECK(world.refused(fact_record(job, 1, started_fact(1))) ==
        "fact 1 (\"started\") of job " + id + ": only the first one says that it started");
  CHECK(world.refused(fact_record(job, kFactsMax, kStep)) ==
        fmt::format("fact {} (\"step_started\") of job {}: a job has at most {}", kFactsMax, id,
                    kFactsMax));
  CHECK(
      world.refused(fact_record({job_id(1), kFenceMax + 1}, 0, kStep)) ==
      fmt::format("job {}: expected a fence of at most {}, not {}", id, kFenceMax, kFenceMax + 1));
  world.change(fact_record(job, 0, artifact_fact("app", "one")));
  CHECK(world.refused(fact_record(job, 1, artifact_fact("app", "two"))) ==
        "job " + id + " told of two artifacts \"app\"");
  CHECK(world.job(1).state == JobState::kLeased);
  world.change(fact_record(job, 3, ended_fact("passed", 4)));
  CHECK(world.refused(fact_record(job, 4, kStep)) ==
        "fact 4 (\"step_started\") of job " + id + ": the last one was 3");
  CHECK(world.refused(log_record(job, 2, "xyz")) == "a piece of a log from byte 2 to 5 of 4");
}

TEST_CASE("a record of a log that holds no piece is quarantined") {
  World world;
  wire::Record record = log_record(first_of(1), 0, "abc");
  record.payload.assign(record.payload.size(), 'x');
  CHECK(!world.refused(record).empty());
  record = log_record(first_of(1), 0, "abc");
  record.codec = 1;
  CHECK(!world.refused(record).empty());
}

TEST_CASE("what a node tells of an attempt that another node has is not believed [build-5]") {
  World world;
  add_build(world, 1);
  lease(world, first_of(1));
  const auto other = world.ledger().node_no("n2", kStoreNow);
  REQUIRE(other.has_value());
  REQUIRE(world.ledger().enter(*other, kOtherIncarnation, 0, 0, kStoreNow).has_value());
  const auto from_other = [&](std::uint64_t seq, const wire::Record& record) {
    Arrival out = arrival(seq, record);
    out.node = "n2";
    out.envelope.name.incarnation = kOtherIncarnation;
    return out;
  };
  const auto settled =
      world.ingest().commit({from_other(1, fact_record(first_of(1), 0, ended_fact("passed", 0))),
                             from_other(2, log_record(first_of(1), 0, "abc"))},
                            kStoreNow);
  REQUIRE_MESSAGE(settled, settled.error().message);
  for (const Settled& each : *settled) {
    CHECK(each.verdict == wire::Verdict::kQuarantined);
    CHECK(each.note == "job " + job_id(1).hex() + " with fence 1 is another node's");
  }
  CHECK(world.job(1).state == JobState::kLeased);
  CHECK(world.change(fact_record(first_of(1), 0, ended_fact("failed", 0))).has_ended);
}

TEST_CASE("a fact that leaves the quarantine ends its job after all") {
  World world;
  add_build(world, 1);
  lease(world, first_of(1));
  world.change(fact_record(first_of(1), 1, kStep));
  world.refused(fact_record(first_of(1), 0, ended_fact("passed", 0)));
  auto again = world.ingest().reprocess({}, kStoreNow);
  REQUIRE(again.has_value());
  CHECK(again->left == 1);
  CHECK(again->builds.empty());
  REQUIRE(world.store().database().execute("DELETE FROM build_fact"));
  again = world.ingest().reprocess({}, kStoreNow);
  REQUIRE(again.has_value());
  CHECK(again->stored == 1);
  REQUIRE(again->builds.size() == 1);
  CHECK(again->builds[0].has_ended);
  CHECK(world.job(1).state == JobState::kEnded);
}

TEST_CASE("what was receipted of a build is there after a power cut") {
  World world;
  add_build(world, 1);
  lease(world, first_of(1));
  for (const wire::Record& each : whole_story(first_of(1))) world.change(each);
  const std::string before = world.rows_of(1);
  world.power_cut(kStoreNow);
  CHECK(world.rows_of(1) == before);
}

}  // namespace fieldpost::test

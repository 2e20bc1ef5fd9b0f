// From the runner into the spool: each fact and each byte of a log once [build-4].
#include "agent/builds/job_shipper.h"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "tests/support/builds_node.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using test::BuildsNode;
using test::StoredJobs;
using Fault = sim::FakeRunner::Fault;

const wire::JobId kJob{1, 2};
const wire::JobId kOther{3, 4};
constexpr const char* kStarted = R"({"type":"started","time_ns":1000})";

/// What got on disk in all lives is what the runner has, and nothing twice.
void check_whole(BuildsNode& node) {
  const StoredJobs stored = node.stored();
  const StoredJobs expected = node.expected();
  CHECK(stored.facts == expected.facts);
  const bool same_logs = stored.logs == expected.logs;
  CHECK(same_logs);
}

void add_ended_job(BuildsNode& node, std::uint64_t fence = 1) {
  node.runner.add_job(kJob, fence);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, "fence " + std::to_string(fence) + "\n");
  node.runner.end(kJob);
}

}  // namespace

TEST_CASE("facts and logs of all jobs get into the spool, and the runner hears of it") {
  BuildsNode node;
  node.start();
  add_ended_job(node);
  node.runner.add_job(kOther, 7);
  for (int step = 0; step < 40; ++step) node.runner.add_fact(kOther, sim::step_fact(step));
  node.runner.add_log(kOther, test::body_bytes(5 * wire::kLogPieceBytesMax / 2, 1));
  node.world.run_for(10s);
  check_whole(node);
  CHECK(node.told.fact_count() == 42);
  CHECK(node.told.pieces == 4);
  CHECK(node.runner.jobs[kJob].fetched == 8);
  CHECK(node.runner.jobs[kOther].fetched == 5 * wire::kLogPieceBytesMax / 2);
  const auto progress = node.progress();
  CHECK(progress.at(kJob) == JobProgress{1, 2, 8, true, false});
  CHECK(progress.at(kOther) == JobProgress{7, 40, 5 * wire::kLogPieceBytesMax / 2, false, false});
  CHECK(node.log.lines().empty());
}

TEST_CASE("the first line after a silence is on disk within milliseconds, and so is a fact") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob);
  node.world.run_for(1min);
  node.runner.add_fact(kJob, kStarted);
  node.world.run_for(20ms);
  CHECK(node.told.fact_count() == 1);
  node.world.run_for(57s);
  node.runner.add_log(kJob, "hello\n");
  node.world.run_for(20ms);
  CHECK(node.told.pieces == 1);
}

TEST_CASE("lines that follow each other share records") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.world.run_for(1min);
  for (int line = 0; line < 200; ++line) {
    node.runner.add_log(kJob, "line " + std::to_string(line) + "\n");
    node.world.run_for(10ms);
  }
  node.world.run_for(1s);
  check_whole(node);
  CHECK(node.told.pieces >= 5);
  CHECK(node.told.pieces <= 10);
  CHECK(node.runner.asked_to("hello").size() < 200);
}

TEST_CASE("without a watch it is looked every so often") {
  BuildsNode node;
  node.start();
  node.world.run_for(1s);
  node.runner.add_job(kJob);  // tells nobody
  node.runner.jobs[kJob].facts.emplace_back(kStarted);
  node.world.run_for(JobShipper::kLookEvery + rt::Seconds(1));
  CHECK(node.told.fact_count() == 1);
}

TEST_CASE("a runner that is away is told once, and what it has is fetched when it is back") {
  BuildsNode node;
  node.runner.stop();
  node.start();
  node.world.run_for(1min);
  CHECK(node.log.count_containing("the runner cannot be asked for its jobs: connecting") == 1);
  CHECK(node.life->shipper->slots() == 0);
  node.runner.add_job(kJob);
  node.runner.jobs[kJob].facts.emplace_back(kStarted);
  node.runner.start();
  node.world.run_for(10s);
  check_whole(node);
  CHECK(node.life->shipper->slots() == 2);
  node.runner.stop();
  node.world.run_for(1min);
  CHECK(node.log.count_containing("the runner cannot be asked for its jobs") == 2);
}

TEST_CASE("a runner that was silent for long is asked again") {
  BuildsNode node;
  node.runner.fault = Fault::kSilent;
  node.start();
  node.world.run_for(5min);
  node.runner.fault = Fault::kNone;
  node.runner.add_job(kJob);
  node.runner.jobs[kJob].facts.emplace_back(kStarted);
  node.world.run_for(40s);
  check_whole(node);
}

TEST_CASE("an answer that does not fit costs a pause, and nothing is stored of it") {
  struct Case {
    std::string verb, answer, told;
  };
  const std::string waits = "job " + kJob.hex() + " waits at the runner: ";
  for (const Case& each :
       {Case{"hello", R"({"ok":true})", "it does not list them"},
        Case{"hello", "what?", "the runner cannot be asked for its jobs"},
        Case{"facts", R"({"facts":[]})", waits + "the runner does not tell the facts"},
        Case{"facts", R"({"facts":[{"fact":"started"}]})", waits + "the runner's answer is not"},
        Case{"facts", R"({"error":"no such job"})", waits + "no such job"},
        Case{"log", R"({"bytes":0})", waits + "the runner does not give the log"},
        Case{"log", R"({"bytes":65537})" + ("\n" + std::string(65'536, 'x')),
             waits + "the runner does not give the log"},
        Case{"log", R"({"error":"no such job"})", waits + "no such job"}}) {
    INFO(each.verb, ": ", each.answer.substr(0, 60));
    BuildsNode node;
    add_ended_job(node);
    node.runner.says[each.verb] = each.answer;
    node.start();
    node.world.run_for(1min);
    const std::size_t facts = each.verb == "log" ? 2 : 0;
    CHECK(node.told.fact_count() == facts);
    CHECK(node.told.pieces == 0);
    CHECK(node.log.count_containing(each.told) == 1);
    const std::size_t asked = node.runner.asked_to(each.verb).size();
    CHECK(asked >= 10);
    CHECK(asked <= 70);
    node.runner.says.clear();
    node.world.run_for(10s);
    check_whole(node);
  }
}

TEST_CASE("connections that break at any question lose and double nothing") {
  for (const Fault fault : {Fault::kHangsUp, Fault::kHalf, Fault::kGarbage, Fault::kSaysMore,
                            Fault::kSilent, Fault::kRefuses}) {
    for (std::size_t at = 0; at < 8; ++at) {
      INFO("at question ", at);
      BuildsNode node;
      add_ended_job(node);
      node.runner.faults.assign(at, Fault::kNone);
      node.runner.faults.push_back(fault);
      node.start();
      node.world.run_for(45s);
      check_whole(node);
    }
  }
}

// ---- room ----

TEST_CASE("a log fills half of the reserve and waits, and what says how a job ends finds room") {
  BuildsNode node;
  node.options.shed.event_reserve = 300'000;
  node.start();
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, test::body_bytes(1'000'000, 1));
  node.world.run_for(10s);
  CHECK(node.told.pieces == 2);
  CHECK(node.runner.jobs[kJob].fetched == 2 * wire::kLogPieceBytesMax);
  CHECK(node.log.count_containing("as many events are held as the spool may hold") == 1);
  node.runner.end(kJob);
  node.world.run_for(2s);
  CHECK(node.told.fact_count() == 2);
  CHECK(node.told.pieces == 2);
  int rounds = 0;
  for (; node.told.pieces < 16 && rounds < 20; ++rounds) {
    node.deliver();
    node.world.run_for(5s);
  }
  CHECK(rounds >= 7);
  const bool same = node.told.logs == node.expected().logs;
  CHECK(same);
}

TEST_CASE("facts that find no room wait as well, and go on where they stopped") {
  BuildsNode node;
  node.options.shed.event_reserve = 4'000;
  node.start();
  node.runner.add_job(kJob);
  for (int step = 0; step < 30; ++step) node.runner.add_fact(kJob, sim::step_fact(step));
  node.world.run_for(10s);
  const std::size_t before = node.told.fact_count();
  CHECK(before > 0);
  CHECK(before < 30);
  for (int round = 0; node.told.fact_count() < 30 && round < 30; ++round) {
    node.deliver();
    node.world.run_for(2s);
  }
  CHECK(node.told.facts == node.expected().facts);
}

TEST_CASE("what a disk does not take for a while is there once when it does") {
  BuildsNode node;
  node.start();
  node.world.run_for(1s);
  sim::DiskFailure failure;
  failure.for_ever = true;
  SUBCASE("it fails") {
    failure.answer = sim::DiskAnswer::kIo;
  }
  SUBCASE("it is full") {
    failure.answer = sim::DiskAnswer::kFull;
  }
  node.disk.fail(failure);
  add_ended_job(node);
  node.world.run_for(30s);
  CHECK(node.told.fact_count() == 0);
  node.disk.heal();
  node.world.run_for(10s);
  check_whole(node);
}

TEST_CASE("how far a job got survives its encoding, and is refused where it is none") {
  const JobProgress good{3, 4, 5'000'000'000, true, true};
  CHECK(decode_job_progress(encode(good)) == good);
  CHECK(decode_job_progress(R"({"fence":1,"next_fact":2,"log_offset":3})") ==
        JobProgress{1, 2, 3, false, false});
  for (const char* text : {"", "7", "[]", "{}", R"({"fence":1,"next_fact":2})",
                           R"({"fence":-1,"next_fact":2,"log_offset":3})",
                           R"({"fence":1,"next_fact":4294967296,"log_offset":3})",
                           R"({"fence":1,"next_fact":2,"log_offset":"3"})"}) {
    INFO(text);
    CHECK_FALSE(decode_job_progress(text).has_value());
  }
}

}  // namespace fieldpost::agent

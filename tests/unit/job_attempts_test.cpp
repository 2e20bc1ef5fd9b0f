// Attempts of a job: forgotten, begun anew, and lost by the runner.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "agent/builds/job_shipper.h"
#include "tests/support/builds_node.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using rt::Errc;
using test::BuildsNode;
using test::StoredJobs;
using Fault = sim::FakeRunner::Fault;

const wire::JobId kJob{1, 2};
constexpr const char* kStarted = R"({"type":"started","time_ns":1000})";

/// What got on disk in all lives is what the runner has, and nothing twice.
void check_whole(BuildsNode& node) {
  const StoredJobs stored = node.stored();
  const StoredJobs expected = node.expected();
  CHECK(stored.facts == expected.facts);
  const bool same_logs = stored.logs == expected.logs;
  CHECK(same_logs);
}

/// The outcome of forgetting a job now; nullopt: there is none yet.
std::optional<rt::Status> forget(BuildsNode& node, std::uint64_t fence) {
  std::optional<rt::Status> outcome;
  node.life->shipper->forget({kJob, fence}, {"abc"},
                             [&outcome](const rt::Status& status) { outcome = status; });
  node.world.run_for(500ms);
  return outcome;
}

void add_ended_job(BuildsNode& node, std::uint64_t fence = 1) {
  node.runner.add_job(kJob, fence);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, "fence " + std::to_string(fence) + "\n");
  node.runner.end(kJob);
}

/// The `ended` of the node itself, without its time.
nlohmann::json lost_end(const std::string& text) {
  nlohmann::json fact = nlohmann::json::parse(text);
  fact.erase("time_ns");
  return fact;
}

const nlohmann::json kLost = {{"type", "ended"},
                              {"verdict", "interrupted"},
                              {"why", "the runner of this node does not know the job any more"},
                              {"outputs", nlohmann::json::object()},
                              {"log_bytes", 6}};

}  // namespace

TEST_CASE("a job that is forgotten leaves nothing, and its next attempt is taken from its start") {
  BuildsNode node;
  node.start();
  add_ended_job(node, 1);
  node.world.run_for(2s);
  const auto first = forget(node, 1);
  REQUIRE(first.has_value());
  CHECK(first->has_value());
  CHECK(node.runner.jobs.empty());
  CHECK(node.runner.asked_to("forget").at(0) ==
        nlohmann::json{{"do", "forget"},
                       {"job", kJob.hex()},
                       {"fence", 1},
                       {"keep", nlohmann::json::array({"abc"})}});
  CHECK(node.progress().empty());
  add_ended_job(node, 2);
  node.world.run_for(2s);
  StoredJobs stored = node.stored();
  CHECK(stored.facts[{kJob, 1}].size() == 2);
  CHECK(stored.facts[{kJob, 2}].size() == 2);
  CHECK(stored.logs[{kJob, 1}] == "fence 1\n");
  CHECK(stored.logs[{kJob, 2}] == "fence 2\n");
  // What comes late of the first does not touch the second.
  CHECK(forget(node, 1)->has_value());
  CHECK(node.progress().contains(kJob));
  CHECK(node.runner.jobs.contains(kJob));
}

TEST_CASE("a job is forgotten twice, and without being known") {
  BuildsNode node;
  node.start();
  node.world.run_for(1s);
  CHECK(forget(node, 1)->has_value());
  add_ended_job(node);
  node.world.run_for(2s);
  CHECK(forget(node, 1)->has_value());
  CHECK(forget(node, 1)->has_value());
  SUBCASE("by another life") {
    node.kill();
    node.start();
    node.world.run_for(1s);
    CHECK(forget(node, 1)->has_value());
  }
  SUBCASE("by a runner that says so") {
    node.runner.says["forget"] = R"({"error":"there is none","code":"not_found"})";
    CHECK(forget(node, 1)->has_value());
  }
  CHECK(node.progress().empty());
  CHECK(node.told.fact_count() <= 2);
}

TEST_CASE("a job is not forgotten while it runs, is being taken, or the runner is away") {
  BuildsNode node;
  node.start();
  const auto starting = forget(node, 1);
  REQUIRE(starting.has_value());
  CHECK(starting->error().code == Errc::kBusy);
  node.runner.fault_of = "facts";
  node.runner.faults = {Fault::kSilent};
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.world.run_for(1s);
  const auto early = forget(node, 1);
  REQUIRE(early.has_value());
  CHECK(early->error().code == Errc::kBusy);
  CHECK(node.runner.asked_to("forget").empty());
  node.world.run_for(40s);
  CHECK(node.told.fact_count() == 1);
  const auto running = forget(node, 1);
  REQUIRE(running.has_value());
  REQUIRE_FALSE(running->has_value());
  CHECK(running->error().code == Errc::kBusy);
  node.runner.end(kJob);
  node.world.run_for(2s);
  node.runner.stop();
  CHECK(forget(node, 1)->error().code == Errc::kUnavailable);
  CHECK(node.progress().contains(kJob));
  node.runner.start();
  CHECK(forget(node, 1)->has_value());
  CHECK(node.progress().empty());
}

TEST_CASE("a new fence of a job that was not forgotten begins anew, too") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob, 1);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, "first\n");
  node.world.run_for(2s);
  node.runner.add_job(kJob, 2);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_fact(kJob, sim::step_fact(1));
  node.runner.add_log(kJob, "second\n");
  node.world.run_for(2s);
  StoredJobs stored = node.stored();
  CHECK(stored.facts[{kJob, 1}] == std::vector<std::string>{kStarted});
  CHECK(stored.facts[{kJob, 2}] == std::vector<std::string>{kStarted, sim::step_fact(1)});
  CHECK(stored.logs[{kJob, 1}] == "first\n");
  CHECK(stored.logs[{kJob, 2}] == "second\n");
}

TEST_CASE("a job that the runner lost ends as interrupted, once, and stays so") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_fact(kJob, sim::step_fact(1));
  node.runner.add_log(kJob, "first\n");
  node.world.run_for(2s);
  node.runner.stop();
  node.runner.jobs.clear();
  SUBCASE("it does not know it") {
    node.runner.start();
  }
  SUBCASE("the agent was away meanwhile") {
    node.kill();
    node.runner.start();
    node.start();
  }
  SUBCASE("it began it anew") {
    node.runner.add_job(kJob);
    node.runner.add_fact(kJob, kStarted);
    node.runner.start();
  }
  node.world.run_for(10s);
  StoredJobs stored = node.stored();
  REQUIRE(stored.facts[{kJob, 1}].size() == 3);
  CHECK(lost_end(stored.facts[{kJob, 1}][2]) == kLost);
  const bool runs = node.runner.jobs.contains(kJob);
  if (runs) CHECK_FALSE(node.runner.jobs[kJob].cancelled.empty());

  if (!runs) node.runner.add_job(kJob);
  for (int step = 0; step < 10; ++step) node.runner.add_fact(kJob, sim::step_fact(step));
  node.runner.add_log(kJob, "another log\n");
  node.world.run_for(10s);
  node.kill();
  node.start();
  node.world.run_for(10s);
  stored = node.stored();
  CHECK(stored.facts[{kJob, 1}].size() == 3);
  CHECK(stored.logs[{kJob, 1}] == "first\n");
  node.runner.end(kJob);
  node.world.run_for(1s);
  CHECK(forget(node, 1)->has_value());
  CHECK(node.progress().empty());
}

TEST_CASE("a job that the runner took and lost before it said anything ends, too") {
  BuildsNode node;
  node.start();
  node.world.run_for(1s);
  bool noted = false;
  node.life->shipper->expect({kJob, 4}, [&noted] { noted = true; });
  node.world.run_for(500ms);
  CHECK(noted);
  node.world.run_for(10s);
  StoredJobs stored = node.stored();
  REQUIRE(stored.facts[{kJob, 4}].size() == 1);
  CHECK(lost_end(stored.facts[{kJob, 4}][0]).at("log_bytes") == 0);
}

TEST_CASE("an attempt that is expected late does not undo what is known of it") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob, 2);
  node.runner.add_fact(kJob, kStarted);
  node.world.run_for(2s);
  for (const std::uint64_t fence : {std::uint64_t{1}, std::uint64_t{2}}) {
    node.life->shipper->expect({kJob, fence}, [] {});
    node.world.run_for(1s);
  }
  CHECK(node.progress().at(kJob) == JobProgress{2, 1, 0, false, false});
  node.kill();
  node.start();
  node.life->shipper->expect({kJob, 2}, [] {});
  node.runner.add_fact(kJob, sim::step_fact(1));
  node.world.run_for(2s);
  check_whole(node);
}

TEST_CASE("a runner that does not list its jobs has lost none") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.world.run_for(2s);
  node.runner.says["hello"] = R"({"ok":true})";
  node.world.run_for(1min);
  node.runner.says["hello"] = R"({"error":"starting","code":"busy"})";
  node.world.run_for(1min);
  node.runner.stop();
  node.world.run_for(1min);
  CHECK(node.told.fact_count() == 1);
}

}  // namespace fieldpost::agent

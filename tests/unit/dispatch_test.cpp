#include "coordinator/builds/dispatch.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <random>
#include <set>

namespace fieldpost::coordinator {
namespace {

QueuedJob job_of(std::uint64_t number, std::vector<std::string> labels = {}) {
  return {.job = {0, number}, .build = number, .labels = std::move(labels)};
}

Runner runner_of(std::string node, std::vector<std::string> labels = {}, unsigned slots = 1) {
  return {.node = std::move(node), .labels = std::move(labels), .slots = slots, .is_online = true};
}

/// "7 at a, 8 at b".
std::string text_of(const std::vector<Assignment>& assignments) {
  std::string out;
  for (const Assignment& each : assignments) {
    out += fmt::format("{}{} at {}", out.empty() ? "" : ", ", each.job.lo, each.node);
  }
  return out;
}

}  // namespace

TEST_CASE("jobs go by priority, then age, then their place in the build") {
  QueuedJob urgent = job_of(9);
  urgent.priority = 1;
  QueuedJob second = job_of(3), first = job_of(4);
  second.build = first.build = 2;
  second.place = 2;
  first.place = 1;
  CHECK(text_of(dispatch({job_of(5), second, first, urgent}, {runner_of("a", {}, 3)})) ==
        "9 at a, 4 at a, 3 at a");
}

TEST_CASE("a job goes to a runner that has all of its labels, whatever their case") {
  const std::vector<Runner> runners = {runner_of("a", {"linux"}),
                                       runner_of("b", {"Linux", "ARM64"})};
  CHECK(text_of(dispatch({job_of(1, {"linux", "arm64"})}, runners)) == "1 at b");
  CHECK(text_of(dispatch({job_of(1, {"linux", "gpu"})}, runners)).empty());
}

TEST_CASE("the runner with the larger part of its slots free takes a job") {
  Runner large = runner_of("a", {}, 4);
  large.busy = 2;
  CHECK(text_of(dispatch({job_of(1)}, {large, runner_of("b", {}, 2)})) == "1 at b");
  CHECK(text_of(dispatch({job_of(1)}, {runner_of("b"), runner_of("a")})) == "1 at a");
  CHECK(text_of(dispatch({job_of(1), job_of(2)}, {runner_of("a", {}, 2), runner_of("b")})) ==
        "1 at a, 2 at b");
}

TEST_CASE("what waits for a runner holds up no others, and nobody gets more than its slots") {
  Runner offline = runner_of("off");
  offline.is_online = false;
  Runner drained = runner_of("drained");
  drained.is_drained = true;
  CHECK(text_of(dispatch({job_of(1, {"gpu"}), job_of(2), job_of(3)},
                         {offline, drained, runner_of("a")})) == "2 at a");
}

TEST_CASE("why a job waits is told") {
  Runner offline = runner_of("off", {"linux"});
  offline.is_online = false;
  Runner drained = runner_of("drained", {"linux"});
  drained.is_drained = true;
  Runner busy = runner_of("busy", {"linux"});
  busy.busy = 1;
  CHECK(why_waiting(job_of(1, {"gpu", "linux"}), {offline}) ==
        "there is no runner with gpu, linux; known runners: 1");
  CHECK(why_waiting(job_of(1, {"linux"}), {offline, drained, busy, runner_of("other")}) ==
        "of 3 runners with linux: 1 busy, 1 offline, 1 drained");
  CHECK(why_waiting(job_of(1), {busy}) == "of 1 runner: 1 busy");
  CHECK(why_waiting(job_of(1), {busy, runner_of("free")}) == "it goes next");
}

TEST_CASE("of any jobs and runners, each job goes once, to one that may take it, or none may") {
  std::mt19937_64 random(3);
  const std::vector<std::string> labels = {"linux", "arm64", "gpu"};
  const auto some_labels = [&] {
    std::vector<std::string> out;
    for (const std::string& each : labels) {
      if (random() % 3 == 0) out.push_back(each);
    }
    return out;
  };
  for (int round = 0; round < 500; ++round) {
    std::vector<Runner> runners;
    for (std::size_t i = random() % 5; i > 0; --i) {
      Runner runner =
          runner_of(fmt::format("r{}", i), some_labels(), 1U + static_cast<unsigned>(random() % 3));
      runner.busy = static_cast<unsigned>(random() % (runner.slots + 1));
      runner.is_online = random() % 4 != 0;
      runner.is_drained = random() % 5 == 0;
      runners.push_back(runner);
    }
    std::vector<QueuedJob> jobs;
    for (std::size_t i = random() % 8; i > 0; --i) jobs.push_back(job_of(i, some_labels()));
    std::map<std::string, unsigned> busy;
    for (const Runner& runner : runners) busy[runner.node] = runner.busy;
    std::set<wire::JobId> gone;
    for (const Assignment& each : dispatch(jobs, runners)) {
      CHECK(gone.insert(each.job).second);
      busy[each.node] += 1;
    }
    for (const Runner& runner : runners) {
      CHECK(busy[runner.node] <= runner.slots);
      if (!runner.is_online || runner.is_drained) CHECK(busy[runner.node] == runner.busy);
    }
    for (const QueuedJob& job : jobs) {
      if (gone.contains(job.job)) continue;
      for (const Runner& runner : runners) {
        const bool could = runner.is_online && !runner.is_drained &&
                           busy[runner.node] < runner.slots && has_labels(runner, job.labels);
        CHECK_FALSE(could);
      }
    }
  }
}

}  // namespace fieldpost::coordinator

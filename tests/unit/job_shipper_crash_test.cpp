// The agent's processes, the power and the sockets end at any moment: each fact and each byte of a
// log gets one record all the same [build-4].
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <string>
#include <utility>

#include "agent/builds/job_shipper.h"
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

void add_ended_job(BuildsNode& node) {
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, "one line\n");
  node.runner.end(kJob);
}

}  // namespace

TEST_CASE("an agent that starts again goes on where it was") {
  BuildsNode node;
  node.start();
  node.runner.add_job(kJob);
  node.runner.add_fact(kJob, kStarted);
  node.runner.add_log(kJob, "one\n");
  node.world.run_for(2s);
  node.kill();
  node.runner.add_fact(kJob, sim::step_fact(1));
  node.runner.add_log(kJob, "two\n");
  node.world.run_for(2s);
  node.start();
  node.world.run_for(2s);
  check_whole(node);
  CHECK(node.told.fact_count() == 1);
  CHECK(node.told.pieces == 1);
}

namespace {

/// What two jobs do within a second.
void play(BuildsNode& node) {
  const auto at = [&](int ms, std::function<void()> what) {
    node.host.after(rt::Millis(ms), std::move(what));
  };
  at(10, [&] {
    node.runner.add_job(kJob);
    node.runner.add_fact(kJob, kStarted);
  });
  at(100, [&] { node.runner.add_log(kJob, test::body_bytes(wire::kLogPieceBytesMax + 99, 1)); });
  at(200, [&] {
    node.runner.add_job(kOther, 2);
    node.runner.add_fact(kOther, kStarted);
    node.runner.add_log(kOther, "other\n");
  });
  at(500, [&] { node.runner.add_log(kJob, "more\n"); });
  at(600, [&] { node.runner.end(kJob); });
  at(700, [&] { node.runner.end(kOther); });
}

}  // namespace

TEST_CASE("a power cut at any write loses and doubles nothing") {
  constexpr std::uint64_t kCallsMax = 2'000;
  bool stopped = true;
  std::uint64_t call = 0;
  while (stopped) {
    call += 1;
    INFO("stopped at write ", call);
    REQUIRE(call < kCallsMax);
    BuildsNode node(call);
    sim::Dice dice(call);
    node.start();
    node.disk.stop_at(call);
    play(node);
    node.world.run_for(2s);
    stopped = node.disk.is_stopped();
    node.cut_power(dice);
    node.disk.heal();
    node.start();
    node.world.run_for(2s);
    check_whole(node);
  }
  CHECK(call > 20);
}

namespace {

/// A job that goes on for ten seconds, of which a seed says what it does.
void play_long(BuildsNode& node, const wire::JobId& id, sim::Dice dice) {
  node.runner.add_job(id, dice.between(1, 5));
  node.runner.add_fact(id, kStarted);
  for (int ms = 100; ms < 10'000; ms += static_cast<int>(dice.between(50, 500))) {
    const bool is_fact = dice.chance(30);
    const std::uint64_t bytes = dice.chance(10) ? dice.below(200'000) : 1 + dice.below(100);
    node.host.after(rt::Millis(ms), [&node, id, is_fact, bytes, ms] {
      if (is_fact) {
        node.runner.add_fact(id, sim::step_fact(ms));
      } else {
        node.runner.add_log(id, test::body_bytes(bytes, static_cast<std::uint64_t>(ms)));
      }
    });
  }
  node.host.after(rt::Seconds(10), [&node, id] { node.runner.end(id); });
}

/// One more thing that goes wrong.
void do_harm(BuildsNode& node, sim::Dice& dice) {
  switch (dice.below(6)) {
    case 0: return node.kill();
    case 1: return node.cut_power(dice);
    case 2:
      node.disk.stop_at(1 + dice.below(30));
      node.world.run_for(dice.between(rt::Nanos(0), rt::Nanos(2s)));
      return node.cut_power(dice);
    case 3: return node.runner.hang_up();
    case 4:
      node.runner.stop();
      node.world.run_for(dice.between(rt::Nanos(0), rt::Nanos(3s)));
      return node.runner.start();
    default: node.runner.faults.push_back(Fault(1 + dice.below(7)));
  }
}

}  // namespace

TEST_CASE("kills, power cuts and broken connections lose and double nothing, over many seeds") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    INFO("seed ", seed);
    BuildsNode node(seed);
    sim::Dice dice(seed);
    node.start();
    play_long(node, kJob, dice.fork());
    play_long(node, kOther, dice.fork());
    for (int harm = 0; harm < 10; ++harm) {
      node.world.run_for(dice.between(rt::Nanos(0), rt::Nanos(1500ms)));
      do_harm(node, dice);
      node.disk.heal();
      if (!node.life) node.start();
    }
    node.runner.faults.clear();
    node.world.run_for(50s);  // one may be silent
    check_whole(node);
  }
}

TEST_CASE("a spool that was replaced gets all of it anew") {
  BuildsNode node;
  node.start();
  add_ended_job(node);
  node.world.run_for(2s);
  node.replace_spool();
  node.start();
  node.world.run_for(2s);
  check_whole(node);
  CHECK(node.told.fact_count() == 2);
}

}  // namespace fieldpost::agent

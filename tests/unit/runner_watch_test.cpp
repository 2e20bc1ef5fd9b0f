// The connection on which the runner says that there is news.
#include "agent/builds/runner_watch.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <utility>

#include "tests/support/fakes/fake_runner.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_streams.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using sim::FakeRunner;
using Fault = FakeRunner::Fault;

const wire::JobId kJob{1, 2};

struct WatchBench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimStreams streams{loop};
  FakeRunner runner{streams, "/runner"};
  int news = 0;
  std::unique_ptr<RunnerWatch> watch =
      std::make_unique<RunnerWatch>(loop, streams, "/runner", [this] { news += 1; });
  /// What is told from here on.
  int take() { return std::exchange(news, 0); }
};

}  // namespace

TEST_CASE("news of the runner are told at once") {
  WatchBench bench;
  bench.runner.add_job(kJob);
  bench.watch->start();
  bench.world.run_for(1s);
  CHECK(bench.runner.watchers() == 1);
  CHECK(bench.take() > 0);
  bench.world.run_for(1h);
  CHECK(bench.take() == 0);
  bench.runner.add_log(kJob, "x");
  bench.world.run_for(1ms);
  CHECK(bench.take() == 1);
  bench.runner.add_fact(kJob, sim::step_fact(1));
  bench.world.run_for(1ms);
  CHECK(bench.take() == 1);
}

TEST_CASE("a watch that breaks is taken up again, and there may be news since") {
  WatchBench bench;
  bench.watch->start();
  bench.world.run_for(1s);
  bench.take();
  SUBCASE("the runner hangs up") {
    bench.runner.hang_up();
  }
  SUBCASE("the runner was away for long") {
    bench.runner.stop();
    bench.world.run_for(1h);
    CHECK(bench.take() == 0);
    bench.runner.start();
  }
  bench.world.run_for(RunnerWatch::kReconnectAfter + rt::Millis(10));
  CHECK(bench.take() > 0);
  CHECK(bench.runner.watchers() == 1);
}

TEST_CASE("a watch that the runner refuses is tried again with a pause") {
  WatchBench bench;
  bench.runner.fault = Fault::kHangsUp;
  bench.watch->start();
  bench.world.run_for(1min);
  const std::size_t tries = bench.runner.asked_to("watch").size();
  CHECK(tries > 20);
  CHECK(tries <= 31);
}

TEST_CASE("a watch that ended tells nothing") {
  WatchBench bench;
  bench.runner.add_job(kJob);
  bench.watch->start();
  bench.world.run_for(1s);
  bench.take();
  SUBCASE("connected") {}
  SUBCASE("not connected") {
    bench.runner.stop();
    bench.world.run_for(10ms);
    bench.runner.start();
  }
  bench.watch.reset();
  bench.runner.add_log(kJob, "x");
  bench.world.run_for(1min);
  CHECK(bench.take() == 0);
  CHECK(bench.runner.watchers() == 0);
}

}  // namespace fieldpost::agent

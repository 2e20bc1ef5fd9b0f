#include "agent/sources/exec.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_spawner.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using agent::Exec;

namespace {

struct Program {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  sim::SimSpawner spawner{loop};
  std::unique_ptr<Exec> source;

  void start(sim::SimProgram program, agent::ExecConfig config = {}) {
    spawner.install("prog", std::move(program));
    config.argv = {"prog", "-x"};
    source = std::make_unique<Exec>(agent::LinePorts{loop, clock, worker, intake}, spawner, config);
  }
  void start_printing(const std::string& text, agent::ExecConfig config = {}) {
    start({.steps = {{1ms, text, ""}}, .exit = {}}, std::move(config));
  }
};

}  // namespace

TEST_CASE("a program runs once each interval and its lines are readings") {
  Program program;
  program.start_printing("m,t=a v=1 5\nm v=2i 6", {.environment = {"K=V"}, .directory = "/d"});
  program.world.run_for(25s);
  CHECK(program.source->runs() == 3);
  CHECK(program.source->runs_failed() == 0);
  REQUIRE(program.spawner.spawned().size() == 3);
  CHECK(program.spawner.spawned()[0].argv == std::vector<std::string>{"prog", "-x"});
  CHECK(program.spawner.spawned()[0].environment == std::vector<std::string>{"K=V"});
  CHECK(program.spawner.spawned()[0].directory == "/d");
  CHECK(sim::readings_of(program.intake.sampled).size() == 6);
  CHECK(sim::readings_of(program.intake.sampled).at(1) == "m v i = 2i @6");
  CHECK(program.source->health().readings == 6);
  CHECK(program.source->health().name == "exec:prog");
}

TEST_CASE("a durable program's readings go to disk, and wait while the intake is busy") {
  Program program;
  program.intake.busy = true;
  program.start_printing("m v=1 5\n", {.durable = true});
  program.world.run_for(3s);
  CHECK(program.intake.durable.empty());
  program.intake.busy = false;
  program.world.run_for(1s);
  CHECK(sim::readings_of(program.intake.durable) == std::vector<std::string>{"m v f = 1 @5"});
  CHECK(program.intake.sampled.empty());
}

TEST_CASE("a refusal by the spool is counted") {
  Program program;
  program.intake.answer_at_once = false;
  program.start_printing("m v=1 5\n", {.durable = true});
  program.world.run_for(1s);
  program.intake.refuse({rt::Errc::kFull, "spool is full"});
  CHECK(program.source->health().last_error == "spool is full");
  CHECK(program.source->health().readings == 0);
}

TEST_CASE("what a failed run printed is not taken, and the failure is counted") {
  for (const bool durable : {false, true}) {
    INFO("durable ", durable);
    Program program;
    program.start(
        {.steps = {{1ms, "m v=1 5\n", "no such sensor\n"}}, .exit = {.code = 3, .signal = 0}},
        {.durable = durable});
    program.world.run_for(1s);
    CHECK(program.source->runs_failed() == 1);
    CHECK(program.source->health().errors == 1);
    CHECK(program.source->health().readings == 0);
    CHECK(program.source->health().last_error == "exit code 3: no such sensor");
    CHECK(program.intake.sampled.empty());
    CHECK(program.intake.durable.empty());
  }
}

TEST_CASE(
    "what a stream printed before it failed is taken, but not the line that it was printing") {
  Program program;
  program.start({.steps = {{1ms, "m v=1 5\nm v=12", "first\nno such sensor\n"}},
                 .exit = {.code = 3, .signal = 0}},
                {.stream = true});
  program.world.run_for(500ms);
  CHECK(program.source->runs_failed() == 1);
  CHECK(program.source->health().errors == 2);
  CHECK(sim::readings_of(program.intake.sampled) == std::vector<std::string>{"m v f = 1 @5"});
  CHECK(program.source->health().last_error == "ended in the middle of a line");
}

TEST_CASE("a run that prints more than is kept for its end is stopped") {
  Program program;
  std::string flood;
  while (flood.size() < Exec::kWaitingBytesMax / 4) flood += "m v=1 5\n";
  program.start({.steps = {{1ms, flood, ""},
                           {1ms, flood, ""},
                           {1ms, flood, ""},
                           {1ms, flood, ""},
                           {1ms, flood, ""}},
                 .exit = {}});
  program.world.run_for(3s);
  CHECK(program.source->runs_failed() == 1);
  CHECK(program.intake.sampled.empty());
}

TEST_CASE("the end of what a failed program said is its error") {
  Program program;
  program.start({.steps = {{1ms, "", std::string(5000, 'x') + "\nno such sensor\n"}},
                 .exit = {.code = 3, .signal = 0}});
  program.world.run_for(1s);
  CHECK(program.source->health().last_error == "exit code 3: no such sensor");
}

TEST_CASE("a program that hangs is ended and runs again at the next interval") {
  Program program;
  program.start({.steps = {{1ms, "m v=1 5\n", ""}}, .exit = {}, .hangs = true});
  program.world.run_for(9s);
  CHECK(program.source->runs_failed() == 1);
  CHECK(program.source->health().last_error == "did not end within 5 s");
  CHECK(program.intake.sampled.empty());
  program.world.run_for(10s);
  CHECK(program.source->runs() == 2);
}

TEST_CASE("a program that ignores SIGTERM is killed") {
  Program program;
  program.start({.steps = {}, .exit = {}, .hangs = true, .ignores_sigterm = true});
  program.world.run_for(5500ms);
  CHECK(program.source->runs_failed() == 0);
  program.world.run_for(2s);
  CHECK(program.source->runs_failed() == 1);
}

TEST_CASE("a run that takes longer than the interval skips the turns it missed") {
  Program program;
  program.start({.steps = {{2500ms, "m v=1 5\n", ""}}, .exit = {}}, {.every = 1s});
  program.world.run_for(5800ms);
  CHECK(program.source->runs() == 2);  // at 0 s and at 3 s
}

TEST_CASE("a program that cannot be started is an error, tried again at the next interval") {
  Program program;
  program.source = std::make_unique<Exec>(
      agent::LinePorts{program.loop, program.clock, program.worker, program.intake},
      program.spawner, agent::ExecConfig{.argv = {"nowhere"}});
  program.world.run_for(11s);
  CHECK(program.source->runs() == 2);
  CHECK(program.source->runs_failed() == 2);
  CHECK_FALSE(program.source->health().last_error.empty());
}

TEST_CASE("a streaming program is read as it prints and restarted with growing pauses") {
  Program program;
  program.start({.steps = {{1s, "m v=1 5\nm v", ""}, {1s, "=2 6\n", ""}}, .exit = {}},
                {.stream = true, .timeout = 1s});
  program.world.run_for(1500ms);
  CHECK(sim::readings_of(program.intake.sampled).size() == 1);
  program.world.run_for(1s);
  CHECK(sim::readings_of(program.intake.sampled).size() == 2);
  CHECK(program.source->runs() == 1);
  program.world.run_for(1s);  // restarted after 1 s
  CHECK(program.source->runs() == 2);
  program.world.run_for(3s);  // it ended at 5 s, the pause is 2 s now
  CHECK(program.source->runs() == 2);
  program.world.run_for(1s);
  CHECK(program.source->runs() == 3);
}

TEST_CASE("a program that prints faster than its lines are taken is stopped") {
  Program program;
  program.intake.busy = true;
  std::string flood;
  while (flood.size() < Exec::kWaitingBytesMax / 4) flood += "m v=1 5\n";
  program.start(
      {.steps =
           {{1s, flood, ""}, {1s, flood, ""}, {1s, flood, ""}, {1s, flood, ""}, {1s, flood, ""}},
       .exit = {}},
      {.stream = true, .durable = true});
  program.world.run_for(5500ms);
  CHECK(program.source->health().last_error ==
        "printed faster than its lines are taken: 4194304 bytes wait");
  CHECK(program.source->runs_failed() == 1);
}

TEST_CASE("bad and overlong lines of a program are counted") {
  Program program;
  program.start_printing("bad\nm v=1 5\n");
  program.world.run_for(1s);
  CHECK(program.source->health().errors == 1);
  CHECK(program.source->health().readings == 1);
  Program other;
  other.start({.steps = {{1ms, std::string(agent::LineFeed::kLineBytesMax + 1, 'x'), ""}},
               .exit = {},
               .hangs = true});
  other.world.run_for(1s);
  CHECK(other.source->health().last_error == "printed a line longer than 73728 bytes");
  CHECK(other.source->runs_failed() == 1);
}

TEST_CASE("a stopped source stops its program") {
  Program program;
  program.start({.steps = {{1s, "m v=1 5\n", ""}}, .exit = {}, .hangs = true});
  program.world.run_for(500ms);
  program.source.reset();
  program.world.run_for(60s);
  CHECK(program.intake.sampled.empty());
  CHECK(program.spawner.spawned().size() == 1);
}

TEST_CASE("a program runs as often as a hint for what it names says, until there is none") {
  Program program;
  program.start_printing("soil raw=1\n", {.sampling = {"soil", "air"}});
  program.world.run_for(3s);
  CHECK(program.source->runs() == 1);
  CHECK(program.source->obeys_hint_for("air"));
  CHECK_FALSE(program.source->obeys_hint_for("mem"));
  program.source->set_sampling({{{"soil", 2s}, {"air", 1s}, {"mem", 100ms}}});
  program.world.run_for(10'500ms);
  CHECK(program.source->runs() == 11);
  program.source->set_sampling({});
  program.world.run_for(600ms);
  CHECK(program.source->runs() == 12);  // it was armed already
  program.world.run_for(9s);
  CHECK(program.source->runs() == 12);
  program.world.run_for(1s);
  CHECK(program.source->runs() == 13);
}

TEST_CASE("a hint that comes while the program runs counts from the end of the run") {
  Program program;
  program.start({.steps = {{1500ms, "soil raw=1\n", ""}}, .exit = {}}, {.sampling = {"soil"}});
  program.world.run_for(1s);
  program.source->set_sampling({{{"soil", 1s}}});
  program.world.run_for(1100ms);
  CHECK(program.source->runs() == 2);  // the turn at one second was missed
}

TEST_CASE("a program that names nothing runs as configured, whatever the hints") {
  Program program;
  program.start_printing("soil raw=1\n");
  program.source->set_sampling({{{"soil", 100ms}}});
  program.world.run_for(9s);
  CHECK(program.source->runs() == 1);
}

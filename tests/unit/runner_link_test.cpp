// Questions to the runner: one answer each, whatever the other end of the socket does.
#include "agent/builds/runner_link.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/fakes/fake_runner.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_streams.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using rt::Errc;
using sim::FakeRunner;
using Fault = FakeRunner::Fault;

const std::string kHello = R"({"do":"hello"})";
const wire::JobId kJob{1, 2};

struct Bench {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimStreams streams{loop};
  FakeRunner runner{streams, "/runner"};
  std::unique_ptr<RunnerLink> link = std::make_unique<RunnerLink>(loop, streams, "/runner");
  std::vector<rt::Result<RunnerReply>> replies;

  void ask(const std::string& question = kHello) {
    link->ask(question, [this](const rt::Result<RunnerReply>& reply) { replies.push_back(reply); });
  }
  /// The one answer so far: "ok", or its error.
  [[nodiscard]] std::string said() const {
    if (replies.size() != 1) return std::to_string(replies.size()) + " answers";
    return replies[0] ? "ok" : replies[0].error().message;
  }
  [[nodiscard]] Errc code() const { return replies.at(0).error().code; }
};

std::string log_question(std::size_t from, std::size_t most) {
  return nlohmann::json{{"do", "log"}, {"job", kJob.hex()}, {"from", from}, {"most", most}}.dump();
}

}  // namespace

TEST_CASE("the runner says what it has") {
  Bench bench;
  bench.runner.add_job(kJob, 3);
  bench.runner.add_fact(kJob, sim::step_fact(1));
  bench.runner.add_log(kJob, "hello\n");
  bench.ask();
  CHECK(bench.replies.empty());
  bench.world.run_for(1s);
  REQUIRE(bench.said() == "ok");
  const RunnerReply& reply = *bench.replies[0];
  CHECK(reply.slots == 2);
  REQUIRE(reply.jobs.has_value());
  CHECK(*reply.jobs == std::vector<RunnerJob>{{{kJob, 3}, 1, 6}});
}

TEST_CASE("facts come as they were written, with their types") {
  Bench bench;
  bench.runner.add_job(kJob);
  bench.runner.add_fact(kJob, R"({"type":"step_ended","a":1,"Z":2})");
  bench.ask(nlohmann::json{{"do", "facts"}, {"job", kJob.hex()}, {"from", 0}}.dump());
  bench.world.run_for(1s);
  REQUIRE(bench.said() == "ok");
  CHECK(bench.replies[0]->facts ==
        std::vector<RunnerFact>{{"step_ended", R"({"type":"step_ended","a":1,"Z":2})"}});
  CHECK_FALSE(bench.replies[0]->jobs.has_value());
}

TEST_CASE("bytes behind a line come whole, whatever is in them") {
  Bench bench;
  std::string log = "a\nb\r\n{\"error\":\"none\"}\n";
  log += std::string("\0\xff", 2) + std::string(500'000, '\n');
  bench.runner.add_job(kJob);
  bench.runner.add_log(kJob, log);
  bench.ask(log_question(0, log.size()));
  bench.ask(log_question(2, 3));
  bench.ask(log_question(log.size(), 100));
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 3);
  const bool same = bench.replies[0]->bytes == log;
  CHECK(same);
  CHECK(bench.replies[1]->bytes == "b\r\n");
  CHECK(bench.replies[2]->bytes.empty());
}

TEST_CASE("questions are answered in their order, over one connection") {
  Bench bench;
  bench.runner.add_job(kJob);
  bench.runner.add_log(kJob, "0123456789");
  for (std::size_t i = 0; i < 10; ++i) bench.ask(log_question(i, 1));
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    INFO("question ", i);
    CHECK(bench.replies[i]->bytes == std::to_string(i));
  }
  CHECK(bench.runner.clients() == 1);
}

TEST_CASE("a runner that is not there is told, and asked when it is there") {
  Bench bench;
  bench.runner.stop();
  SUBCASE("its socket went with it") {}
  SUBCASE("its socket was left behind") {
    bench.streams.leave_behind("/runner");
  }
  bench.ask();
  CHECK(bench.replies.empty());
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 1);
  CHECK(bench.code() == Errc::kUnavailable);
  CHECK(bench.said().starts_with("connecting to /runner: "));
  bench.runner.start();
  bench.ask();
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 2);
  CHECK(bench.replies[1].has_value());
}

TEST_CASE("an answer that does not come as it should is an error, and the next one is right") {
  struct Case {
    Fault fault;
    Errc code;
    std::string message;
  };
  const std::string not_understood = "the runner's answer is not understood: ";
  for (const Case& each :
       {Case{Fault::kHangsUp, Errc::kUnavailable, "the runner hung up"},
        Case{Fault::kHalf, Errc::kUnavailable, "the runner hung up"},
        Case{Fault::kGarbage, Errc::kCorrupt, not_understood + "expected a JSON object"},
        Case{Fault::kEndless, Errc::kCorrupt, "the runner's answer has no end"},
        Case{Fault::kSaysMore, Errc::kCorrupt, "the runner says more than it was asked"},
        Case{Fault::kRefuses, Errc::kInvalid, "it does not want to"}}) {
    INFO(each.message);
    Bench bench;
    bench.runner.faults = {each.fault};
    bench.ask();
    bench.ask();
    bench.world.run_for(1s);
    REQUIRE(bench.replies.size() == 2);
    REQUIRE_FALSE(bench.replies[0].has_value());
    CHECK(bench.code() == each.code);
    CHECK(bench.replies[0].error().message == each.message);
    CHECK(bench.replies[1].has_value());
  }
}

TEST_CASE("a silent runner is waited for so long, and then asked anew") {
  Bench bench;
  bench.runner.faults = {Fault::kSilent};
  bench.ask();
  bench.ask();
  bench.world.run_for(RunnerLink::kSilentMax - 1ms);
  CHECK(bench.replies.empty());
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 2);
  CHECK(bench.code() == Errc::kUnavailable);
  CHECK(bench.replies[0].error().message == "the runner says nothing");
  CHECK(bench.replies[1].has_value());
}

TEST_CASE("what stands behind an error is not the next question's answer") {
  Bench bench;
  bench.runner.says["cancel"] = "{\"error\":\"no\"}\n{\"slots\":77}";
  bench.ask(R"({"do":"cancel"})");
  bench.ask();
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 2);
  CHECK(bench.code() == Errc::kCorrupt);
  REQUIRE(bench.replies[1].has_value());
  CHECK(bench.replies[1]->slots == 2);
}

TEST_CASE("a runner that speaks unasked, or hangs up meanwhile, costs the next question nothing") {
  Bench bench;
  bench.ask();
  bench.world.run_for(1s);
  bench.replies.clear();
  SUBCASE("it speaks") {
    bench.runner.say_bytes("{\"slots\":77}\n");
    bench.world.run_for(1s);
  }
  SUBCASE("it hangs up") {
    bench.runner.hang_up();
    bench.world.run_for(1s);
  }
  SUBCASE("it starts anew") {
    bench.runner.stop();
    bench.runner.start();
    bench.world.run_for(1s);
  }
  bench.ask();
  bench.world.run_for(1s);
  REQUIRE(bench.said() == "ok");
  CHECK(bench.replies[0]->slots == 2);
}

TEST_CASE("a question at the very moment at which the runner hangs up is answered soon") {
  for (int steps = 0; steps < 6; ++steps) {
    INFO("after so many steps: ", steps);
    Bench bench;
    bench.ask();
    bench.world.run_for(1s);
    bench.replies.clear();
    bench.runner.hang_up();
    for (int i = 0; i < steps; ++i) bench.world.step();
    bench.ask();
    bench.world.run_for(1s);
    REQUIRE(bench.replies.size() == 1);
    CHECK((bench.replies[0].has_value() || bench.code() == Errc::kUnavailable));
  }
}

TEST_CASE("codes of the runner say what can be done") {
  const auto code_of = [](const std::string& code) {
    Bench bench;
    bench.runner.says["hello"] = R"({"error":"why","code":")" + code + "\"}";
    bench.ask();
    bench.world.run_for(1s);
    CHECK(bench.said() == "why");
    return bench.code();
  };
  CHECK(code_of("busy") == Errc::kBusy);
  CHECK(code_of("unavailable") == Errc::kUnavailable);
  CHECK(code_of("not_found") == Errc::kNotFound);
  CHECK(code_of("full") == Errc::kFull);
  CHECK(code_of("io") == Errc::kIo);
  CHECK(code_of("denied") == Errc::kInvalid);
  CHECK(code_of("corrupt") == Errc::kInvalid);
  CHECK(code_of("") == Errc::kInvalid);
}

TEST_CASE("so many questions wait at most") {
  Bench bench;
  bench.runner.fault = Fault::kSilent;
  for (std::size_t i = 0; i < RunnerLink::kQuestionsMax + 1; ++i) bench.ask();
  CHECK(bench.replies.empty());
  bench.world.run_for(1s);
  REQUIRE(bench.replies.size() == 1);
  CHECK(bench.code() == Errc::kBusy);
}

TEST_CASE("a question that is open when the agent ends is not answered any more") {
  for (const Fault fault : {Fault::kNone, Fault::kHangsUp, Fault::kGarbage, Fault::kSilent}) {
    for (int steps = 0; steps < 8; ++steps) {
      INFO("after so many steps: ", steps);
      Bench bench;
      bench.runner.fault = fault;
      bench.ask();
      for (int i = 0; i < steps && bench.replies.empty(); ++i) bench.world.step();
      const std::size_t before = bench.replies.size();
      bench.link.reset();
      bench.world.run_for(1min);
      CHECK(bench.replies.size() == before);
    }
  }
}

TEST_CASE("who is answered may ask again, or be the end of it") {
  Bench bench;
  SUBCASE("asks again") {
    bench.link->ask(kHello, [&](const auto&) { bench.ask(); });
    bench.world.run_for(1s);
    CHECK(bench.said() == "ok");
  }
  SUBCASE("asks again what fails") {
    bench.runner.stop();
    bench.link->ask(kHello, [&](const auto&) { bench.ask(); });
    bench.world.run_for(1s);
    REQUIRE(bench.replies.size() == 1);
    CHECK(bench.code() == Errc::kUnavailable);
  }
}

}  // namespace fieldpost::agent

// Commands about jobs, from the inbox to the runner and back.
#include "agent/builds/build_verbs.h"

#include <doctest/doctest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "tests/support/builds_node.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using test::BuildsNode;
using Fault = sim::FakeRunner::Fault;

const wire::JobId kJob{1, 2};
const std::string kAdvice = "; check that fieldpost-runner runs on that node";
using Outcomes = std::vector<std::string>;

std::string spec(std::uint64_t fence = 1) {
  return json{{"job", kJob.hex()},
              {"fence", fence},
              {"name", "té\nst"},
              {"steps", json::array({{{"run", "make\nmake test"}}})}}
      .dump(2);
}

std::string cancel(std::uint64_t fence = 1) {
  return json{{"job", kJob.hex()}, {"fence", fence}, {"why", "newer"}}.dump();
}

std::string forget(std::uint64_t fence = 1) {
  return json{{"job", kJob.hex()}, {"fence", fence}, {"keep", json::array({"abc"})}}.dump();
}

/// A node that runs, and whose runner does.
struct Node : BuildsNode {
  Node() {
    start();
    world.run_for(1s);
  }
  Outcomes run(std::uint64_t id, const std::string& verb, const std::string& arguments) {
    command(id, verb, arguments);
    world.run_for(1s);
    return outcomes;
  }
};

}  // namespace

TEST_CASE("a job is with the runner when its command is answered, and its first fact follows") {
  Node node;
  node.command(7, "build", spec());
  node.world.run_for(100ms);
  CHECK(node.outcomes == Outcomes{"7 yes: "});
  const auto asked = node.runner.asked_to("start");
  REQUIRE(asked.size() == 1);
  CHECK(asked[0] == json{{"do", "start"}, {"spec", json::parse(spec())}});
  CHECK(node.told.fact_count() == 1);
  CHECK(node.progress().at(kJob) == JobProgress{1, 1, 0, false, false});
}

TEST_CASE("a job that says nothing yet is noted before its command is answered") {
  Node node;
  node.runner.says["start"] = R"({"ok":true})";
  node.runner.add_job(kJob, 3);
  CHECK(node.run(7, "build", spec(3)) == Outcomes{"7 yes: "});
  CHECK(node.progress().at(kJob) == JobProgress{3, 0, 0, false, false});
  CHECK(node.told.fact_count() == 0);
}

TEST_CASE("the same attempt again does nothing, and another one is refused [build-1]") {
  Node node;
  node.run(7, "build", spec());
  CHECK(node.run(8, "build", spec()) == Outcomes{"7 yes: ", "8 yes: "});
  CHECK(node.runner.jobs.at(kJob).facts.size() == 1);
  CHECK(node.run(9, "build", spec(2)).back() == "9 no: it is here with another fence");
  CHECK(node.progress().at(kJob).fence == 1);
}

TEST_CASE("what is no order is answered at once, and no runner hears of it") {
  Node node;
  const std::string job = R"("job":")" + kJob.hex() + "\"";
  const auto said = [&node](const std::string& verb, const std::string& arguments) {
    node.outcomes.clear();
    node.runner.asked.clear();
    node.runner.stop();
    static std::uint64_t id = 100;
    const Outcomes outcomes = node.run(++id, verb, arguments);
    REQUIRE(outcomes.size() == 1);
    CHECK(node.runner.asked.empty());
    return outcomes[0].substr(4);
  };
  const std::string no_spec = "no: expected a JobSpec of at most 128 KiB with job and fence";
  for (const std::string& text :
       {std::string(), std::string("7"), std::string("{}"), "{" + job + "}",
        "{" + job + R"(,"fence":0})", "{" + job + R"(,"fence":-1})", "{" + job + R"(,"fence":"1"})",
        std::string(R"({"job":"x","fence":1})"), std::string(R"({"job":7,"fence":1})"),
        std::string(R"({"job":"00000000000000000000000000000000","fence":1})"),
        "{" + job + R"(,"fence":1,"x":)" + std::string(100, '[') + std::string(100, ']') + "}",
        "{" + job + R"(,"fence":1,"x":")" + std::string(wire::kJobSpecBytesMax, 'x') + "\"}"}) {
    INFO(text.substr(0, 100));
    CHECK(said("build", text) == no_spec);
  }
  for (const std::string& text :
       {std::string("{}"), "{" + job + R"(,"fence":1})", "{" + job + R"(,"fence":1,"why":7})"}) {
    INFO(text);
    CHECK(said("build_cancel", text) == R"(no: expected {"job": HEX, "fence": N, "why": TEXT})");
  }
  for (const std::string& text :
       {std::string("{}"), "{" + job + R"(,"fence":1})", "{" + job + R"(,"fence":1,"keep":"a"})",
        "{" + job + R"(,"fence":1,"keep":[7]})"}) {
    INFO(text);
    CHECK(said("build_forget", text) ==
          R"(no: expected {"job": HEX, "fence": N, "keep": [SHA-256, ...]})");
  }
}

TEST_CASE("a job is cancelled with why, and one that nobody knows is not") {
  Node node;
  node.run(7, "build", spec());
  CHECK(node.run(8, "build_cancel", cancel()).back() == "8 yes: ");
  CHECK(node.runner.jobs.at(kJob).cancelled == "newer");
  CHECK(node.run(9, "build_cancel", cancel(2)).back() == "9 no: it is here with another fence");
  node.runner.jobs.clear();
  CHECK(node.run(10, "build_cancel", cancel()).back() == "10 no: there is no job " + kJob.hex());
}

TEST_CASE("a job is forgotten when it has ended, and until then it is tried") {
  Node node;
  node.run(7, "build", spec());
  node.command(8, "build_forget", forget());
  node.world.run_for(1min);
  CHECK(node.outcomes.size() == 1);
  node.runner.end(kJob);
  node.world.run_for(BuildVerbs::kRetryEvery + rt::Seconds(1));
  CHECK(node.outcomes.back() == "8 yes: ");
  CHECK(node.runner.jobs.empty());
  CHECK(node.progress().empty());
  CHECK(node.run(9, "build_forget", forget()).back() == "9 yes: ");
}

TEST_CASE("a job that does not end is not forgotten for ever") {
  Node node;
  node.run(7, "build", spec());
  node.command(8, "build_forget", forget());
  node.world.run_for(BuildVerbs::kRunnerAbsentMax + rt::Seconds(5));
  CHECK(node.outcomes.back() == "8 no: it has not ended");
  CHECK(node.runner.jobs.contains(kJob));
}

TEST_CASE("a runner that is away is waited for") {
  Node node;
  node.runner.stop();
  node.command(7, "build", spec());
  node.world.run_for(BuildVerbs::kRunnerAbsentMax - rt::Seconds(5));
  CHECK(node.outcomes.empty());
  SUBCASE("it comes") {
    node.runner.start();
    node.world.run_for(3s);
    CHECK(node.outcomes == Outcomes{"7 yes: "});
  }
  SUBCASE("it does not come") {
    node.world.run_for(10s);
    CHECK(node.outcomes == Outcomes{"7 no: connecting to /runner: no such file" + kAdvice});
    node.runner.start();
    node.world.run_for(1h);
    CHECK(node.runner.jobs.empty());
    CHECK(node.outcomes.size() == 1);
  }
}

TEST_CASE("a runner that is not understood may have heard, and is asked again") {
  for (const Fault fault : {Fault::kHangsUp, Fault::kHalf, Fault::kGarbage, Fault::kEndless,
                            Fault::kSaysMore, Fault::kSilent}) {
    Node node;
    node.runner.fault_of = "start";
    node.runner.faults = {fault};
    node.command(7, "build", spec());
    node.world.run_for(35s);
    CHECK(node.outcomes == Outcomes{"7 yes: "});
    CHECK(node.runner.asked_to("start").size() == 2);
    CHECK(node.runner.jobs.at(kJob).facts.size() == 1);
  }
}

TEST_CASE("a runner that has no slot is asked again, and then it is told") {
  Node node;
  node.runner.is_busy = true;
  node.command(7, "build", spec());
  node.world.run_for(1min);
  CHECK(node.outcomes.empty());
  SUBCASE("it has one") {
    node.runner.is_busy = false;
    node.world.run_for(3s);
    CHECK(node.outcomes == Outcomes{"7 yes: "});
  }
  SUBCASE("it has none") {
    node.world.run_for(65s);
    CHECK(node.outcomes == Outcomes{"7 no: all slots are taken"});
  }
}

TEST_CASE("an answer is no longer than an event should be") {
  Node node;
  node.runner.says["start"] = json{{"error", std::string(60'000, 'e')}}.dump();
  CHECK(node.run(7, "build", spec())[0].size() == 6 + BuildVerbs::kDetailBytesMax);
}

TEST_CASE("what a former life was told is told to the runner, and it is done once") {
  Node node;
  SUBCASE("the runner had not heard") {
    node.runner.stop();
    node.command(7, "build", spec());
    node.world.run_for(10s);
    node.kill();
    node.runner.start();
  }
  SUBCASE("the runner had begun") {
    node.runner.fault_of = "start";
    node.runner.faults = {Fault::kSilent};
    node.command(7, "build", spec());
    node.world.run_for(1s);
    node.kill();
    node.runner.add_job(kJob);
    node.runner.add_fact(kJob, R"({"type":"started","time_ns":1000})");
  }
  node.start();
  node.world.run_for(3s);
  CHECK(node.outcomes == Outcomes{"7 yes: "});
  CHECK(node.runner.jobs.at(kJob).facts.size() == 1);
  node.kill();
  node.start();
  node.world.run_for(3s);
  CHECK(node.stored_outcomes() == Outcomes{"7 yes: "});
}

TEST_CASE("an agent that ends at any step is told once what came of it") {
  for (int steps = 0; steps < 40; ++steps) {
    INFO("after so many steps: ", steps);
    Node node;
    node.command(7, "build", spec());
    for (int i = 0; i < steps; ++i) node.world.step();
    node.kill();
    node.start();
    node.world.run_for(5s);
    const auto outcomes = node.stored_outcomes();
    // Before it was written down it is as if it had not come.
    CHECK(outcomes.size() <= 1);
    CHECK(outcomes.size() == node.runner.jobs.size());
    if (!outcomes.empty()) CHECK(outcomes[0] == "7 yes: ");
    CHECK(node.stored().fact_count() == node.runner.jobs.size());
  }
}

TEST_CASE("of many orders those beyond the bound are answered at once, and none of a former life") {
  Node node;
  node.runner.stop();
  for (std::uint64_t id = 1; id <= BuildVerbs::kOrdersMax; ++id) {
    node.command(id, "build_cancel", cancel());
  }
  node.world.run_for(1s);
  CHECK(node.outcomes.empty());
  CHECK(node.run(100, "build_cancel", cancel()) ==
        Outcomes{"100 no: 64 orders wait already; ask again"});
  node.kill();
  node.start();
  node.runner.start();
  node.runner.add_job(kJob);
  node.world.run_for(5s);
  CHECK(node.outcomes.size() == 1 + BuildVerbs::kOrdersMax);
  for (std::size_t i = 1; i < node.outcomes.size(); ++i) {
    CHECK(node.outcomes[i].ends_with(" yes: "));
  }
}

}  // namespace fieldpost::agent

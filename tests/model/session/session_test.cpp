#include "tests/model/explore.h"
#include "tests/model/session/scenarios.h"

namespace fieldpost::model::session {
namespace {

constexpr std::size_t kStatesMax = 3'000'000;

const Scenario& scenario_of(const std::string& name) {
  for (const Scenario& scenario : scenarios())
    if (scenario.name == name) return scenario;
  FAIL("no scenario is called " << name);
  return scenarios().front();
}

void check_scenarios(std::size_t part, std::size_t parts) {
  for (std::size_t i = part; i < scenarios().size(); i += parts) {
    const Scenario& scenario = scenarios()[i];
    World world(scenario, Rules{});
    const Outcome outcome = Search<World>(world, kStatesMax).run();
    std::printf("%-34s %8zu states\n", scenario.name, outcome.states);
    INFO(scenario.name << joined(outcome.trace));
    CHECK(outcome.violation == "");
    CHECK(outcome.complete);
    CHECK(world.out_of_bounds() == 0);
  }
}

TEST_CASE("no interleaving breaks the promise: first half of the scenarios") {
  check_scenarios(0, 2);
}

TEST_CASE("no interleaving breaks the promise: second half of the scenarios") {
  check_scenarios(1, 2);
}

TEST_CASE("each rule of a session is needed") {
  for (const Need& need : needs()) {
    Rules rules;
    rules.*need.without = false;
    World world(scenario_of(need.scenario), rules);
    const Outcome outcome = Search<World>(world, kStatesMax).run();
    std::printf("without %-18s %2zu steps, %6zu states: %s\n", need.rule, outcome.trace.size(),
                outcome.states, outcome.violation.c_str());
    INFO("without " << need.rule << joined(outcome.trace));
    CHECK(outcome.violation == need.broken);
    CHECK(outcome.trace.size() == need.steps);
  }
}

TEST_CASE("the generation in a receipt says nothing that its nonce does not") {
  Rules rules;
  rules.rcpt_1_generation = false;
  for (const char* name : {"both crash", "store set back", "replay, store set back"}) {
    World world(scenario_of(name), rules);
    INFO(name);
    CHECK(Search<World>(world, kStatesMax).run().complete);
  }
}

}  // namespace
}  // namespace fieldpost::model::session

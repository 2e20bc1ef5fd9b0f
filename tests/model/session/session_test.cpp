#include <array>
#include <cstring>

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

TEST_CASE("every rule with a switch is shown to be needed, or to be kept for another reason") {
  Rules rules;
  for (const Need& need : needs()) rules.*need.without = false;
  for (const Spare& spare : spares()) rules.*spare.without = false;
  constexpr std::array<bool, sizeof(Rules)> kAllOff{};
  CHECK(std::memcmp(&rules, kAllOff.data(), sizeof rules) == 0);
}

TEST_CASE("the rules that are kept for another reason than safety break nothing when off") {
  for (const Spare& spare : spares()) {
    Rules rules;
    rules.*spare.without = false;
    for (const char* name : spare.scenarios) {
      World world(scenario_of(name), rules);
      const Outcome outcome = Search<World>(world, kStatesMax).run();
      INFO("without " << spare.rule << " in " << name << joined(outcome.trace));
      CHECK(outcome.complete);
    }
  }
}

}  // namespace
}  // namespace fieldpost::model::session

#include "tests/model/session/world.h"

#include "tests/model/session/calm.h"
#include "tests/model/session/properties.h"

namespace fieldpost::model::session {

constexpr int kAlternationsMax = 3;

World::World(const Scenario& scenario, const Rules& rules) : scenario_(scenario) {
  protocol_.rules = rules;
  protocol_.buffered = scenario.buffered;
  manner_.quick_sessions = scenario.quick_sessions;
  manner_.swap = scenario.swap;
}

State World::start() const {
  State s{};
  for (Node& node : s.nodes) node.newest = node.live = kNone;
  s.nodes[0].exists = 1;
  s.store.last_live = kNone;
  for (const auto& [budget, count] : scenario_.budget)
    s.budget[budget] = static_cast<std::uint8_t>(count);
  return s;
}

const char* World::broken(const State& state) {
  if (state.alternations > kAlternationsMax) return "two machines are welcomed for ever";
  for (const Late late : {Late::kArrives, Late::kLost}) {
    State end = state;
    protocol_.full = false;
    calm(protocol_, end, late);
    if (const char* what = broken_after_calm(protocol_, end)) return what;
    if (state.net[0].kind == kNothing) break;
  }
  return nullptr;
}

std::string World::step_text(const State& state, std::uint32_t index) {
  list_steps(protocol_, state, steps_);
  return describe(protocol_, state, steps_[index]);
}

}  // namespace fieldpost::model::session

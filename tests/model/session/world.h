// A scenario to be searched: rules, budgets, bounds.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tests/model/session/steps.h"

namespace fieldpost::model::session {

struct Scenario {
  const char* name;
  std::vector<std::pair<Budget, int>> budget;
  bool quick_sessions = false;
  bool buffered = false;
  bool swap = false;
};

class World {
 public:
  using State = session::State;

  World(const Scenario& scenario, const Rules& rules);

  State start() const;
  const char* broken(const State& state);
  std::string step_text(const State& state, std::uint32_t index);

  template <class On>
  void each_step(const State& state, On&& on) {
    list_steps(protocol_, state, steps_);
    for (const Step& step : steps_) {
      State next = state;
      protocol_.full = false;
      take_step(protocol_, next, step, manner_);
      out_of_bounds_ += protocol_.full ? 1 : 0;
      on(protocol_.full ? state : next);
    }
  }

  /// Steps that were left out because a state has no room for them.
  std::size_t out_of_bounds() const { return out_of_bounds_; }

 private:
  const Scenario& scenario_;
  Protocol protocol_;
  Manner manner_;
  std::vector<Step> steps_;
  std::size_t out_of_bounds_ = 0;
};

}  // namespace fieldpost::model::session

// The two questions that every model is asked.
#pragma once

#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "tests/model/search.h"

namespace fieldpost::model {

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

template <class World>
void check_holds(World world, const char* name, std::size_t states_max) {
  const Outcome outcome = Search<World>(world, states_max).run();
  std::printf("%-34s %8zu states\n", name, outcome.states);
  INFO(std::string(name) << joined(outcome.trace));
  CHECK(outcome.violation == "");
  CHECK(outcome.complete);
}

template <class World>
void check_needed(World world, const char* rule, const char* broken, std::size_t steps,
                  std::size_t states_max) {
  const Outcome outcome = Search<World>(world, states_max).run();
  std::printf("without %-22s %2zu steps, %6zu states: %s\n", rule, outcome.trace.size(),
              outcome.states, outcome.violation.c_str());
  INFO("without " << std::string(rule) << joined(outcome.trace));
  CHECK(outcome.violation == std::string(broken));
  CHECK(outcome.trace.size() == steps);
}

}  // namespace fieldpost::model

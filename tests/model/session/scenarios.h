// The table of scenarios, and of the rules that they show to be needed.
#pragma once

#include <vector>

#include "tests/model/session/rules.h"
#include "tests/model/session/world.h"

namespace fieldpost::model::session {

const std::vector<Scenario>& scenarios();

/// Without `rule`, `scenario` breaks a property in `steps` steps, and no shorter way is there.
struct Need {
  const char* rule;
  bool Rules::*without;
  const char* scenario;
  const char* broken;
  std::size_t steps;
};

const std::vector<Need>& needs();

/// A rule that is kept for another reason than safety: without it nothing breaks in these.
struct Spare {
  const char* rule;
  bool Rules::*without;
  std::vector<const char*> scenarios;
};

const std::vector<Spare>& spares();

}  // namespace fieldpost::model::session

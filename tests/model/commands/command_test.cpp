#include "tests/model/commands/command_world.h"
#include "tests/model/explore.h"

namespace fieldpost::model::commands {
namespace {

constexpr std::size_t kStatesMax = 12'000'000;

void needs(bool Rules::*rule, const char* name, const char* broken, std::size_t steps) {
  Rules rules;
  rules.*rule = false;
  check_needed(World(rules), name, broken, steps, kStatesMax);
}

TEST_CASE("a command is acted on at most once and its outcome is told") {
  check_holds(World(Rules{}), "commands", kStatesMax);
}

TEST_CASE("each rule of commands is needed") {
  constexpr const char* kMixedUp = "an outcome is taken for another command's";
  needs(&Rules::past_the_clock, "cmd-1", kMixedUp, 6);
  needs(&Rules::session, "cmd-4", "acted on twice", 7);
  needs(&Rules::inbox_first, "cmd-2 inbox", "acted on twice", 7);
  needs(&Rules::interrupted, "cmd-2 interrupted", "a command is never answered", 7);
  needs(&Rules::same_id, "cmd-2 own id", "acted on twice", 4);
  needs(&Rules::known_id, "cmd-2 once", "acted on twice", 4);
  needs(&Rules::expiry, "cmd-3", "acted on after its expiry", 2);
  needs(&Rules::closed, "cmd-5", "acted on twice", 6);
  needs(&Rules::restart_closes, "cmd-5 restart", "acted on twice", 6);
}

}  // namespace
}  // namespace fieldpost::model::commands

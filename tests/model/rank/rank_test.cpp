#include "tests/model/explore.h"
#include "tests/model/rank/rank_world.h"

namespace fieldpost::model::rank {
namespace {

constexpr std::size_t kStatesMax = 8'000'000;
constexpr const char* kBroken = "an older reading wins";

void needs(bool Rules::*rule, const char* name, std::size_t steps) {
  Rules rules;
  rules.*rule = false;
  check_needed(World(rules), name, kBroken, steps, kStatesMax);
}

TEST_CASE("for one series and time the reading accepted last wins, however it arrives") {
  check_holds(World(Rules{}), "rank", kStatesMax);
}

TEST_CASE("each rule of the rank is needed") {
  needs(&Rules::rank_decides, "name-6 rank", 5);
  needs(&Rules::first_name, "name-6 first name", 4);
  needs(&Rules::parents_first, "name-5 parents", 4);
  needs(&Rules::node_repeats, "name-5 node repeats", 7);
  needs(&Rules::past_the_clock, "name-5 clock", 8);
  needs(&Rules::store_repeats, "name-5 store repeats", 5);
  needs(&Rules::http_draws, "name-7", 6);
  needs(&Rules::ordinal_known, "wel-6 ordinal", 5);
}

}  // namespace
}  // namespace fieldpost::model::rank

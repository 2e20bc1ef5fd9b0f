#include "tests/model/credit/bodies_world.h"
#include "tests/model/credit/credit_world.h"
#include "tests/model/explore.h"

namespace fieldpost::model::credit {
namespace {

constexpr std::size_t kStatesMax = 4'000'000;

void needs(bool Rules::*rule, const char* name, const char* broken, std::size_t steps) {
  Rules rules;
  rules.*rule = false;
  check_needed(World(rules), name, broken, steps, kStatesMax);
}

void needs(bool BodyRules::*rule, const char* name, const char* broken, std::size_t steps) {
  BodyRules rules;
  rules.*rule = false;
  check_needed(BodyWorld(rules), name, broken, steps, kStatesMax);
}

TEST_CASE("everyone who has something to send gets credit, and no more than the pool") {
  check_holds(World(Rules{}), "credit", kStatesMax);
}

TEST_CASE("each rule of credit is needed") {
  needs(&Rules::ends_with_session, "credit-1 session", "a node starves", 0);
  needs(&Rules::ends_with_silence, "credit-1 silence", "a node starves", 2);
  needs(&Rules::event_apart, "credit-1 event", "a gap cannot leave", 3);
  needs(&Rules::within_pool, "credit-2", "more is granted than the pool has", 2);
  needs(&Rules::given_back, "credit-3", "a node starves", 0);
}

TEST_CASE("every body that was begun ends, and no more are begun than the cap allows") {
  check_holds(BodyWorld(BodyRules{}), "bodies", kStatesMax);
}

TEST_CASE("each rule of bodies is needed") {
  needs(&BodyRules::begun_goes_on, "body-2 begun", "a body never ends", 0);
  needs(&BodyRules::new_waits, "body-2 new", "more bodies are begun than the cap allows", 6);
  needs(&BodyRules::credit_back, "body-3", "a body never ends", 2);
}

}  // namespace
}  // namespace fieldpost::model::credit

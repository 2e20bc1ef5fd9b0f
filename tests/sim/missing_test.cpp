// A store that was set back gets again what it lost, also when one welcome cannot ask for all of
// it.
#include <doctest/doctest.h>

#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;

constexpr int kLives = 5;
constexpr int kReadingsALife = 4;

/// A node that delivered something in each of its lives, to a store that then lost it.
struct MissingWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  Dice dice = world.dice("test");
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};

  MissingWorld() {
    site.set_store({.welcome_entries_max = 1});
    site.start();
    node.start();
    REQUIRE(world.run_until([this] { return node.idle(); }, minutes(2)));
    site.save();
    for (int life = 0; life < kLives; ++life) {
      node.kill();
      node.start();
      node.feed(true, kReadingsALife, 0, 1, dice);
      world.run_for(rt::Seconds(1));
      REQUIRE(world.run_until([this] { return node.idle(); }, minutes(2)));
    }
    site.set_back();
  }
};

}  // namespace

TEST_CASE("what is missing and did not fit into one welcome is asked for in the next ones") {
  MissingWorld w;
  w.world.run_for(minutes(30));  // a node waits ever longer for receipts
  CHECK(w.node.idle());
  CHECK(w.site.number("SELECT delivered FROM node") == kLives * kReadingsALife);
}

}  // namespace fieldpost::sim

// Connections to the broker: of a coordinator whose store is slow or fails, of a node whose clock
// is wrong.
#include <doctest/doctest.h>

#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const std::string kCoordinator = "fp-lab-_coordinator";

struct ConnectionWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};

  ConnectionWorld() {
    site.start();
    node.start();
    REQUIRE(is_up_again());
    site.slow_store({.job_most = seconds(5), .done_most = seconds(1)});
  }
  bool is_up_again() {
    return world.run_until([this] { return node.uplink()->is_up(); }, minutes(30));
  }
  /// The connection goes as soon as there is one: the store is still at work for it.
  void break_early(int times) {
    for (int i = 0; i < times; ++i) {
      broker.break_connection(kCoordinator);
      REQUIRE(world.run_until([this] { return !broker.connected(kCoordinator); }, minutes(5)));
      REQUIRE(world.run_until([this] { return broker.connected(kCoordinator); }, minutes(5)));
      world.run_for(rt::Millis(500));
    }
    broker.break_connection(kCoordinator);
  }
};

}  // namespace

TEST_CASE("a connection that ends before its generation is drawn leaves nothing behind") {
  ConnectionWorld w;
  SUBCASE("the store cannot be written meanwhile") {
    w.site.disk().fail({.for_ever = true});
  }
  SUBCASE("the store is only slow") {}
  w.break_early(20);
  w.world.run_for(seconds(30));
  w.site.disk().heal();
  w.site.slow_store({});
  CHECK(w.is_up_again());
}

TEST_CASE("a coordinator that is stopped before its generation is drawn is never there") {
  ConnectionWorld w;
  w.break_early(1);
  REQUIRE(w.world.run_until([&] { return w.broker.connected(kCoordinator); }, minutes(5)));
  w.site.coordinator()->stop();
  w.world.run_for(minutes(2));
  CHECK_FALSE(w.broker.connected(kCoordinator));
  CHECK_FALSE(w.site.coordinator()->is_connected());
}

TEST_CASE("certificates are checked at the last welcome while the clock stands before it") {
  ConnectionWorld w;
  const auto time = [&] { return w.node.uplink()->certificate_time(0); };
  const rt::UnixTime welcomed = w.node.front()->pin().last_time;
  CHECK(w.site.clock().now() - welcomed < seconds(1));
  w.node.clock().set_synchronised(true);
  CHECK(time() == std::nullopt);
  w.node.clock().set_offset(-std::chrono::hours(24 * 365 * 50));
  CHECK(time() == welcomed);  // whatever the kernel says of it
  w.node.kill();
  w.site.kill();  // no welcome tells it anything new
  w.node.start();
  CHECK(time() == welcomed);
  w.node.clock().set_synchronised(false);
  CHECK(time() == welcomed);
}

TEST_CASE("a later clock that nothing vouches for and the last welcome are tried in turns") {
  ConnectionWorld w;
  w.node.clock().set_synchronised(false);
  w.world.run_for(minutes(1));
  const rt::UnixTime welcomed = w.node.front()->pin().last_time;
  int at_wall = 0, at_welcome = 0;
  for (std::uint64_t attempt = 0; attempt < 4; ++attempt) {
    const auto time = w.node.uplink()->certificate_time(attempt);
    (time ? at_welcome : at_wall) += 1;
    if (time) CHECK(*time == welcomed);
  }
  CHECK(at_wall == 2);
  CHECK(at_welcome == 2);
}

}  // namespace fieldpost::sim

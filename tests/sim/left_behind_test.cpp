// What becomes of a branch that a spool left behind, in days [back-1].
#include <doctest/doctest.h>

#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int kUnconfirmed = 1;
constexpr int kDeclared = 2;

/// A site whose node went back to an image of its disk, from before it told of some records.
struct LeftBehindSite {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  Dice dice = world.dice("test");
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};
  bool is_holding = false;  ///< records do not come through

  LeftBehindSite() {
    broker.set_tap([this](const std::string&, const rt::MqttMessage& message) {
      return !is_holding || message.topic.find("/up/") == std::string::npos;
    });
    site.start();
    node.start();
    wait_for_session();
    const SimDisk::Image before = node.image();
    node.kill();  // what one process gave out lies in no branch of the next
    node.start();
    wait_for_session();
    is_holding = true;
    node.feed(true, 10, 0, 1, dice);
    world.run_for(seconds(5));
    broker.break_connection(node.client_id());
    world.run_for(seconds(5));
    wait_for_session();
    node.restore(before);
    is_holding = false;
    node.start();
    wait_for_session();
  }
  void wait_for_session() {
    REQUIRE(world.run_until([this] { return node.uplink()->is_up(); }, minutes(10)));
  }
  /// Nobody runs meanwhile, then the site starts.
  void pass(rt::Nanos span) {
    node.kill();
    site.kill();
    world.run_for(span);
    site.start();
    world.run_for(seconds(10));
  }
};

}  // namespace

TEST_CASE("a branch that was left behind is declared lost after seven days") {
  LeftBehindSite w;
  SUBCASE("not before") {
    w.pass(hours(7 * 24 - 1));
    CHECK(w.site.number("SELECT state FROM gap") == kUnconfirmed);
  }
  SUBCASE("then it is") {
    w.pass(hours(7 * 24));
    CHECK(w.site.number("SELECT state FROM gap") == kDeclared);
  }
  SUBCASE("but not by a clock that is not synchronised") {
    w.site.clock().set_synchronised(false);
    w.pass(hours(30 * 24));
    CHECK(w.site.number("SELECT state FROM gap") == kUnconfirmed);
  }
}

}  // namespace fieldpost::sim

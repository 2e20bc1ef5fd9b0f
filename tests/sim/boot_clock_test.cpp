// Times that a node stamped by a wrong clock, and how they are made right later [env-9].
#include <doctest/doctest.h>

#include <chrono>

#include "coordinator/query/ledger_query.h"
#include "proto/wire/line_protocol.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr rt::Nanos kBehind = hours(24 * 365 * 50);

struct ClockWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};
  wire::LineParser parser;

  ClockWorld() {
    node.clock().set_synchronised(false);
    node.clock().set_offset(-kBehind);
    node.start();
  }
  void measure() {
    node.front()->set_sink(node.uplink());  // past the book, which knows nothing of this reading
    node.front()->accept_sampled(
        parser.parse("m v=1", {.precision = {}, .now = node.clock().now(), .tags = {}}));
    world.run_for(seconds(10));
  }
  void set_clock_right() {
    node.clock().set_offset(rt::Nanos(0));
    node.clock().set_synchronised(true);
  }
  coordinator::BootOffsets offsets() {
    auto ledger = coordinator::LedgerQuery::open(site.path(), site.vfs().name());
    REQUIRE(ledger.has_value());
    auto found = ledger->boot_offsets();
    REQUIRE(found.has_value());
    return *found;
  }
  wire::Id128 boot() {
    const rt::BootId id = node.clock().boot_id();
    return wire::Id128::from_bytes({reinterpret_cast<const char*>(id.data()), id.size()});
  }
};

}  // namespace

TEST_CASE("a boot's offset is learned when its clock is good, also over an outage and a restart") {
  ClockWorld w;
  w.measure();  // the coordinator is not there yet
  w.set_clock_right();
  w.measure();
  w.site.start();
  REQUIRE(w.world.run_until([&] { return w.node.idle(); }, minutes(2)));
  w.world.run_for(seconds(15));
  const auto offsets = w.offsets();
  REQUIRE(offsets.size() == 1);
  CHECK(offsets.at(w.boot()) == kBehind.count());
  w.site.kill();
  w.site.start();
  w.world.run_for(seconds(30));
  CHECK(w.offsets() == offsets);
}

TEST_CASE("of a boot whose clock was never good nothing is believed") {
  ClockWorld w;
  w.site.start();
  w.measure();
  w.world.run_for(minutes(2));
  CHECK(w.offsets().empty());
  w.node.power_cut();  // a new boot
  w.set_clock_right();
  w.node.start();
  w.measure();
  w.world.run_for(minutes(2));
  CHECK(w.offsets().empty());
}

}  // namespace fieldpost::sim

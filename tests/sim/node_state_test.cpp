// What a node tells of itself, and how soon.
#include <doctest/doctest.h>

#include <vector>

#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr rt::Nanos kSoon = rt::Millis(2500);  // a tick of the spool and one of the uplink

struct StateWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  Dice dice = world.dice("test");
  std::vector<wire::NodeState> told;
  bool is_silent = false;  ///< nothing of the node comes through
  SimSite site{world, broker};
  SimNode node;

  explicit StateWorld(agent::SpoolFrontOptions front = {})
      : node(world, broker, book, {.front = std::move(front)}) {
    broker.set_tap([this](const std::string&, const rt::MqttMessage& message) {
      const auto topic = wire::parse_topic(message.topic);
      if (topic && is_silent && topic->node == "n1") return false;
      if (!topic || topic->kind != wire::TopicKind::kState) return true;
      told.push_back(*wire::decode_node_state(message.payload));
      return true;
    });
    node.start();
  }
  bool is_online() { return site.coordinator()->nodes().at("n1").online; }
  void feed(int count) { node.feed(true, count, node.clock().now().ns, 3, dice); }
};

}  // namespace

TEST_CASE("a node tells within two seconds that all is delivered, and is quiet otherwise") {
  StateWorld w;
  for (int round = 0; round < 5; ++round) {
    INFO("round ", round);
    w.feed(500);
    w.world.run_for(seconds(30 + round));
    CHECK(w.told.back().records_held > 0);
    w.site.start();
    REQUIRE(w.world.run_until(
        [&] { return w.node.uplink()->is_up() && w.node.front()->totals().records_held == 0; },
        minutes(2)));
    w.world.run_for(kSoon);
    CHECK(w.told.back().records_held == 0);
    const std::size_t before = w.told.size();
    w.world.run_for(seconds(60));
    CHECK(w.told.size() - before <= 6);
    w.site.kill();
  }
}

TEST_CASE("a node tells the first loss at once, and goes on at its own pace") {
  agent::SpoolFrontOptions front;
  front.shed.bytes_max = 40'000;
  StateWorld w(front);
  w.world.run_for(seconds(1));
  while (w.node.front()->shed() == 0) {
    w.feed(200);
    w.world.run_for(rt::Millis(100));
  }
  w.world.run_for(kSoon);
  CHECK(w.told.back().shed > 0);
  const std::size_t before = w.told.size();
  for (int i = 0; i < 60; ++i) {
    w.feed(200);
    w.world.run_for(seconds(1));
  }
  CHECK(w.told.size() - before <= 12);
}

TEST_CASE("the oldest record that is owed ages by running time, on disk as in memory") {
  StateWorld w;
  w.world.run_for(seconds(15));
  CHECK(w.node.front()->oldest_age_ms() == 0);
  w.feed(5);
  w.world.run_for(seconds(20));
  w.feed(5);
  w.world.run_for(seconds(20));
  const std::uint64_t age = w.node.front()->oldest_age_ms();
  CHECK(age >= 39'000);
  CHECK(age <= 40'000);
  w.node.feed(false, 1, 0, 1, w.dice);
  w.site.start();
  REQUIRE(w.world.run_until([&] { return w.node.idle(); }, minutes(2)));
  w.world.run_for(seconds(1));
  CHECK(w.node.front()->oldest_age_ms() == 0);
}

TEST_CASE("readings that were shed from memory are counted, before and after the gap is on disk") {
  agent::SpoolFrontOptions front;
  front.batch.window = rt::Millis(1);
  front.spool_delay = rt::Millis(1);
  StateWorld w(front);
  w.world.run_for(seconds(1));
  w.node.disk().fail({.answer = DiskAnswer::kFull, .at = 1, .for_ever = true});
  for (int i = 0; i < 5000; ++i) {
    w.node.feed(false, 2, 0, 1, w.dice);
    w.world.run_for(rt::Millis(10));
  }
  const std::uint64_t shed = w.node.front()->shed();
  CHECK(shed > 0);
  CHECK(w.node.front()->totals().shed == 0);
  w.node.disk().heal();
  w.world.run_for(seconds(10));
  CHECK(w.node.front()->shed() == shed);
  CHECK(w.node.front()->totals().shed == shed);
}

TEST_CASE("a node that was not heard for a minute is offline until it is heard again") {
  StateWorld w;
  w.site.start();
  REQUIRE(w.world.run_until([&] { return w.node.uplink()->is_up(); }, minutes(2)));
  w.world.run_for(minutes(5));
  CHECK(w.is_online());
  w.is_silent = true;
  w.world.run_for(seconds(50));
  CHECK(w.is_online());
  w.world.run_for(seconds(25));
  CHECK_FALSE(w.is_online());
  w.is_silent = false;
  w.world.run_for(seconds(11));
  CHECK(w.is_online());
}

TEST_CASE("without the broker no node is online") {
  StateWorld w;
  w.site.start();
  REQUIRE(w.world.run_until([&] { return w.node.uplink()->is_up(); }, minutes(2)));
  w.broker.crash(Retained::kKept);
  w.world.run_for(seconds(2));
  CHECK_FALSE(w.is_online());
  w.broker.start();
  REQUIRE(w.world.run_until([&] { return w.node.uplink()->is_up(); }, minutes(10)));
  CHECK(w.is_online());
}

TEST_CASE("a node that is stopped says that it is offline") {
  StateWorld w;
  w.world.run_for(seconds(5));
  CHECK(w.told.back().online);
  w.node.uplink()->stop();
  w.world.run_for(seconds(1));
  CHECK_FALSE(w.told.back().online);
}

}  // namespace fieldpost::sim

// A node that may send little: it waits for the next bytes, and not for receipts.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>

#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kTimeBase = 1'767'225'600'000'000'000;  // 2026-01-01

/// A site with one node, and what that sends.
class MeteredWorld {
 public:
  MeteredWorld(std::uint64_t bytes_per_second, std::uint64_t bytes_per_day)
      : node_(world_, broker_, book_, options(bytes_per_second, bytes_per_day)) {
    broker_.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      if (from == node_.client_id()) bytes_ += message.topic.size() + message.payload.size();
      return true;
    });
    site_.start();
    node_.start();
    wait_for_session();
  }
  void wait_for_session() {
    REQUIRE(world_.run_until([this] { return node_.uplink()->is_up(); }, minutes(10)));
  }
  void restart() {
    node_.kill();
    node_.start();
    wait_for_session();
  }
  void feed(int records) {
    for (int i = 0; i < records; ++i) {
      node_.feed(true, 300, kTimeBase, 5, dice_);
      world_.run_for(seconds(1));
    }
  }
  void run_for(rt::Nanos span) { world_.run_for(span); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t sessions() { return node_.uplink()->counters().sessions; }
  [[nodiscard]] std::uint64_t records_held() { return node_.front()->totals().records_held; }
  SimNode& node() { return node_; }

 private:
  static SimNode::Options options(std::uint64_t bytes_per_second, std::uint64_t bytes_per_day) {
    SimNode::Options out;
    out.bytes_per_second = bytes_per_second;
    out.bytes_per_day = bytes_per_day;
    return out;
  }

  SimWorld world_{1};
  SimBroker broker_{world_};
  Ledgerbook book_;
  SimSite site_{world_, broker_};
  SimNode node_;
  Dice dice_ = world_.dice("feed");
  std::uint64_t bytes_ = 0;
};

TEST_CASE("with the day's bytes spent the session stays, and the log says it once") {
  MeteredWorld world(0, 20'000);
  world.feed(40);
  world.run_for(minutes(30));
  CHECK(world.records_held() > 0);
  CHECK(world.bytes() > 15'000);
  CHECK(world.bytes() <= 20'000);
  CHECK(world.sessions() == 1);
  CHECK(world.node().log().count_containing("of this day are spent") == 1);
}

TEST_CASE("a restart does not bring the day's bytes back") {
  MeteredWorld world(0, 20'000);
  world.feed(40);
  world.run_for(minutes(5));
  const std::uint64_t before = world.bytes();
  for (int i = 0; i < 3; ++i) {
    world.restart();
    world.run_for(minutes(5));
  }
  CHECK(world.records_held() > 0);
  CHECK(world.bytes() - before < 20'000 / 16 + 3 * 1000);  // and three sessions
}

TEST_CASE("a node with few bytes a second waits for them, and builds no session anew") {
  MeteredWorld world(50, 0);
  world.feed(10);
  world.run_for(seconds(2));
  CHECK(world.records_held() > 0);  // so short a time does not bring so many bytes
  world.run_for(minutes(60));
  CHECK(world.sessions() == 1);
  CHECK(world.records_held() == 0);
  CHECK(world.node().log().count_containing("no receipt") == 0);
}

}  // namespace
}  // namespace fieldpost::sim

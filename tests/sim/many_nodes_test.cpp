// More nodes than the pool has envelopes: everyone delivers everything [credit-3].
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "tests/sim/sim_site.h"

namespace fieldpost::sim {
namespace {

constexpr std::int64_t kTimeBase = 1'767'225'600'000'000'000;  // 2026-01-01
constexpr rt::Nanos kLook = rt::Millis(100);

/// A site whose coordinator has credit for few of its nodes.
class Crowd {
 public:
  Crowd(int nodes, std::uint64_t envelopes) : world_(1), broker_(world_), site_(world_, broker_) {
    coordinator::CreditOptions credit;
    credit.pool_bytes = credit.event_pool_bytes = envelopes * wire::kEnvelopeBytesMax;
    site_.set_credit(credit);
    for (int i = 0; i < nodes; ++i) {
      SimNode::Options options;
      options.node = options.disk_name = "n" + std::to_string(i);
      nodes_.push_back(std::make_unique<SimNode>(world_, broker_, book_, options));
    }
  }

  void start() {
    site_.start();
    for (const auto& node : nodes_) node->start();
  }
  void feed_all(int times) {
    for (const auto& node : nodes_) {
      for (int i = 0; i < times; ++i) node->feed(true, 5, kTimeBase, 3, dice_);
    }
  }
  /// Whether every node has delivered everything within the time.
  bool deliver_within(rt::Nanos time) {
    // Looking after each event would cost more than the events.
    for (rt::Nanos waited{0}; waited < time && busy() > 0; waited += kLook) world_.run_for(kLook);
    return busy() == 0;
  }
  [[nodiscard]] int busy() const {
    int count = 0;
    for (const auto& node : nodes_) count += node->idle() ? 0 : 1;
    return count;
  }
  SimWorld& world() { return world_; }
  SimBroker& broker() { return broker_; }
  SimSite& site() { return site_; }
  SimNode& node(std::size_t index) { return *nodes_[index]; }
  [[nodiscard]] std::vector<std::string> audit_all() {
    std::vector<std::string> faults;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const StoreAudit found = audit(site_, book_, "n" + std::to_string(i), false);
      faults.insert(faults.end(), found.faults.begin(), found.faults.end());
    }
    return faults;
  }

 private:
  SimWorld world_;
  SimBroker broker_;
  Ledgerbook book_;
  SimSite site_;
  Dice dice_ = world_.dice("feed");
  std::vector<std::unique_ptr<SimNode>> nodes_;
};

TEST_CASE("two hundred nodes with credit for eight at a time all deliver everything") {
  Crowd crowd(200, 8);
  crowd.start();
  crowd.feed_all(3);
  CHECK(crowd.deliver_within(rt::Seconds(10)));
  crowd.world().run_for(rt::Seconds(60));  // by then most have no lease and no place in the queue
  const auto welcomes = crowd.site().coordinator()->counters().welcomes;
  CHECK(welcomes == 200);
  crowd.feed_all(3);
  crowd.world().run_for(rt::Seconds(1));
  CHECK(crowd.busy() > 150);
  CHECK(crowd.deliver_within(rt::Seconds(10)));  // they ask
  CHECK(crowd.site().coordinator()->counters().welcomes - welcomes <= 200);
  CHECK(crowd.audit_all() == std::vector<std::string>{});
}

TEST_CASE("a node that comes when idle ones have all the credit is not kept waiting") {
  Crowd crowd(9, 8);
  crowd.site().start();
  for (std::size_t i = 0; i < 8; ++i) crowd.node(i).start();
  crowd.world().run_for(rt::Seconds(60));
  crowd.node(8).start();
  crowd.world().run_for(rt::Seconds(1));
  crowd.feed_all(1);
  crowd.world().run_for(rt::Seconds(1));
  CHECK(crowd.deliver_within(rt::Seconds(5)));
}

TEST_CASE("five hundred nodes that come back at once are all welcomed, without a storm") {
  Crowd crowd(500, 8);
  crowd.start();
  crowd.world().run_for(rt::Seconds(20));
  crowd.broker().crash(Retained::kKept);
  crowd.feed_all(1);
  crowd.world().run_for(rt::Seconds(10));
  crowd.broker().start();
  const auto welcomes = crowd.site().coordinator()->counters().welcomes;
  crowd.world().run_for(rt::Seconds(1));
  CHECK(crowd.deliver_within(rt::Seconds(30)));
  CHECK(crowd.busy() == 0);
  CHECK(crowd.site().coordinator()->counters().welcomes - welcomes < 500 * 3 / 2);
}

}  // namespace
}  // namespace fieldpost::sim

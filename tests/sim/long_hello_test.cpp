// Hellos that are longer than the link takes at once.
#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/spool/kept_ranges.h"
#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;

constexpr std::uint64_t kManyRanges = 20'000;  // three pages

/// A site with one node whose spool has every second name of the process before: those between were
/// sampled, and delivered from memory.
class FragmentedWorld {
 public:
  FragmentedWorld() {
    broker_.set_receive_maximum(1);  // a window of one page
    broker_.set_tap([this](const std::string&, const rt::MqttMessage& message) {
      const auto topic = wire::parse_topic(message.topic);
      if (!topic || topic->kind != wire::TopicKind::kHello) return true;
      const auto hello = wire::decode_hello(message.payload);
      REQUIRE(hello.has_value());
      hello_bytes_ += message.payload.size();
      nonces_.insert(hello->nonce);
      return true;
    });
    fill();
    site_.start();
  }
  void deliver_all() {
    const wire::VerdictRange all{{spool_->live().id, {1, 2 * kManyRanges}}, wire::Verdict::kStored};
    std::uint64_t next_seq = 2 * kManyRanges + 1;
    REQUIRE(spool_->settle({&all, 1}, next_seq).has_value());
  }
  void set_rate(std::uint64_t bytes_per_second) {
    broker_.set_rate(node_.client_id(), bytes_per_second);
  }
  bool welcomed_within(rt::Nanos time) {
    spool_.reset();
    node_.start();
    return world_.run_until([this] { return node_.uplink()->is_up(); }, time);
  }
  [[nodiscard]] std::size_t hello_bytes() const { return hello_bytes_; }
  [[nodiscard]] std::size_t hellos() const { return nonces_.size(); }
  SimNode& node() { return node_; }

 private:
  static SimNode::Options options() {
    SimNode::Options out;
    out.disk_name = "fragmented";
    return out;
  }
  void fill() {
    auto spool = agent::Spool::open("/spool/spool.db", "fragmented", random_);
    REQUIRE(spool.has_value());
    spool_.emplace(std::move(*spool));
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
    record.payload = "{}";
    std::vector<agent::SpoolRecord> records(
        kManyRanges, agent::make_spool_record(record, agent::RecordClass::kEvent));
    for (std::size_t i = 0; i < records.size(); ++i) {
      records[i].name = {spool_->live().id, 2 * i + 1};
    }
    REQUIRE(spool_->append(records, 1).has_value());
  }

  SimWorld world_{1};
  SimBroker broker_{world_};
  Ledgerbook book_;
  SimRandom random_{world_.dice("before")};
  SimSite site_{world_, broker_};
  SimNode node_{world_, broker_, book_, options()};
  std::optional<agent::Spool> spool_;
  std::size_t hello_bytes_ = 0;
  std::set<std::uint64_t> nonces_;
};

TEST_CASE("a hello of more pages than the window takes at once is welcomed, at the first try") {
  FragmentedWorld world;
  REQUIRE(world.welcomed_within(minutes(1)));
  CHECK(world.hello_bytes() > 16 * kManyRanges);
  CHECK(world.hellos() == 1);
}

TEST_CASE("a hello that a slow link carries for long is waited for, and not said again") {
  FragmentedWorld world;
  world.set_rate(8'000);
  REQUIRE(world.welcomed_within(minutes(2)));
  CHECK(world.hellos() == 1);
}

TEST_CASE("kept single names do not make the hello longer than their bound") {
  FragmentedWorld world;
  world.deliver_all();
  REQUIRE(world.welcomed_within(minutes(1)));
  CHECK(world.hello_bytes() < 32 * agent::kKeptRangesMax);
  const agent::SpoolTotals& totals = world.node().front()->totals();
  // The store is new: what it is told of as kept and has not it asks for, some in each welcome.
  CHECK(totals.records_kept + totals.records_held == agent::kKeptRangesMax);
}

}  // namespace
}  // namespace fieldpost::sim

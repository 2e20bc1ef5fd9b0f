// What the uplink does with what does not go by itself: records that cannot travel, a full outbox,
// names that meet others.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// One node and its site; the node's readings go past the book.
struct UplinkWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};
  Dice dice = world.dice("test");
  std::vector<wire::Envelope> published;
  /// Sees receipts; false keeps one from the node.
  std::function<bool(const rt::MqttMessage&)> on_receipt = [](const rt::MqttMessage&) {
    return true;
  };

  UplinkWorld() {
    broker.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      const auto topic = wire::parse_topic(message.topic);
      if (!topic || from.empty()) return true;
      if (topic->kind == wire::TopicKind::kUp) {
        CHECK(message.payload.size() <= wire::kEnvelopeBytesMax);
        if (auto envelope = wire::decode_envelope(message.payload)) {
          published.push_back(std::move(*envelope));
        }
      }
      return topic->kind != wire::TopicKind::kReceipt || on_receipt(message);
    });
    site.start();
    node.start();
    node.front()->set_sink(node.uplink());
    wait_for_session();
  }
  void wait_for_session() {
    REQUIRE(world.run_until([this] { return node.uplink()->is_up(); }, minutes(2)));
  }
  [[nodiscard]] bool drains(rt::Nanos within) {
    return world.run_until([this] { return node.idle(); }, within);
  }
  [[nodiscard]] std::uint64_t sessions() { return node.uplink()->counters().sessions; }

  /// One reading of a series of its own, durably.
  void write(const std::string& series, std::size_t bytes) {
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>(dice.below(256));
    wire::ParsedLines lines;
    lines.keys = {series + " log s"};
    lines.types = {wire::ValueType::kString};
    lines.columns = {{.times = {node.clock().now().ns}, .values = {0}, .strings = {text}}};
    lines.readings = lines.lines_stored = 1;
    lines.string_bytes = bytes;
    bool stored = false;
    node.front()->accept_durable(std::move(lines), {}, [&](rt::Result<agent::Accepted> accepted) {
      stored = accepted.has_value();
    });
    REQUIRE(world.run_until([&] { return stored; }, seconds(10)));
  }
  std::vector<agent::SpoolRecord> load(std::vector<wire::Name> names) {
    std::vector<agent::SpoolRecord> out;
    bool loaded = false;
    node.front()->load_names(std::move(names), [&](auto records) {
      REQUIRE(records.has_value());
      out = std::move(*records);
      loaded = true;
    });
    REQUIRE(world.run_until([&] { return loaded; }, seconds(10)));
    return out;
  }
  [[nodiscard]] std::vector<wire::Name> names() const {
    std::vector<wire::Name> out;
    for (const wire::Envelope& each : published) out.push_back(each.name);
    return out;
  }
};

wire::Receipt opened(const rt::MqttMessage& message) {
  const auto body = wire::peek_signed_body(message.payload);
  REQUIRE(body);
  const auto receipt = wire::decode_receipt(*body);
  REQUIRE(receipt);
  return *receipt;
}

}  // namespace

TEST_CASE("a record that no envelope holds is declared a gap, and what comes behind it arrives") {
  UplinkWorld w;
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
  record.payload.assign(wire::kEnvelopeBytesMax, 'x');
  w.node.front()->append_record(std::move(record), agent::RecordClass::kEvent, [](rt::Status) {});
  w.world.run_for(seconds(1));
  w.write("m", 10);
  CHECK(w.drains(minutes(1)));
  CHECK(w.node.log().count_containing("at most 262144 travel") == 1);
}

TEST_CASE("what the outbox had no room for is sent later in the same session") {
  UplinkWorld w;
  for (int i = 0; i < 80; ++i) w.write("old" + std::to_string(i), wire::kStringValueBytesMax);
  REQUIRE(w.drains(minutes(2)));
  const auto old = w.load(w.names());
  w.site.kill();
  w.world.run_for(seconds(1));
  for (int i = 0; i < 20; ++i) w.write("new", wire::kStringValueBytesMax);
  w.site.start();
  w.wait_for_session();
  const std::uint64_t sessions = w.sessions();
  w.node.uplink()->replay(old);  // before the backlog is read
  CHECK(w.drains(minutes(5)));
  CHECK(w.sessions() == sessions);
}

TEST_CASE("after a receipt that says conflict the node is back at once, or when its disk is") {
  UplinkWorld w;
  bool forged = false;
  w.on_receipt = [&](const rt::MqttMessage& message) {
    wire::Receipt receipt = opened(message);
    if (forged || receipt.verdicts.empty()) return true;
    forged = true;
    for (wire::VerdictRange& range : receipt.verdicts) range.verdict = wire::Verdict::kConflict;
    w.broker.inject(
        {message.topic, w.site.key().seal(message.topic, wire::encode(receipt)), false});
    return false;
  };
  w.world.run_for(seconds(5));
  const std::uint64_t sessions = w.sessions();
  rt::Nanos within = seconds(2);
  std::size_t published = 2;  // under two names
  SUBCASE("the new name gets to the disk at once") {
    w.write("m", 10);
  }
  SUBCASE("the new name gets to the disk later") {
    w.write("m", 10);
    w.node.disk().fail({.answer = DiskAnswer::kIo, .at = 1, .for_ever = true});
    w.world.run_for(seconds(2));
    CHECK(w.node.uplink()->counters().conflicts == 1);
    w.node.disk().heal();
    within = seconds(20);
    published = 1;  // the welcome tells that it is stored
  }
  CHECK(w.world.run_until([&] { return w.sessions() > sessions; }, within));
  CHECK(w.drains(seconds(5)));
  CHECK(w.published.size() == published);
}

TEST_CASE("what the uplink knows of the coordinator's sets is bounded") {
  constexpr int kSets = 4200;
  UplinkWorld w;
  for (int i = 0; i < kSets; ++i) w.write("m" + std::to_string(i), 1);
  REQUIRE(w.drains(minutes(2)));
  w.published.clear();
  w.write("m0", 1);
  REQUIRE(w.drains(minutes(2)));
  CHECK(w.published.front().definitions.size() == 1);
  w.published.clear();
  w.write("m0", 1);
  REQUIRE(w.drains(minutes(2)));
  CHECK(w.published.front().definitions.empty());
}

}  // namespace fieldpost::sim

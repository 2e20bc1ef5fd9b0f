// Messages that are wrong, to a coordinator that runs, with all that each of them changes: the one
// counter, the one line of the log, and of an authentic envelope the verdict. What the decoders say
// of each field is in tests/unit/wire_messages_test.cpp.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using coordinator::CoordinatorCounters;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kFreshSeq = 500;  ///< none that the node gave out
const std::string kOfNode = "fieldpost/v1/lab/n1/";

std::string framed(const std::string& bytes) {
  std::string out = "FPE1";
  const std::uint32_t crc = wire::crc32c(bytes);
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>((crc >> (8 * i)) & 0xff);
  return out + bytes;
}

/// A site with one welcomed node that owes nothing, and the last envelope that it sent.
struct DoorWorld {
  SimWorld world{1};
  SimBroker broker{world};
  Ledgerbook book;
  Dice dice = world.dice("test");
  SimSite site{world, broker};
  SimNode node{world, broker, book, {}};
  std::optional<wire::Envelope> sent;
  std::vector<wire::VerdictRange> verdicts;

  explicit DoorWorld(const coordinator::CreditOptions& credit = {}) {
    site.set_credit(credit);
    broker.set_tap([this](const std::string&, const rt::MqttMessage& message) {
      if (message.topic.find("/up/") != std::string::npos && !sent) {
        sent = *wire::decode_envelope(message.payload);
      }
      if (!message.topic.ends_with("/receipt")) return true;
      const auto receipt = wire::decode_receipt(*wire::peek_signed_body(message.payload));
      verdicts.insert(verdicts.end(), receipt->verdicts.begin(), receipt->verdicts.end());
      return true;
    });
    site.start();
    node.start();
    REQUIRE(world.run_until([&] { return node.idle(); }, minutes(2)));
    node.feed(true, 5, 0, 1, dice);
    REQUIRE(world.run_until([&] { return sent && node.idle(); }, minutes(2)));
    sent->name.seq = kFreshSeq;
    sent->marked.clear();
    world.run_for(seconds(1));
    verdicts.clear();
  }

  template <typename Edit>
  std::string envelope(Edit edit) const {
    wire::Envelope changed = *sent;
    edit(changed);
    return wire::encode(changed);
  }
  /// The same in a record of the envelope.
  template <typename Edit>
  std::string record(Edit edit) const {
    return envelope([&](wire::Envelope& changed) {
      wire::Record content = *wire::decode_record(changed.record);
      edit(content);
      changed.record = wire::encode(content);
    });
  }
};

struct Row {
  std::string leaf;
  std::string payload;
  std::uint64_t CoordinatorCounters::*counter;  ///< goes up by one; none: nothing does
  std::string log;                              ///< the warning; empty: none
  wire::Verdict verdict = wire::Verdict::kNone;
};

/// Counters but those that count every arrival.
std::vector<std::uint64_t> others(CoordinatorCounters counters, const Row& row) {
  if (row.counter != nullptr) counters.*row.counter = 0;
  return {counters.bad_crc,  counters.undecodable, counters.strangers,      counters.overflow,
          counters.stored,   counters.again,       counters.conflicts,      counters.quarantined,
          counters.readings, counters.welcomes,    counters.commit_failures};
}

void check_row(const Row& row) {
  INFO(row.leaf, " of ", row.payload.size(), " bytes, expected: ", row.log);
  DoorWorld w;
  const CoordinatorCounters before = w.site.coordinator()->counters();
  const std::size_t lines = w.site.log().lines().size();
  w.broker.inject({kOfNode + row.leaf, row.payload, false});
  w.world.run_for(seconds(2));
  const CoordinatorCounters& after = w.site.coordinator()->counters();
  if (row.counter != nullptr) CHECK(after.*row.counter == before.*row.counter + 1);
  CHECK(others(after, row) == others(before, row));
  const auto& log = w.site.log().lines();
  REQUIRE(log.size() == lines + (row.log.empty() ? 0U : 1U));
  if (!row.log.empty()) CHECK(log.back().text.substr(log.back().text.find(": ") + 2) == row.log);
  REQUIRE(w.verdicts.size() == (row.verdict == wire::Verdict::kNone ? 0U : 1U));
  if (!w.verdicts.empty()) {
    CHECK(w.verdicts[0] ==
          wire::VerdictRange{{w.sent->name.incarnation, {kFreshSeq, kFreshSeq}}, row.verdict});
  }
  CHECK(w.node.uplink()->is_up());
}

std::vector<Row> envelopes(const DoorWorld& w) {
  const auto undecodable = &CoordinatorCounters::undecodable;
  const auto quarantined = &CoordinatorCounters::quarantined;
  const auto strange = &CoordinatorCounters::strangers;
  const std::string dropped = "dropped an envelope of n1: decoding envelope: ";
  const std::string kept = "quarantined a record of n1: ";
  const std::string good = wire::encode(*w.sent);
  const auto no_kind = "not a message of this kind";
  const auto raw = wire::Verdict::kQuarantined;
  return {
      {"up/live", "", undecodable, dropped + "no FPE1 in front"},
      {"up/live", "FPE1123", undecodable, dropped + "no FPE1 in front"},
      {"up/live", "FPE2" + good.substr(4), undecodable, dropped + "no FPE1 in front"},
      {"up/live", good.substr(0, good.size() / 2), &CoordinatorCounters::bad_crc,
       dropped + "its CRC does not match"},
      {"up/event", good + '\0', &CoordinatorCounters::bad_crc, dropped + "its CRC does not match"},
      {"up/bulk", framed(""), undecodable, dropped + no_kind},
      {"up/log", framed(std::string(64, 'x')), undecodable, dropped + no_kind},
      {"up/live", std::string(wire::kEnvelopeBytesMax + 1, 'x'), undecodable,
       dropped + "too large"},
      {"up/live", w.envelope([](auto& e) { e.name.seq = 0; }), undecodable,
       dropped + "a name is incomplete"},
      {"up/live", w.envelope([](auto& e) { e.lane = static_cast<wire::Lane>(5); }), undecodable,
       dropped + "no such lane"},
      {"up/live", w.envelope([](auto& e) { e.record.clear(); }), undecodable,
       dropped + "it has no record"},
      {"up/sideways", good, undecodable, ""},
      {"up/live", w.envelope([](auto& e) { e.name.incarnation.value += 1; }), strange, ""},
      {"up/live", w.envelope([](auto& e) { e.record = "no record"; }), quarantined,
       kept + "decoding record: not a message of this kind", raw},
      {"up/live", w.record([](auto& r) { r.kind = 999; }), quarantined,
       kept + "unknown kind of record: 999", raw},
      {"up/live", w.record([](auto& r) { r.readings += 1; }), quarantined,
       kept + "the record says another number of readings than it holds", raw},
      {"up/live", w.record([](auto& r) { r.codec = 9; }), quarantined,
       kept + "decompressing a payload: unknown codec", raw},
      {"up/event", w.record([](auto& r) {
         r.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
         r.codec = 0;
         r.payload = "[]";
         r.raw_size = 2;
       }),
       quarantined, kept + "an event is a JSON object with a member \"type\"", raw},
  };
}

TEST_CASE("each wrong envelope changes one counter and gets its own answer") {
  // One world at a time, and each is as the one before.
  const std::vector<Row> rows = [] { return envelopes(DoorWorld()); }();
  for (const Row& row : rows) check_row(row);
}

TEST_CASE("each wrong message of a handshake changes one counter") {
  const auto undecodable = &CoordinatorCounters::undecodable;
  wire::Hello hello;
  hello.nonce = 7;
  hello.spool = {1, 2};
  const std::vector<Row> table = {
      {"hello", "", undecodable, ""},
      {"hello", "noise of the field", undecodable, ""},
      {"hello", wire::encode(hello), undecodable,
       "ignored a hello of n1: a hello states one live incarnation"},
      {"answer", "noise", undecodable, ""},
      {"answer", wire::encode(wire::Answer{7, 8}), nullptr, ""},
      {"state", "noise", undecodable, ""},
      {"whatever", "noise", nullptr, ""},
  };
  for (const Row& row : table) check_row(row);
}

TEST_CASE("an envelope that is not of the protocol is told with its node") {
  DoorWorld w;
  w.broker.inject({kOfNode + "up/live", "noise", false});
  w.world.run_for(seconds(1));
  CHECK(w.site.coordinator()->nodes().at("n1").undecodable == 1);
}

TEST_CASE("names that somebody makes up are remembered up to a bound") {
  constexpr std::size_t kMost = 10'000;
  DoorWorld w;
  const std::string state = wire::encode(wire::NodeState{.online = true});
  for (std::size_t i = 0; i < kMost + 5; ++i) {
    w.broker.inject({"fieldpost/v1/lab/x" + std::to_string(i) + "/state", state, false});
    if (i % 100 == 0) w.world.run_for(seconds(1));
  }
  w.world.run_for(seconds(5));
  CHECK(w.site.coordinator()->nodes().size() == kMost);
  CHECK(w.site.coordinator()->counters().turned_away == 6);  // "n1" is there, too
  CHECK(w.node.uplink()->is_up());
}

TEST_CASE("pages of hellos that are never complete take a bounded number of bytes") {
  constexpr std::size_t kMost = 64 << 20;
  DoorWorld w;
  wire::Hello page;
  page.nonce = 7;
  page.pages = 2;
  page.spool = {1, 2};
  wire::IncarnationStatement stated;
  stated.id = {{1, 2}, 3};
  stated.highest = 100'000;
  for (std::uint64_t seq = 1; seq < 14'000; seq += 2) stated.held.push_back({seq, seq});
  page.incarnations = {stated};
  const std::string bytes = wire::encode(page);
  const std::size_t fit = kMost / bytes.size();
  for (std::size_t i = 0; i < fit + 5; ++i) {
    w.broker.inject({"fieldpost/v1/lab/x" + std::to_string(i) + "/hello", bytes, false});
    if (i % 20 == 0) w.world.run_for(rt::Millis(500));
  }
  w.world.run_for(seconds(1));
  CHECK(w.site.coordinator()->counters().turned_away == 5);
  w.world.run_for(minutes(2));  // who is silent is forgotten, and its pages
  w.broker.inject({"fieldpost/v1/lab/y/hello", bytes, false});
  w.world.run_for(seconds(1));
  CHECK(w.site.coordinator()->counters().turned_away == 5);
}

TEST_CASE("what nodes have credit for finds room at the door while the store is busy") {
  DoorWorld w({.pool_bytes = 1 << 20, .event_pool_bytes = 1 << 20});
  w.site.slow_store({.job_most = seconds(20), .done_most = seconds(1)});
  const std::string large = w.record([](wire::Record& record) {
    record.kind = 999;
    record.payload.assign(100'000, 'x');
  });
  w.broker.inject({kOfNode + "up/live", large, false});
  w.world.run_for(rt::Millis(100));
  for (int i = 0; i < 19; ++i) w.broker.inject({kOfNode + "up/live", large, false});
  w.world.run_for(rt::Millis(100));
  CHECK(w.site.coordinator()->counters().overflow == 0);
  for (int i = 0; i < 3; ++i) w.broker.inject({kOfNode + "up/live", large, false});
  w.world.run_for(rt::Millis(100));
  CHECK(w.site.coordinator()->counters().overflow > 0);
}

}  // namespace
}  // namespace fieldpost::sim

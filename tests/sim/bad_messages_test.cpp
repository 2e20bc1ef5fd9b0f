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

  DoorWorld() {
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

}  // namespace
}  // namespace fieldpost::sim

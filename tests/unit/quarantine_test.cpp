// What the coordinator counts as lost, and the ways out of quarantine: [commit-5], [commit-7],
// [commit-9], [shed-1].
#include "coordinator/ingest/quarantine.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;
using wire::Verdict;

constexpr int kAsks = wire::kDefinitionAsksMax;

class QuarantineWorld : public StoreWorld {
 public:
  explicit QuarantineWorld(const coordinator::QuarantineOptions& options = {})
      : StoreWorld(kStoreNow, {.quarantine = options}) {}
  Verdict take(const Arrival& what) {
    const auto settled = ingest().commit({what}, kStoreNow);
    REQUIRE_MESSAGE(settled, settled.error().message);
    return settled->front().verdict;
  }
  /// Readings of a series set that the node does not give.
  void quarantine(std::uint64_t seq, std::uint32_t count, const std::vector<From>& from = {}) {
    const Arrival what = arrival(seq, readings_record(count, 1000, from));
    for (int i = 0; i < kAsks; ++i) REQUIRE(take(what) == Verdict::kNone);
    REQUIRE(take(what) == Verdict::kQuarantined);
  }
  void learn_set() { REQUIRE(store().readings().add_set(sample_set().encode())); }
  void store_readings(std::uint64_t seq, std::uint32_t count, const std::vector<From>& from = {}) {
    learn_set();
    REQUIRE(take(arrival(seq, readings_record(count, 1000, from))) == Verdict::kStored);
  }
  /// A record that tells of losses: names with their readings.
  void tell(std::uint64_t seq, const std::vector<std::pair<wire::SeqRange, std::uint32_t>>& lost) {
    wire::Record record;
    wire::Gap gap;
    gap.cause = wire::GapCause::kThinned;
    for (const auto& [range, each] : lost) {
      gap.names.push_back({{kStoreIncarnation, range}, each, true});
    }
    record.gaps.push_back(std::move(gap));
    REQUIRE(take(arrival(seq, record)) == Verdict::kStored);
  }
  coordinator::Reprocessed reprocess(bool give_up = false) {
    const auto out = ingest().reprocess({.give_up = give_up}, kStoreNow);
    REQUIRE_MESSAGE(out, out.error().message);
    return *out;
  }
  std::int64_t counted() { return *number("SELECT coalesce(sum(readings), 0) FROM gap"); }
  Verdict verdict(std::uint64_t seq) {
    const auto settled = ledger().settled(1, seq);
    REQUIRE(settled);
    return settled->verdict;
  }
};

TEST_CASE("a name that is thinned again counts what it lost in all, and once") {
  QuarantineWorld world;
  world.tell(20, {{{1, 9}, 3}});
  CHECK(world.counted() == 27);
  world.tell(21, {{{4, 5}, 8}, {{10, 10}, 0}});
  CHECK(world.counted() == 37);
  SUBCASE("told again as it was") {
    world.tell(22, {{{4, 5}, 8}, {{1, 9}, 3}});
  }
  SUBCASE("told by an older gap that comes late") {
    world.tell(22, {{{4, 5}, 7}});
  }
  CHECK(world.counted() == 37);
  CHECK(world.number("SELECT min(readings_known) FROM gap") == 1);
}

TEST_CASE("a gap that lists a name twice counts the larger number") {
  QuarantineWorld world;
  SUBCASE("for the first time") {}
  SUBCASE("again") {
    world.tell(20, {{{1, 4}, 1}});
  }
  world.tell(21, {{{1, 1}, 3}, {{1, 4}, 5}, {{2, 2}, 4}});
  CHECK(world.counted() == 20);
}

TEST_CASE("a name that lost nothing when it was first listed counts what it loses later") {
  QuarantineWorld world;
  world.tell(20, {{{1, 2}, 0}});
  CHECK(world.number("SELECT count(*) FROM gap") == 0);
  world.tell(21, {{{1, 1}, 4}});
  CHECK(world.counted() == 4);
  world.tell(22, {{{1, 2}, 4}});
  CHECK(world.counted() == 8);
}

TEST_CASE("a merged gap counts a name that lost nothing at first once, with its larger number") {
  QuarantineWorld world;
  world.tell(20, {{{1, 3}, 0}});
  world.tell(21, {{{2, 2}, 3}, {{1, 2}, 7}, {{2, 3}, 3}});
  CHECK(world.counted() == 17);
  CHECK(world.number("SELECT sum(each * (last - first + 1)) FROM gap_name") == 17);
}

TEST_CASE("a name that is stored counts nothing, however often it is told of") {
  QuarantineWorld world;
  world.store_readings(5, 10);
  world.tell(20, {{{5, 5}, 4}});
  world.tell(21, {{{5, 5}, 6}});
  CHECK(world.counted() == 0);
  CHECK(world.verdict(5) == Verdict::kStored);
}

TEST_CASE("a gap of unknown number stays one when the node tells of a part") {
  QuarantineWorld world;
  wire::Record record;
  record.gaps.push_back({.names = {{{kStoreIncarnation, {1, 4}}, 0, false}}});
  REQUIRE(world.take(arrival(20, record)) == Verdict::kStored);
  world.tell(21, {{{2, 2}, 5}});
  CHECK(world.counted() == 0);
  CHECK(world.number("SELECT readings_known FROM gap") == 0);
}

TEST_CASE("what is understood later is stored with its original rank") {
  QuarantineWorld world;
  world.quarantine(5, 10);
  CHECK(world.reprocess().left == 1);
  CHECK(world.verdict(5) == Verdict::kQuarantined);
  world.learn_set();
  const auto done = world.reprocess();
  CHECK(done.stored == 1);
  CHECK(done.left == 0);
  CHECK(!done.more);
  CHECK(world.verdict(5) == Verdict::kStored);
  CHECK(world.number("SELECT ordinal FROM batch") ==
        world.number("SELECT ordinal FROM incarnation"));
  CHECK(world.number("SELECT seq FROM batch") == 5);
  CHECK(world.number("SELECT delivered FROM node") == 10);
  CHECK(world.number("SELECT count(*) FROM quarantine") == 0);
  CHECK(world.number("SELECT count(*) FROM not_stored") == 0);
  CHECK(world.number("SELECT count(*) FROM gap") == 0);
  // Published again, it is receipted as what it is now.
  CHECK(world.take(arrival(5, readings_record(10, 1000, {}))) == Verdict::kStored);
}

TEST_CASE("what is given up becomes a gap that says when, and how much if anybody can tell") {
  QuarantineWorld world;
  SUBCASE("readings without their series set") {
    world.quarantine(5, 10);
    CHECK(world.reprocess(true).given_up == 1);
    CHECK(world.number("SELECT readings_known FROM gap") == 1);
    CHECK(world.counted() == 10);
    CHECK(world.number("SELECT first_time FROM gap") == 1000);
  }
  SUBCASE("something without readings") {
    wire::Record strange;
    strange.kind = 999;
    REQUIRE(world.take(arrival(5, strange)) == Verdict::kQuarantined);
    CHECK(world.reprocess(true).given_up == 1);
    CHECK(world.number("SELECT readings_known FROM gap") == 1);
    CHECK(world.counted() == 0);
  }
  SUBCASE("readings in an unknown codec") {
    wire::Record strange = readings_record(10, 1000, {});
    strange.codec = 77;
    world.learn_set();
    REQUIRE(world.take(arrival(5, strange)) == Verdict::kQuarantined);
    CHECK(world.reprocess(true).given_up == 1);
    CHECK(world.number("SELECT readings_known FROM gap") == 0);
    CHECK(world.counted() == 0);
  }
  CHECK(world.verdict(5) == Verdict::kGapped);
  CHECK(world.number("SELECT cause FROM gap") == static_cast<int>(wire::GapCause::kGivenUp));
  CHECK(world.number("SELECT count(*) FROM quarantine") == 0);
  CHECK(world.reprocess(true).given_up == 0);
}

TEST_CASE("a name given up is never stored afterwards") {
  QuarantineWorld world;
  world.quarantine(5, 10);
  world.reprocess(true);
  world.learn_set();
  CHECK(world.reprocess().stored == 0);
  CHECK(world.take(arrival(5, readings_record(10, 1000, {}))) == Verdict::kGapped);
  CHECK(world.number("SELECT count(*) FROM batch") == 0);
}

TEST_CASE("a given-up record does not count what a thinned one carries on") {
  // The node had no receipt for 5: it thinned it, lost 4 of its 10 readings, and 6 go on in 7.
  QuarantineWorld world;
  world.quarantine(5, 10);
  SUBCASE("given up before the node tells") {
    world.reprocess(true);
    CHECK(world.counted() == 10);
    world.tell(20, {{{5, 5}, 4}});
    world.store_readings(7, 6, {{5, 6}});
  }
  SUBCASE("given up after it told") {
    world.tell(20, {{{5, 5}, 4}});
    world.store_readings(7, 6, {{5, 6}});
    CHECK(world.counted() == 0);
    world.reprocess(true);
  }
  // 5 itself is understood now, too, in the second case: its set is known.
  const bool stored = world.verdict(5) == Verdict::kStored;
  CHECK(world.counted() == (stored ? 0 : 4));
  // Thinned again, 7 loses one more of them.
  world.tell(21, {{{5, 5}, 5}, {{7, 7}, 0}});
  CHECK(world.counted() == (stored ? 0 : 5));
  world.tell(22, {{{5, 5}, 4}});
  CHECK(world.counted() == (stored ? 0 : 5));
}

TEST_CASE("what the node tells of a quarantined name counts when it is given up") {
  QuarantineWorld world;
  world.quarantine(5, 10);
  world.tell(20, {{{5, 5}, 4}});
  CHECK(world.counted() == 0);
  world.reprocess(true);
  CHECK(world.counted() == 4);
}

TEST_CASE("a given-up thinned record does not count what is stored where it was accepted") {
  QuarantineWorld world;
  world.store_readings(5, 3);
  // 8 carries readings of 5 (stored) and 6 (gapped, its rest lost), in a codec nobody knows yet.
  world.tell(20, {{{5, 5}, 0}, {{6, 6}, 2}});
  CHECK(world.counted() == 2);
  wire::Record thinned = readings_record(7, 1000, {{5, 3}, {6, 4}});
  thinned.kind = 999;
  REQUIRE(world.take(arrival(8, thinned)) == Verdict::kQuarantined);
  world.reprocess(true);
  // Of an unknown kind nobody can tell whose its readings are.
  CHECK(world.counted() == 2);
  CHECK(world.number("SELECT min(readings_known) FROM gap") == 0);
}

TEST_CASE("a store that SQLite calls corrupt puts no good record into quarantine") {
  QuarantineWorld world;
  world.learn_set();
  // The table of boots is a page of another kind.
  REQUIRE(world.store().database().execute(
      "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage ="
      " (SELECT rootpage FROM sqlite_schema WHERE name = 'node') WHERE name = 'boot_clock'"));
  world.restart(kStoreNow);
  wire::Record record = readings_record(10, 1000, {});
  record.boot_stamped = true;
  record.stamp.synchronised = false;
  const auto settled = world.ingest().commit({arrival(5, record)}, kStoreNow);
  REQUIRE_FALSE(settled);
  CHECK(settled.error().code == rt::Errc::kCorrupt);
  CHECK(world.number("SELECT count(*) FROM quarantine") == 0);
}

TEST_CASE("a record that fails when part of it is written leaves nothing but itself") {
  QuarantineWorld world;
  world.learn_set();
  auto& db = world.store().database();
  REQUIRE(db.execute(
      "CREATE TRIGGER refuse AFTER INSERT ON batch BEGIN SELECT RAISE(ABORT, 'refused'); END"));
  wire::Record record = readings_record(10, 1000, {});
  record.boot_stamped = true;
  record.stamp.synchronised = false;
  const auto left_nothing = [&] {
    CHECK(world.number("SELECT count(*) FROM boot_clock") == 0);
    CHECK(world.number("SELECT count(*) FROM series") == 0);
    CHECK(world.number("SELECT count(*) FROM quarantine") == 1);
  };
  REQUIRE(world.take(arrival(5, record)) == Verdict::kQuarantined);
  left_nothing();
  CHECK(world.reprocess().left == 1);
  left_nothing();
  REQUIRE(db.execute("DROP TRIGGER refuse"));
  CHECK(world.reprocess().stored == 1);
  CHECK(world.number("SELECT count(*) FROM boot_clock") == 1);
  CHECK(world.number("SELECT count(*) FROM series") == 1);
}

TEST_CASE("a failure leaves a step through the quarantine undone") {
  for (std::uint64_t at = 1;; ++at) {
    CAPTURE(at);
    QuarantineWorld world;
    world.quarantine(5, 10);
    world.quarantine(6, 10);
    if (at % 2 == 0) world.learn_set();
    world.disk().fail({.at = at});
    const auto done = world.ingest().reprocess({.give_up = at % 2 == 1}, kStoreNow);
    const bool fired = world.disk().failure_fired();
    world.disk().heal();
    if (!done) {
      CHECK(world.verdict(5) == Verdict::kQuarantined);
      CHECK(world.number("SELECT count(*) FROM quarantine") == 2);
      CHECK(world.counted() == 0);
    }
    const auto again = world.ingest().reprocess({.give_up = at % 2 == 1}, kStoreNow);
    REQUIRE(again);
    CHECK(world.counted() == (at % 2 == 1 ? 20 : 0));
    if (!fired) break;
  }
}

wire::Record strange_record() {
  wire::Record strange;
  strange.kind = 999;
  strange.readings = 3;
  return strange;
}

/// Room for two of them.
coordinator::QuarantineOptions room_for_two(coordinator::WhenFull when_full) {
  return {2 * wire::encode(strange_record()).size(), when_full};
}

TEST_CASE("at the cap of the quarantine the oldest becomes a gap") {
  QuarantineWorld world(room_for_two(coordinator::WhenFull::kDropOldest));
  for (std::uint64_t seq = 1; seq <= 4; ++seq) {
    const auto settled = world.ingest().commit(
        {arrival(seq, strange_record())}, kStoreNow + rt::Seconds(static_cast<std::int64_t>(seq)));
    REQUIRE(settled);
    CHECK(settled->front().verdict == Verdict::kQuarantined);
  }
  CHECK(world.number("SELECT count(*) FROM quarantine") == 2);
  CHECK(world.number("SELECT min(seq) FROM quarantine") == 3);
  CHECK(world.verdict(1) == Verdict::kGapped);
  CHECK(world.verdict(2) == Verdict::kGapped);
}

TEST_CASE("a quarantine that stops at its cap leaves with the node what it has no room for") {
  QuarantineWorld world(room_for_two(coordinator::WhenFull::kStop));
  for (std::uint64_t seq = 1; seq <= 2; ++seq) {
    REQUIRE(world.take(arrival(seq, strange_record())) == Verdict::kQuarantined);
  }
  wire::Record third = strange_record();
  third.gaps.push_back({.names = {{{kStoreIncarnation, {50, 50}}, 1, true}}});
  const auto refused = world.ingest().commit({arrival(3, third)}, kStoreNow);
  REQUIRE(refused);
  CHECK(refused->front().no_room);
  CHECK(refused->front().verdict == Verdict::kNone);
  CHECK(world.verdict(3) == Verdict::kNone);
  CHECK(world.verdict(50) == Verdict::kNone);
  CHECK(world.number("SELECT count(*) FROM gap") == 0);
  SUBCASE("until there is room") {}
  SUBCASE("also after a start of the coordinator") {
    world.restart(kStoreNow);
    CHECK(world.take(arrival(3, third)) == Verdict::kNone);
  }
  world.reprocess(true);
  CHECK(world.take(arrival(3, third)) == Verdict::kQuarantined);
}

TEST_CASE("the quarantine is gone through in steps") {
  QuarantineWorld world;
  wire::Record strange;
  strange.kind = 999;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    REQUIRE(world.take(arrival(seq, strange)) == Verdict::kQuarantined);
  }
  const auto first = world.reprocess();
  REQUIRE(first.more);
  const auto second = world.ingest().reprocess({.after = *first.more}, kStoreNow);
  REQUIRE(second);
  CHECK(!second->more);
  CHECK(first.left + second->left == 100);
}

}  // namespace
}  // namespace fieldpost::test

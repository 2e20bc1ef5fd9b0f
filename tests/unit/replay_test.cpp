// Names that are settled already, and replays of them: [commit-2], [commit-8].
#include <doctest/doctest.h>

#include <vector>

#include "proto/wire/readings_codec.h"
#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;
using coordinator::Settled;
using wire::Verdict;

Arrival replay(std::uint64_t seq, const wire::Record& record) {
  Arrival out = arrival(seq, record);
  out.envelope.replay = true;
  return out;
}

/// Has stored the names 1, 2 and 3, whose hashes are not kept any more.
class ReplayWorld : public StoreWorld {
 public:
  ReplayWorld() {
    REQUIRE(store().readings().add_set(sample_set().encode()));
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      REQUIRE(take({arrival(seq, readings_record(5, 1000))}).verdict == Verdict::kStored);
    }
    forget_hashes();
  }
  /// What became of the last one.
  Settled take(const std::vector<Arrival>& arrivals) {
    const auto settled = ingest().commit(arrivals, kStoreNow);
    REQUIRE_MESSAGE(settled, settled.error().message);
    REQUIRE(settled->size() == arrivals.size());
    return settled->back();
  }
  void forget_hashes() { REQUIRE(ledger().drop_hashes(1, {1, 3})); }
  std::int64_t batches() { return *number("SELECT count(*) FROM batch"); }
  void lose(std::uint64_t seq) {
    REQUIRE(ledger().execute("DELETE FROM batch WHERE seq = ?1", static_cast<std::int64_t>(seq)));
  }
};

/// What a replay may carry that cannot be stored.
std::vector<wire::Record> broken_records() {
  wire::Record damaged = readings_record(5, 1000);
  damaged.payload.resize(damaged.payload.size() / 2);
  wire::Record miscounted = readings_record(5, 1000);
  miscounted.readings += 1;
  wire::Record of_no_set = readings_record(5, 1000);
  of_no_set.set.hi += 1;
  return {damaged, miscounted, of_no_set};
}

}  // namespace

TEST_CASE("a replay stores again what the store lost") {
  ReplayWorld world;
  world.lose(2);
  const Settled settled = world.take({replay(2, readings_record(5, 1000))});
  CHECK(settled.verdict == Verdict::kStored);
  CHECK(settled.replay_note.empty());
  CHECK(world.batches() == 3);
}

TEST_CASE("a replay that cannot be stored changes nothing, and what arrives with it is stored") {
  for (const wire::Record& broken : broken_records()) {
    ReplayWorld world;
    const Settled after =
        world.take({replay(2, broken), arrival(4, readings_record(5, 2000)), replay(2, broken)});
    CHECK(after.verdict == Verdict::kStored);
    CHECK(!after.replay_note.empty());
    CHECK(world.batches() == 4);
    CHECK(world.number("SELECT count(*) FROM quarantine") == 0);
    CHECK(world.number("SELECT first FROM settled") == 1);
    CHECK(world.number("SELECT last FROM settled") == 4);
  }
}

TEST_CASE("a replay that is no record changes nothing") {
  ReplayWorld world;
  Arrival noise = replay(2, {});
  noise.envelope.record = "noise";
  const Settled settled = world.take({noise});
  CHECK(settled.verdict == Verdict::kStored);
  CHECK(!settled.replay_note.empty());
}

TEST_CASE("a replay of another record than the one whose hash is kept is a conflict") {
  ReplayWorld world;
  REQUIRE(world.take({arrival(4, readings_record(5, 2000))}).verdict == Verdict::kStored);
  world.lose(4);
  CHECK(world.take({replay(4, readings_record(6, 2000))}).verdict == Verdict::kConflict);
  CHECK(world.batches() == 3);
  CHECK(world.take({replay(4, readings_record(5, 2000))}).verdict == Verdict::kStored);
  CHECK(world.batches() == 4);
}

TEST_CASE("settling a name again never makes the range that it lies in shorter") {
  ReplayWorld world;
  REQUIRE(world.ledger().settle(1, {1, 1}, Verdict::kStored));
  CHECK(world.number("SELECT last FROM settled WHERE first = 1") == 3);
}

TEST_CASE("a damaged batch is asked for once, and its replay closes the gap") {
  ReplayWorld world;
  REQUIRE(world.ledger().execute("UPDATE node SET current_incarnation = 1 WHERE no = ?1", 1));
  REQUIRE(world.ledger().execute("UPDATE batch SET payload = x'00' WHERE seq = ?1", 2));
  REQUIRE_FALSE(world.store().readings().compact_step({.batches_min = 1}, kStoreNow));
  CHECK(world.number("SELECT readings FROM gap WHERE state = 2") == 5);
  const auto asked = world.store().ask_for_damaged(kStoreNow, kStoreNow);
  REQUIRE(asked);
  REQUIRE(asked->size() == 1);
  CHECK(asked->front().node == "n1");
  CHECK(asked->front().command.verb == "resend");
  CHECK(asked->front().command.arguments.find("\"first\":2") != std::string::npos);
  CHECK(world.store().ask_for_damaged(kStoreNow, kStoreNow)->empty());
  world.take({replay(2, readings_record(5, 1000))});
  CHECK(world.number("SELECT count(*) FROM gap WHERE state <> 3") == 0);
}

}  // namespace fieldpost::test

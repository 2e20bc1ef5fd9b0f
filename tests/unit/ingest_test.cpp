#include "coordinator/ingest/ingest.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;

Arrival arrival_of(std::uint64_t seq, const wire::Record& record) {
  Arrival arrival;
  arrival.node = "n1";
  arrival.envelope.name = {kStoreIncarnation, seq};
  arrival.envelope.record = wire::encode(record);
  return arrival;
}

/// A record of nothing but one gap over these seqs, as names of `each` readings.
Arrival gap_over(std::uint64_t seq, const std::vector<wire::SeqRange>& ranges, std::uint32_t each) {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
  record.stamp.wall = kStoreNow;
  wire::Gap gap;
  gap.cause = wire::GapCause::kShed;
  for (const wire::SeqRange& range : ranges) {
    gap.names.push_back({{kStoreIncarnation, range}, each, true});
  }
  record.gaps.push_back(std::move(gap));
  return arrival_of(seq, record);
}

TEST_CASE(
    "nothing that a node says before its first confirmed hello leaves anything in the store") {
  StoreWorld world;
  Arrival arrival = gap_over(1, {{2, 3}}, 5);
  arrival.node = "ghost";
  const auto settled = world.ingest().commit({arrival}, kStoreNow);
  REQUIRE(settled);
  CHECK(settled->at(0).stranger);
  CHECK(settled->at(0).verdict == wire::Verdict::kNone);
  CHECK(world.store().note_state("ghost", {.state = {.online = true}}, kStoreNow));
  CHECK(!world.ledger().find_node("ghost")->has_value());
}

TEST_CASE("a record that can be stored in no way is dropped, and the others are stored") {
  StoreWorld world;
  // The ledger contradicts itself: a verdict of a name that is not settled.
  REQUIRE(world.store().database().execute("INSERT INTO not_stored VALUES (1, 5, 5, 2)"));
  wire::Record strange;
  strange.kind = 999;
  const auto settled =
      world.ingest().commit({arrival_of(5, strange), gap_over(6, {{7, 7}}, 1)}, kStoreNow);
  REQUIRE_MESSAGE(settled, settled.error().message);
  REQUIRE(settled->size() == 2);
  CHECK(settled->at(0).verdict == wire::Verdict::kNone);
  CHECK(!settled->at(0).dropped.empty());
  CHECK(settled->at(1).verdict == wire::Verdict::kStored);
}

TEST_CASE("a gap that lists a name twice settles and counts it once") {
  StoreWorld world;
  const auto settled =
      world.ingest().commit({gap_over(10, {{2, 5}, {4, 6}, {4, 4}}, 3)}, kStoreNow);
  REQUIRE_MESSAGE(settled, settled.error().message);
  CHECK(settled->front().verdict == wire::Verdict::kStored);
  CHECK(world.number("SELECT readings FROM gap") == 15);
  const auto open = world.ledger().unsettled(1, {1, 10});
  REQUIRE(open);
  CHECK(*open == std::vector<wire::SeqRange>{{1, 1}, {7, 9}});
}

TEST_CASE("a node that says it lost more than can be counted does not break the list of nodes") {
  StoreWorld world;
  constexpr std::uint64_t kHalf = wire::kSeqMax / 2;
  const auto settled = world.ingest().commit(
      {gap_over(1, {{2, kHalf}}, UINT32_MAX), gap_over(kHalf + 1, {{kHalf + 2, wire::kSeqMax}}, 9)},
      kStoreNow);
  REQUIRE_MESSAGE(settled, settled.error().message);
  auto query = world.make_ledger_query();
  REQUIRE(query);
  const auto lost = [&] {
    const auto nodes = query->nodes("", 10, "");
    REQUIRE_MESSAGE(nodes, nodes.error().message);
    return nodes->front().readings_lost;
  };
  CHECK(lost() == 1ull << 53);
  // A store may hold larger numbers from before they were bounded.
  REQUIRE(world.store().database().execute("UPDATE gap SET readings = 9223372036854775807"));
  CHECK(lost() == 1ull << 53);
}

}  // namespace
}  // namespace fieldpost::test

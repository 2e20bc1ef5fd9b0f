// Deletion by request, from the ledger's side.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/query/ledger_query.h"
#include "tests/support/reading_world.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;
using coordinator::DeletionRequest;
using rt::Errc;

/// Ten readings of two measurements at 0 … 9, all `value`.
Arrival readings(std::uint64_t seq, std::uint64_t value) {
  const auto set = make_set({"air temp f", "soil wet f"});
  wire::Columns columns;
  columns.columns.resize(2);
  for (wire::Column& column : columns.columns) {
    for (std::int64_t time = 0; time < 10; ++time) {
      column.times.push_back(time);
      column.values.push_back(value);
    }
  }
  const auto batch = make_batch(1, {}, set, columns);
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kReadings);
  record.stamp.wall = kStoreNow;
  record.set = set->hash;
  record.readings = 20;
  record.codec = batch.codec;
  record.raw_size = batch.raw_size;
  record.payload = batch.payload;
  Arrival arrival;
  arrival.node = "n1";
  arrival.envelope.name = {kStoreIncarnation, seq};
  arrival.envelope.definitions = {set->encode()};
  arrival.envelope.record = wire::encode(record);
  return arrival;
}

wire::Verdict commit(StoreWorld& world, const Arrival& arrival) {
  const auto settled = world.ingest().commit({arrival}, kStoreNow);
  REQUIRE(settled);
  return settled->at(0).verdict;
}

/// What is left in chunks once everything is compacted and taken out.
std::int64_t left(StoreWorld& world, const std::string& measurement) {
  for (bool more = true; more;) {
    const auto worked = world.store().readings().compact_step({1, 0, 1000}, kStoreNow);
    REQUIRE(worked);
    more = *worked;
  }
  for (bool more = true; more;) {
    const auto step = world.store().eraser().step({}, {kStoreNow});
    REQUIRE(step);
    more = step->more;
  }
  return *world.number("SELECT sum(count) FROM series WHERE key LIKE '" + measurement + "%'");
}

}  // namespace

TEST_CASE("what is deleted is settled as ever, and a replay does not bring it back") {
  StoreWorld world;
  REQUIRE(commit(world, readings(1, 1)) == wire::Verdict::kStored);
  const auto deleted =
      world.store().delete_readings({"n1", "air", 0, 4, "deleted by me"}, kStoreNow);
  REQUIRE(deleted);
  REQUIRE(deleted->size() == 1);
  CHECK(left(world, "air") == 5);
  CHECK(left(world, "soil") == 10);
  Arrival again = readings(1, 1);
  CHECK(commit(world, again) == wire::Verdict::kStored);
  again.envelope.replay = true;
  CHECK(commit(world, again) == wire::Verdict::kStored);
  CHECK(left(world, "air") == 5);
  CHECK(left(world, "soil") == 10);
  CHECK(commit(world, readings(2, 2)) == wire::Verdict::kStored);  // written anew
  CHECK(left(world, "air") == 10);
}

TEST_CASE("what was on its way when it was deleted is left out, what came over HTTP after stays") {
  StoreWorld world;
  REQUIRE(commit(world, readings(5, 1)) == wire::Verdict::kStored);
  REQUIRE(world.store().delete_readings({"n1", "", 0, 9, ""}, kStoreNow));
  CHECK(commit(world, readings(4, 1)) == wire::Verdict::kStored);
  CHECK(left(world, "air") == 0);
  CHECK(world.number("SELECT readings FROM gap") == 40);
  world.restart(kStoreNow);  // a new ordinal of HTTP, and what was deleted stays so
  CHECK(commit(world, readings(3, 1)) == wire::Verdict::kStored);
  CHECK(left(world, "air") == 0);
}

TEST_CASE("what a process writes after a deletion stays, also when its hello came only then") {
  // The store was set back: it forgot an incarnation to which it had given an ordinal.
  StoreWorld world;
  REQUIRE(commit(world, readings(1, 1)) == wire::Verdict::kStored);
  REQUIRE(world.store().delete_readings({"n1", "air", 0, INT64_MAX, ""}, kStoreNow));
  const wire::IncarnationId forgotten{kStoreIncarnation.spool, 2};
  coordinator::Statement hello;
  hello.node = "n1";
  hello.head.spool = forgotten.spool;
  hello.incarnations.push_back(
      {.id = forgotten, .ordinal = 5, .highest = 3, .live = true, .held = {{1, 3}}});
  REQUIRE(world.store().concluder().conclude(hello, {kStoreNow}));
  Arrival before = readings(3, 1);
  before.envelope.name.incarnation = forgotten;
  CHECK(commit(world, before) == wire::Verdict::kStored);
  CHECK(left(world, "air") == 0);
  Arrival after = readings(4, 2);
  after.envelope.name.incarnation = forgotten;
  CHECK(commit(world, after) == wire::Verdict::kStored);
  CHECK(left(world, "air") == 10);
}

TEST_CASE("a deletion is shown among the gaps and counts as no loss") {
  StoreWorld world;
  REQUIRE(commit(world, readings(1, 1)) == wire::Verdict::kStored);
  REQUIRE(world.store().delete_readings({"", "air", 2, INT64_MAX, "deleted by me"}, kStoreNow));
  CHECK(left(world, "air") == 2);
  auto query = world.make_ledger_query();
  REQUIRE(query);
  const auto gaps = query->gaps({}, 0, 10);
  REQUIRE(gaps);
  REQUIRE(gaps->size() == 1);
  CHECK(gaps->at(0).cause == "deleted");
  CHECK(gaps->at(0).by == "deleted by me");
  CHECK(gaps->at(0).readings == 8);
  CHECK(gaps->at(0).from == 2);
  CHECK_FALSE(gaps->at(0).to);
  REQUIRE(gaps->at(0).series);
  CHECK(gaps->at(0).series->size() == 1);
  const coordinator::SeriesId concerned = gaps->at(0).series->front();
  const auto found = [&](const coordinator::GapFilter& filter) {
    return query->gaps(filter, 0, 10)->size();
  };
  CHECK(found({.node = {}, .series = {concerned}}) == 1);
  CHECK(found({.node = {}, .series = {concerned + 1}}) == 0);
  CHECK(found({.node = {}, .series = {concerned + 1, concerned}}) == 1);
  CHECK(found({.node = {}, .series = {}, .from = 5, .to = 6}) == 1);
  CHECK(found({.node = {}, .series = {}, .from = 5, .to = 5}) == 0);
  const auto nodes = query->nodes("", 10, "n1");
  REQUIRE(nodes);
  CHECK(nodes->at(0).gaps == 0);
  CHECK(nodes->at(0).readings_lost == 0);
}

TEST_CASE("a deletion of nothing is refused") {
  StoreWorld world;
  REQUIRE(commit(world, readings(1, 1)) == wire::Verdict::kStored);
  const auto none = world.store().delete_readings({"n1", "water", 0, 9, ""}, kStoreNow);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == Errc::kNotFound);
  CHECK(world.number("SELECT count(*) FROM gap") == 0);
}

}  // namespace fieldpost::test

// Under which rank a renamed record is stored [name-6].
#include <doctest/doctest.h>

#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using wire::Verdict;

struct RenamedWorld : StoreWorld {
  RenamedWorld() { REQUIRE(store().readings().add_set(sample_set().encode())); }

  void take(std::uint64_t seq, std::int64_t first_time, std::optional<wire::Name> first_name) {
    wire::Record record = readings_record(5, first_time);
    record.first_name = first_name;
    const auto settled = ingest().commit({arrival(seq, record)}, kStoreNow);
    REQUIRE_MESSAGE(settled, settled.error().message);
    REQUIRE(settled->front().verdict == Verdict::kStored);
  }
  std::int64_t readings() { return *number("SELECT sum(readings) FROM batch"); }
};

}  // namespace

TEST_CASE("records first named in incarnations that nobody stated are all stored, as their own") {
  RenamedWorld world;
  world.take(1, 1000, wire::Name{{{7, 7}, 77}, 1});
  world.take(2, 2000, wire::Name{{{7, 7}, 78}, 1});
  CHECK(world.readings() == 10);
  CHECK(world.number("SELECT count(DISTINCT ordinal) FROM batch") == 1);
  CHECK(world.number("SELECT max(seq) FROM batch") == 2);
}

TEST_CASE("a first name in an incarnation of another node says nothing") {
  RenamedWorld world;
  const wire::IncarnationId others{{8, 8}, 1};
  const auto node = world.ledger().node_no("n2", kStoreNow);
  REQUIRE(world.ledger().enter(*node, others, 0, 0, kStoreNow));
  world.take(3, 1000, wire::Name{others, 1});
  CHECK(world.number("SELECT seq FROM batch") == 3);
}

TEST_CASE("two records that were given one first name are both stored") {
  RenamedWorld world;
  world.take(1, 1000, std::nullopt);
  world.take(2, 2000, name(1));
  CHECK(world.readings() == 10);
}

TEST_CASE("a record that was stored under its first name leaves one under the next") {
  RenamedWorld world;
  world.take(1, 1000, std::nullopt);
  world.take(2, 1000, name(1));
  CHECK(world.readings() == 5);
}

}  // namespace fieldpost::test

#include "coordinator/store/reading_store.h"

#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Reading;
using coordinator::TimeRange;
using rt::Errc;

const std::vector<std::string> kKeys{"air,room=a temp f", "air,room=a count i",
                                     "air,room=b state s"};

std::uint64_t f64(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

/// `count` readings each of the first two series from `from` on, 10 ns apart; one text.
wire::Columns columns(std::int64_t from, int count, double value) {
  wire::Columns out;
  out.columns.resize(3);
  for (int i = 0; i < count; ++i) {
    out.columns[0].times.push_back(from + i * 10);
    out.columns[0].values.push_back(f64(value + i));
    out.columns[1].times.push_back(from + i * 10);
    out.columns[1].values.push_back(static_cast<std::uint64_t>(-i));
  }
  out.columns[2] = {{from}, {0}, {"text " + std::to_string(from)}};
  return out;
}

std::vector<std::int64_t> times(const std::vector<Reading>& readings) {
  std::vector<std::int64_t> out;
  for (const Reading& reading : readings) out.push_back(reading.time);
  return out;
}

}  // namespace

TEST_CASE("readings come back before and after compaction, strings too") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set(kKeys);
  world.add(make_batch(node, {1, 1}, set, columns(100, 3, 1.5)));
  world.add(make_batch(node, {1, 2}, set, columns(130, 2, 9.5)));
  for (const bool compacted : {false, true}) {
    INFO("compacted: ", compacted);
    if (compacted) world.compact();
    CHECK(world.number("SELECT count(*) FROM batch") == (compacted ? 0 : 2));
    const auto all = world.all(1);
    CHECK(times(all) == std::vector<std::int64_t>{100, 110, 120, 130, 140});
    CHECK(all[3].value == f64(9.5));
    const auto texts = world.all(3);
    REQUIRE(texts.size() == 2);
    CHECK(texts[1].text == "text 130");
    const auto last = world.query().last({2, 3, 99});
    REQUIRE(last);
    REQUIRE(last->size() == 2);
    CHECK((*last)[0].second.time == 140);
    CHECK((*last)[0].second.value == static_cast<std::uint64_t>(-1));
    CHECK((*last)[1].second.text == "text 130");
  }
}

TEST_CASE("the same rank added again leaves one, before and after compaction") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto batch = make_batch(node, {1, 1}, make_set(kKeys), columns(100, 3, 1.5));
  world.add(batch);
  world.add(batch);
  CHECK(world.number("SELECT count(*) FROM batch") == 1);
  world.compact();
  world.add(batch);
  CHECK(world.all(1).size() == 3);
  world.compact();
  CHECK(world.all(1).size() == 3);
  CHECK(world.number("SELECT sum(count) FROM chunk WHERE series_id = 1") == 3);
}

TEST_CASE("the higher rank wins for one time, whenever it comes") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set(kKeys);
  world.add(make_batch(node, {2, 1}, set, columns(100, 1, 2.0)));
  world.compact();
  world.add(make_batch(node, {1, 9}, set, columns(100, 1, 1.0)));
  CHECK(world.all(1).at(0).value == f64(2.0));
  world.compact();
  CHECK(world.all(1).at(0).value == f64(2.0));
  world.add(make_batch(node, {2, 2}, set, columns(100, 1, 3.0)));
  CHECK(world.all(1).at(0).value == f64(3.0));
  CHECK(world.query().last({1})->at(0).second.value == f64(3.0));
  world.compact();
  CHECK(world.all(1).at(0).value == f64(3.0));
}

TEST_CASE("readings that different boots stamped with one time stay apart") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set(kKeys);
  const wire::Id128 boot{7, 8};
  world.add(make_batch(node, {1, 2}, set, columns(100, 2, 2.0), boot));
  world.add(make_batch(node, {1, 1}, set, columns(100, 2, 1.0)));
  for (const bool compacted : {false, true}) {
    INFO("compacted: ", compacted);
    if (compacted) world.compact();
    const auto all = world.all(1);
    REQUIRE(times(all) == std::vector<std::int64_t>{100, 100, 110, 110});
    CHECK(all[0].boot.is_zero());
    CHECK(all[1].boot == boot);
    CHECK(all[1].value == f64(2.0));
    // A page ends before the times that it would cut, and exceeds its limit rather than none.
    CHECK(world.query().readings(1, {}, 3)->size() == 2);
    CHECK(world.query().readings(1, {}, 1)->size() == 2);
    CHECK(world.all(1, 1).size() == 4);
    const auto buckets = world.query().aggregate(1, {}, 1);
    REQUIRE(buckets->size() == 1);
    CHECK(buckets->at(0).count == 4);
    CHECK(buckets->at(0).first == 1.0);
    CHECK(buckets->at(0).last == 3.0);
  }
}

TEST_CASE("many small steps leave full chunks and a short tail of small ones") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set({"air temp f"});
  for (int i = 0; i < 200; ++i) {
    wire::Columns one;
    one.columns.resize(1);
    for (int k = 0; k < 60; ++k) {
      one.columns[0].times.push_back((i * 60 + k) * 1000);
      one.columns[0].values.push_back(f64(k));
    }
    world.add(make_batch(node, {1, static_cast<std::uint64_t>(i + 1)}, set, one));
    world.compact();
  }
  CHECK(world.number("SELECT sum(count) FROM chunk") == 12'000);
  CHECK(world.number("SELECT count(*) FROM chunk WHERE is_full") == 2);
  CHECK(*world.number("SELECT count(*) FROM chunk") <= 2 + 8);
  CHECK(world.number("SELECT count(*) FROM pack") == world.number("SELECT count(*) FROM chunk"));
  CHECK(world.all(1).size() == 12'000);
}

TEST_CASE("records that repeat the end of the one before leave no small chunks") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set({"air temp f"});
  for (int i = 0; i < 100; ++i) {
    wire::Columns columns;
    columns.columns.resize(1);
    for (int k = 0; k <= 60; ++k) {
      columns.columns[0].times.push_back((i * 60 + k) * 1000);
      columns.columns[0].values.push_back(f64(k));
    }
    world.add(make_batch(node, {1, static_cast<std::uint64_t>(i + 1)}, set, columns));
    world.compact();
  }
  CHECK(world.number("SELECT sum(count) FROM chunk") == 6001);
  CHECK(*world.number("SELECT count(*) FROM chunk") <= 1 + 8);
}

TEST_CASE("a pack that most of its chunks left is written again without their bytes") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  std::vector<std::string> keys;
  for (int i = 0; i < 8; ++i) keys.push_back("air,no=" + std::to_string(i) + " temp f");
  const auto set = make_set(keys);
  wire::Columns all;
  for (std::uint64_t i = 0; i < 8; ++i) all.columns.push_back({{1, 9}, {f64(1.5), f64(2.5)}, {}});
  world.add(make_batch(node, {1, 1}, set, all));
  world.compact();
  REQUIRE(world.number("SELECT users FROM pack") == 8);
  const auto size = world.number("SELECT length(bytes) FROM pack");
  wire::Columns late;
  late.columns.resize(8);
  for (std::size_t i = 0; i < 5; ++i) late.columns[i] = {{5}, {f64(3.5)}, {}};
  world.add(make_batch(node, {1, 2}, set, late));
  world.compact();
  CHECK(world.number("SELECT count(*) FROM pack") == 2);
  CHECK(world.number("SELECT made_for FROM pack WHERE users = 3") == 3);
  CHECK(*world.number("SELECT length(bytes) FROM pack WHERE users = 3") < *size);
  for (coordinator::SeriesId id = 1; id <= 8; ++id) {
    INFO("series ", id);
    CHECK(world.all(id).size() == (id <= 5 ? 3 : 2));
    CHECK(world.all(id).back().value == f64(2.5));
  }
}

TEST_CASE("late readings split the chunk that they fall into, and no other") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set({"air temp f"});
  wire::Columns many;
  many.columns.resize(1);
  for (int k = 0; k < 3 * 4096; ++k) {
    many.columns[0].times.push_back(k * 1000);
    many.columns[0].values.push_back(f64(k));
  }
  world.add(make_batch(node, {1, 1}, set, many));
  world.compact();
  REQUIRE(world.number("SELECT count(*) FROM chunk") == 3);
  const auto first_pack = world.number("SELECT min(pack_no) FROM chunk");
  wire::Columns late;
  late.columns.push_back({{5000 * 1000 + 1}, {f64(-1)}, {}});
  world.add(make_batch(node, {1, 2}, set, late));
  world.compact();
  CHECK(world.number("SELECT count(*) FROM chunk") == 4);
  CHECK(world.number("SELECT min(pack_no) FROM chunk") == first_pack);
  CHECK(world.number("SELECT sum(count) FROM chunk") == 3 * 4096 + 1);
  CHECK(world.all(1).at(5001).value == f64(-1));
}

TEST_CASE("aggregate gives equal buckets, leaves empty ones out, and refuses strings") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  world.add(make_batch(node, {1, 1}, make_set(kKeys), columns(100, 3, 1.0)));
  for (const bool compacted : {false, true}) {
    INFO("compacted: ", compacted);
    if (compacted) world.compact();
    const auto buckets = world.query().aggregate(1, TimeRange{0, 200}, 10);
    REQUIRE(buckets);
    REQUIRE(buckets->size() == 2);
    CHECK(buckets->at(0).time == 100);
    CHECK(buckets->at(0).count == 2);
    CHECK(buckets->at(0).mean == 1.5);
    CHECK(buckets->at(1).time == 120);
    CHECK(buckets->at(1).max == 3.0);
    CHECK(world.query().aggregate(3, {}, 10).error().code == Errc::kInvalid);
    CHECK(world.query().aggregate(1, {}, 0).error().code == Errc::kInvalid);
    CHECK(world.query().aggregate(99, {}, 10).error().code == Errc::kNotFound);
    CHECK(world.query().readings(99, {}, 10).error().code == Errc::kNotFound);
  }
}

TEST_CASE("NaN readings are kept and left out of buckets") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  wire::Columns some;
  some.columns.push_back({{1, 2, 3}, {f64(1), 0x7ff8000000000123ULL, f64(3)}, {}});
  world.add(make_batch(node, {1, 1}, make_set({"air temp f"}), some));
  for (const bool compacted : {false, true}) {
    INFO("compacted: ", compacted);
    if (compacted) world.compact();
    CHECK(world.all(1).at(1).value == 0x7ff8000000000123ULL);
    const auto buckets = world.query().aggregate(1, {}, 1);
    CHECK(buckets->at(0).count == 2);
    CHECK(buckets->at(0).mean == 2.0);
  }
}

TEST_CASE("series are listed with their counts, by node, names and tags") {
  ReadingWorld world;
  const auto one = world.add_node("one");
  const auto two = world.add_node("two");
  const auto set = make_set(kKeys);
  world.add(make_batch(one, {1, 1}, set, columns(100, 3, 1.0)));
  world.compact();
  world.add(make_batch(one, {1, 2}, set, columns(50, 2, 1.0)));
  world.add(make_batch(two, {2, 1}, set, columns(100, 3, 1.0)));
  auto& query = world.query();
  CHECK(query.series({}, 0, 100)->size() == 6);
  CHECK(query.series({}, 4, 100)->size() == 2);
  CHECK(query.series({}, 0, 4)->size() == 4);
  const auto found = query.series({.node = "one", .measurement = "air", .field = "temp"}, 0, 9);
  REQUIRE(found->size() == 1);
  CHECK(found->at(0).count == 5);
  CHECK(found->at(0).first_time == 50);
  CHECK(found->at(0).last_time == 120);
  CHECK(found->at(0).key.field == "temp");
  CHECK(query.series({.tags = {{"room", "b"}}}, 0, 9)->size() == 2);
  CHECK(query.series({.node = "three"}, 0, 9)->empty());
  CHECK(query.series_by_id({6, 99, 1})->size() == 2);
}

TEST_CASE("sets are found by hash, and bad ones refused") {
  ReadingWorld world;
  const auto set = make_set(kKeys);
  CHECK(world.store().find_set(set->hash).error().code == Errc::kNotFound);
  CHECK(world.store().add_set("no key\n").error().code == Errc::kInvalid);
  REQUIRE(world.store().add_set(set->encode()));
  REQUIRE(world.store().add_set(set->encode()));
  CHECK((*world.store().find_set(set->hash))->keys == kKeys);
  CHECK(world.number("SELECT count(*) FROM series_set") == 1);
}

TEST_CASE("what was rolled back is forgotten") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto batch = make_batch(node, {1, 1}, make_set(kKeys), columns(100, 3, 1.0));
  REQUIRE(world.db().begin());
  REQUIRE(world.store().add_batch(batch, {}));
  world.db().rollback();
  world.store().forget_uncommitted();
  CHECK(world.store().find_set(batch.set->hash).error().code == Errc::kNotFound);
  CHECK_FALSE(*world.store().compact_step(kCompactAll, {}));
  world.add(batch);
  CHECK(world.all(1).size() == 3);
}

TEST_CASE("compaction waits for enough batches, enough readings, or age") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set(kKeys);
  auto& store = world.store();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    const auto from = static_cast<std::int64_t>(seq) * 100;
    world.add(make_batch(node, {1, seq}, set, columns(from, 3, 1.0)), {1000});
  }
  using Limits = coordinator::CompactionLimits;
  CHECK_FALSE(*store.compact_step(Limits{4, 500, 1000}, {1000}));
  CHECK_FALSE(*store.compact_step(Limits{4, 500, 1000}, {1499}));
  SUBCASE("age") {
    CHECK(*store.compact_step(Limits{4, 500, 1000}, {1500}));
  }
  SUBCASE("batches") {
    CHECK(*store.compact_step(Limits{3, 500, 1000}, {1000}));
  }
  SUBCASE("readings") {
    CHECK(*store.compact_step(Limits{4, 500, 21}, {1000}));
  }
  CHECK(world.all(1).size() == 9);
}

TEST_CASE("a step decodes no more than its readings, but at least one batch") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set(kKeys);
  for (std::uint64_t seq = 1; seq <= 3; ++seq) {
    world.add(make_batch(node, {1, seq}, set, columns(100, 3, 1.0)));
  }
  CHECK(*world.store().compact_step({1, 0, 14}, {}));
  CHECK(world.number("SELECT count(*) FROM batch") == 1);
  CHECK(*world.store().compact_step({1, 0, 1}, {}));
  CHECK(world.number("SELECT count(*) FROM batch") == 0);
}

}  // namespace fieldpost::test

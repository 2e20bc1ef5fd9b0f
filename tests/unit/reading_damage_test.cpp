// Damaged rows: reported once, set aside, and the rest goes on.

#include <doctest/doctest.h>

#include <bit>
#include <string>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/reading_store.h"
#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using coordinator::ReadingBatch;
using rt::Errc;

/// Three records of one series with 2, 2 and 2 readings.
struct DamagedWorld : ReadingWorld {
  DamagedWorld() {
    const auto node = add_node("n1");
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      const auto from = static_cast<std::int64_t>(seq) * 100;
      wire::Columns columns;
      columns.columns.push_back({{from, from + 10}, {std::bit_cast<std::uint64_t>(1.5), seq}, {}});
      batches.push_back(make_batch(node, {1, seq}, make_set({"air temp f"}), columns));
      add(batches.back());
    }
  }
  std::vector<ReadingBatch> batches;
};

}  // namespace

TEST_CASE("a damaged batch is reported once by compaction, set aside, and healed by a replay") {
  DamagedWorld world;
  SUBCASE("its bytes") {
    world.execute("UPDATE batch SET payload = x'00' WHERE seq = 2");
  }
  SUBCASE("its set") {
    world.execute("DELETE FROM series_set");
  }
  const bool only_one = world.number("SELECT count(*) FROM series_set") == 1;
  world.close();
  world.open();
  const auto step = world.store().compact_step(kCompactAll, {});
  REQUIRE_FALSE(step);
  CHECK(step.error().code == Errc::kCorrupt);
  CHECK(world.number("SELECT count(*) FROM damaged_batch") == 1);
  CHECK(world.number("SELECT count(*) FROM batch") == 2);
  if (!only_one) return;
  world.compact();
  CHECK(world.all(1).size() == 4);
  world.add(world.batches[1]);
  CHECK(world.all(1).size() == 6);
  world.compact();
  CHECK(world.all(1).size() == 6);
}

TEST_CASE("what SQLite calls corrupt is not told as the damage of a batch or chunk") {
  DamagedWorld world;
  const auto break_table = [&](const std::string& name) {
    world.execute("PRAGMA writable_schema = ON");
    world.execute(
        "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
        " WHERE name = 'boot_clock') WHERE name = '" +
        name + "'");
    world.close();
    world.open();
  };
  SUBCASE("when a batch is read") {
    break_table("series_set");
  }
  SUBCASE("when the chunk below it is") {
    world.compact();
    world.add(world.batches[0]);
    break_table("pack");
  }
  const auto step = world.store().compact_step(kCompactAll, {});
  REQUIRE_FALSE(step);
  CHECK(step.error().code == Errc::kIo);
  CHECK(world.number("SELECT count(*) FROM damaged_batch") == 0);
  CHECK(world.number("SELECT count(*) FROM damaged_chunk") == 0);
}

TEST_CASE("a query reports a damaged batch once and goes on without it") {
  DamagedWorld world;
  world.execute("UPDATE batch SET payload = x'00' WHERE seq = 2");
  CHECK(world.query().readings(1, {}, 10).error().code == Errc::kCorrupt);
  CHECK(world.query().readings(1, {}, 10)->size() == 4);
  CHECK(world.query().aggregate(1, {}, 1)->at(0).count == 4);
  CHECK(world.query().series({}, 0, 9)->at(0).count == 4);
  CHECK(world.query().last({1})->at(0).second.time == 310);
}

TEST_CASE("a damaged chunk is reported once by a query, which goes on without it") {
  DamagedWorld world;
  world.compact();
  REQUIRE(world.number("SELECT count(*) FROM chunk") == 1);
  SUBCASE("bytes") {
    world.execute("UPDATE pack SET bytes = zeroblob(length(bytes))");
  }
  SUBCASE("short") {
    world.execute("UPDATE pack SET bytes = substr(bytes, 1, 12)");
  }
  SUBCASE("gone") {
    world.execute("DELETE FROM pack");
  }
  SUBCASE("count") {
    world.execute("UPDATE chunk SET count = 5");
  }
  CHECK(world.query().readings(1, {}, 10).error().code == Errc::kCorrupt);
  CHECK(world.query().readings(1, {}, 10)->empty());
}

TEST_CASE("a damaged chunk is set aside when compaction meets it") {
  DamagedWorld world;
  world.compact();
  world.execute("UPDATE pack SET bytes = zeroblob(length(bytes))");
  wire::Columns late;
  late.columns.push_back({{205}, {7}, {}});
  world.add(make_batch(1, {1, 4}, make_set({"air temp f"}), late));
  const auto step = world.store().compact_step(kCompactAll, {});
  REQUIRE_FALSE(step);
  CHECK(step.error().code == Errc::kCorrupt);
  CHECK(world.number("SELECT count FROM damaged_chunk") == 6);
  CHECK(world.number("SELECT count(*) FROM pack") == 0);
  world.compact();
  CHECK(world.all(1).size() == 1);
  CHECK(world.query().series({}, 0, 9)->at(0).count == 1);
}

TEST_CASE("last goes back behind a damaged chunk of strings") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  const auto set = make_set({"air state s"});
  for (std::uint64_t seq = 1; seq <= 2; ++seq) {
    wire::Columns columns;
    columns.columns.resize(1);
    for (std::uint64_t i = 0; i < 4096; ++i) {
      columns.columns[0].times.push_back(static_cast<std::int64_t>(seq * 10'000 + i));
      columns.columns[0].values.push_back(0);
    }
    columns.columns[0].strings = {"text " + std::to_string(seq)};
    world.add(make_batch(node, {1, seq}, set, columns));
    world.compact();
  }
  CHECK(world.query().last({1})->at(0).second.text == "text 2");
  world.execute("DELETE FROM pack WHERE no = (SELECT max(no) FROM pack)");
  world.close();
  world.open();
  CHECK(world.query().last({1}).error().code == Errc::kCorrupt);
  CHECK(world.query().last({1})->at(0).second.text == "text 1");
}

TEST_CASE("what is damaged is delivered no more but in a gap, until it comes again") {
  DamagedWorld world;
  world.execute("UPDATE node SET delivered = 6");
  world.execute("UPDATE batch SET payload = x'00' WHERE seq = 2");
  REQUIRE_FALSE(world.store().compact_step(kCompactAll, {}));
  CHECK(world.number("SELECT delivered FROM node") == 4);
  CHECK(world.number("SELECT readings FROM gap WHERE state = 2 AND cause = 4") == 2);
  CHECK(world.number("SELECT first_time FROM gap") == 200);
  CHECK(world.number("SELECT last_time FROM gap") == 210);
  CHECK(world.number("SELECT length(sets) FROM gap") == 16);
  CHECK(world.number("SELECT sum(readings) FROM damage") == 2);
  world.add(world.batches[1]);
  CHECK(world.number("SELECT state FROM gap") == 3);
  CHECK(world.number("SELECT delivered FROM node") == 6);
  CHECK(world.number("SELECT count(*) FROM damage") == 0);
}

TEST_CASE("a damaged chunk is a gap of its readings, for good") {
  DamagedWorld world;
  world.execute("UPDATE node SET delivered = 6");
  world.compact();
  world.execute("UPDATE pack SET bytes = zeroblob(length(bytes))");
  wire::Columns late;
  late.columns.push_back({{205}, {7}, {}});
  world.add(make_batch(1, {1, 4}, make_set({"air temp f"}), late));
  REQUIRE_FALSE(world.store().compact_step(kCompactAll, {}));
  CHECK(world.number("SELECT readings FROM gap WHERE state = 2 AND cause = 4") == 6);
  CHECK(world.number("SELECT delivered FROM node") == 0);
  CHECK(world.number("SELECT sum(readings) FROM damage WHERE ordinal IS NULL") == 6);
}

TEST_CASE("only so many damaged rows are kept") {
  DamagedWorld world;
  world.execute(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
      " INSERT INTO damaged_batch SELECT i, 1, 1, i, 1, x'', 0, 0, 'why', x'' FROM n");
  world.execute("UPDATE batch SET payload = x'00' WHERE seq = 2");
  CHECK_FALSE(world.store().compact_step(kCompactAll, {}));
  CHECK(world.number("SELECT count(*) FROM damaged_batch") == 256);
  CHECK(world.number("SELECT max(seq) FROM damaged_batch WHERE why <> 'why'") == 2);
}

}  // namespace fieldpost::test

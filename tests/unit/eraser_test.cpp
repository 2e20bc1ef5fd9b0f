// Deletion and retention of readings, and what they leave.

#include "coordinator/store/eraser.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/deletion_table.h"
#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using coordinator::DeletionScope;
using coordinator::Reading;
using coordinator::RetentionRule;
using coordinator::RetentionRules;
using rt::Errc;

constexpr std::int64_t kHour = 3'600'000'000'000;
const std::vector<std::string> kKeys{"air temp f", "air count i", "soil wet f"};

/// `count` readings of each series from `from` on, `step` apart; their values are `value`.
wire::Columns columns(std::int64_t from, int count, std::uint64_t value, std::int64_t step = 1) {
  wire::Columns out;
  out.columns.resize(kKeys.size());
  for (int i = 0; i < count; ++i) {
    for (wire::Column& column : out.columns) {
      column.times.push_back(from + i * step);
      column.values.push_back(value);
    }
  }
  return out;
}

/// Series 1 and 2 are of `air`, 3 is of `soil`; 100 readings of each at 0 … 99, ranks 1:1 and 1:2.
struct Garden : ReadingWorld {
  Garden() {
    node = add_node("n1");
    add(batch(1, columns(0, 50, 1)));
    add(batch(2, columns(50, 50, 2)));
  }
  coordinator::ReadingBatch batch(std::uint64_t seq, wire::Columns with,
                                  wire::Id128 boot = {}) const {
    return make_batch(node, {1, seq}, set, std::move(with), boot);
  }
  std::size_t count(coordinator::SeriesId id) { return all(id).size(); }

  coordinator::NodeNo node = 0;
  std::shared_ptr<const wire::SeriesSet> set = make_set(kKeys);
};

std::vector<std::int64_t> times(const std::vector<Reading>& readings) {
  std::vector<std::int64_t> out;
  for (const Reading& reading : readings) out.push_back(reading.time);
  return out;
}

RetentionRule keep(const std::string& measurement, std::int64_t keep_ns,
                   const std::string& node = "*") {
  return {measurement, node, keep_ns, "keep " + measurement};
}

}  // namespace

TEST_CASE("a deletion holds for every answer from its commit on") {
  Garden world;
  SUBCASE("of what waits") {}
  SUBCASE("of what is compacted") {
    world.compact();
  }
  world.delete_readings({world.node, "air", 20, 89, ""}, {{1, 2}});
  for (const bool erased : {false, true}) {
    INFO("erased: ", erased);
    if (erased) {
      world.compact();
      world.erase();
    }
    CHECK(world.count(1) == 30);
    CHECK(world.count(3) == 100);
    CHECK(world.all(2).at(20).time == 90);
    const auto buckets = world.query().aggregate(1, {0, 100}, 10);
    REQUIRE(buckets);
    CHECK(buckets->size() == 3);
    const auto last = world.query().last({1});
    REQUIRE(last);
    CHECK(last->at(0).second.time == 99);
  }
  CHECK(world.number("SELECT readings FROM deletion") == 140);
  CHECK(world.number("SELECT readings FROM gap") == 140);
  CHECK(world.number("SELECT state FROM deletion") == 2);
  CHECK(world.number("SELECT count FROM series WHERE id = 1") == 30);
}

TEST_CASE("the last reading is the last that is left") {
  Garden world;
  world.compact();
  world.delete_readings({world.node, "", 60, INT64_MAX, ""}, {{1, 2}});
  CHECK(world.query().last({1})->at(0).second.time == 59);
  world.delete_readings({world.node, "", INT64_MIN, INT64_MAX, ""}, {{1, 2}});
  CHECK(world.query().last({1})->empty());
  world.erase();
  CHECK(world.query().last({1})->empty());
  CHECK(world.number("SELECT count(*) FROM chunk") == 0);
  CHECK(world.number("SELECT count(*) FROM pack") == 0);
}

TEST_CASE("what was deleted does not come back, under its own name or another") {
  Garden world;
  world.compact();
  world.delete_readings({world.node, "", 0, 99, ""}, {{1, 2}});
  world.erase();
  world.add(world.batch(1, columns(0, 50, 1)));  // a replay
  wire::Columns rest = columns(50, 50, 2);
  rest.origins = {wire::Name{{{1, 2}, 3}, 2}};
  rest.origin_runs.assign(kKeys.size(), std::vector<wire::OriginRun>{{0, 50}});
  auto thinned = world.batch(7, rest);
  thinned.origin_ranks = {{1, 2}};
  world.add(thinned);
  for (const bool compacted : {false, true}) {
    if (compacted) world.compact();
    CHECK(world.count(1) == 0);
    CHECK(world.query().last({1})->empty());
  }
  CHECK(world.number("SELECT readings FROM deletion") == 600);
}

TEST_CASE("what is written after a deletion stays, whatever its time, and wins over what goes") {
  Garden world;
  world.add(make_batch(world.node, {9, 1}, world.set, columns(10, 10, 7)));  // a higher rank
  world.compact();
  world.delete_readings({world.node, "", 0, 99, ""}, {{1, 2}, {9, 1}});
  world.add(world.batch(3, columns(15, 10, 5)));
  SUBCASE("seen at once") {}
  SUBCASE("compacted while the old ones are there") {
    world.compact();
  }
  SUBCASE("compacted after they went") {
    world.erase();
    world.compact();
  }
  CHECK(world.count(1) == 10);
  CHECK(world.all(1).front().value == 5);
  world.compact();
  world.erase();
  CHECK(world.count(1) == 10);
}

TEST_CASE("chunks that go whole are not decoded") {
  Garden world;
  world.compact();
  world.execute("UPDATE pack SET bytes = zeroblob(length(bytes))");
  world.delete_readings({world.node, "", 0, 99, ""}, {{1, 2}});
  CHECK(world.count(1) == 0);  // a damaged one would be told
  CHECK(world.query().last({1, 3})->empty());
  world.erase();
  CHECK(world.number("SELECT count(*) FROM chunk") == 0);
  CHECK(world.number("SELECT count(*) FROM damaged_chunk") == 0);
}

TEST_CASE("a damaged chunk that goes in part is told and set aside, and the rest goes on") {
  Garden world;
  world.compact();
  world.execute("UPDATE pack SET bytes = zeroblob(length(bytes))");
  world.delete_readings({world.node, "", 10, 20, ""}, {{1, 2}});
  int told = 0;
  for (int i = 0; i < 20; ++i) {
    const auto step = world.eraser().step({}, {});
    if (step) continue;
    CHECK(step.error().code == Errc::kCorrupt);
    ++told;
  }
  CHECK(told == 3);
  CHECK(world.number("SELECT count(*) FROM damaged_chunk") == 3);
  CHECK(world.number("SELECT state FROM deletion") == 2);
}

TEST_CASE("a node has a bounded number of deletions") {
  Garden world;
  for (std::int64_t i = 0; i < coordinator::kDeletionsOfNodeMax; ++i) {
    world.delete_readings({world.node, "", i, i, ""}, {});
  }
  REQUIRE(world.db().begin());
  const auto more = coordinator::add_deletion(world.db(), {world.node, "", 0, 0, ""}, 0, {}, {});
  REQUIRE_FALSE(more);
  CHECK(more.error().code == Errc::kFull);
}

TEST_CASE("a deletion that is done makes room for one that covers all of it, and no other") {
  Garden world;
  world.compact();
  world.delete_readings({world.node, "air", 0, 9, ""}, {{1, 2}});
  world.delete_readings({world.node, "soil", 0, 4, ""}, {{1, 2}});
  world.erase();
  const auto in_force = [&] {
    return *world.number("SELECT count(*) FROM deletion WHERE state IN (1, 2)");
  };
  world.delete_readings({world.node, "air", 0, 8, ""}, {{1, 2}});
  CHECK(in_force() == 3);
  world.delete_readings({world.node, "", 0, 4, ""}, {{1, 2}});  // of all measurements
  CHECK(in_force() == 3);
  world.erase();
  const auto last = world.delete_readings({world.node, "air", 0, 19, ""}, {{1, 2}});
  CHECK(in_force() == 2);
  world.erase();
  world.add(world.batch(1, columns(0, 50, 1)));  // a replay
  CHECK(world.count(1) == 80);
  CHECK(world.count(3) == 95);
  const auto holes = world.query().holes({1}, {5, 100});
  REQUIRE(holes);
  REQUIRE(holes->size() == 1);
  CHECK(holes->front().gap == last);
  CHECK(world.number("SELECT sum(readings) FROM gap") > 0);
}

TEST_CASE("the first rule that matches says how long readings are kept") {
  Garden world;
  const auto other = world.add_node("bench-1");
  world.add(make_batch(other, {2, 1}, world.set, columns(0, 100, 1)));
  world.compact();
  const RetentionRules rules{keep("*", 0, "bench-*"), keep("soil", 0), keep("*", 2 * kHour)};
  CHECK(world.erase(rules, rt::UnixTime{3 * kHour}) == 200);
  CHECK(world.count(1) == 0);
  CHECK(world.count(3) == 100);  // for ever
  CHECK(world.count(4) == 100);
  CHECK(world.number("SELECT readings FROM gap") == 200);
  CHECK(world.number("SELECT last_time FROM gap") == 99);
  CHECK(world.number("SELECT count(*) FROM deletion WHERE state = 3 AND measurement = '*'") == 1);
}

TEST_CASE("in a rule's pattern only * and ? stand for anything but themselves") {
  const auto matches = coordinator::matches_pattern;
  for (const char* pattern : {"", "*", "**"}) CHECK(matches(pattern, ""));
  for (const char* pattern : {"*", "a*", "*r", "a?r", "*i*", "a**r", "*a*r*"}) {
    CHECK(matches(pattern, "air"));
  }
  for (const char* pattern : {"", "a", "ai?r", "a?", "?", "*a", "b*", "air?"}) {
    CHECK_FALSE(matches(pattern, "air"));
  }
  CHECK(matches("*ab*ab", "aabab_abab"));
  CHECK_FALSE(matches("[ab]", "a"));
  CHECK(matches("[ab]", "[ab]"));
  CHECK(matches("a\\*", "a\\b"));  // a backslash and a star
  CHECK(matches("*", "a/b.c"));
}

TEST_CASE("a reading outlives its rule by at most an eighth, and no younger one goes") {
  Garden world;
  world.add(world.batch(3, columns(1000, 80, 3, kHour / 10)));  // eight hours in one chunk
  world.compact();
  for (std::int64_t now = 5 * kHour; now < 16 * kHour; now += kHour / 3) {
    INFO("at ", now);
    world.close();  // a new start begins with a pass
    world.open();
    world.erase({keep("*", 4 * kHour)}, rt::UnixTime{now});
    std::size_t young = 0;
    for (std::int64_t i = 0; i < 80; ++i) young += 1000 + i * (kHour / 10) >= now - 4 * kHour;
    const auto left = times(world.all(1));
    CHECK(left.size() >= young);
    if (!left.empty()) CHECK(left.front() >= now - 4 * kHour - kHour / 2);
  }
  CHECK(world.count(1) == 0);
}

TEST_CASE("times that a node stamped while its clock was wrong do not tell an age") {
  Garden world;
  world.add(world.batch(3, columns(5, 10, 3), {4, 4}));
  world.compact();
  world.erase({keep("*", kHour)}, rt::UnixTime{9 * kHour});
  CHECK(world.count(1) == 10);
}

TEST_CASE("a clock that is not synchronised makes nothing older than when it last was") {
  Garden world;
  const rt::UnixTime wrong{1'000'000 * kHour};
  world.add(world.batch(3, columns(wrong.ns, 1, 3)));  // a reading of a future
  world.add(world.batch(4, columns(wrong.ns, 1, 4), {4, 4}));
  world.add(world.batch(5, columns(3 * kHour, 10, 5)));
  world.compact();
  const RetentionRules rules{keep("*", kHour)};
  const auto pass = [&](coordinator::Moment now) {
    world.close();  // a new start begins with a pass
    world.open();
    for (bool more = true; more;) {
      const auto step = world.eraser().step(rules, now);
      REQUIRE(step);
      more = step->more;
    }
  };
  pass({wrong, false});  // it never was
  CHECK(world.count(1) == 112);
  pass({rt::UnixTime{2 * kHour}, true});
  CHECK(world.count(1) == 12);
  pass({wrong, false});
  CHECK(world.count(1) == 12);
  CHECK(coordinator::retention_time(world.db(), {wrong, false})->ns == 2 * kHour);
  CHECK(coordinator::retention_time(world.db(), {rt::UnixTime{5}, false})->ns == 5);
}

TEST_CASE("the file shrinks by what is deleted") {
  ReadingWorld world;
  const auto node = world.add_node("n1");
  world.add(make_batch(node, {1, 1}, make_set({"log text f"}), {{{{1}, {1}, {}}}, {}, {}}));
  world.compact();
  // Thirty megabytes at once, which nobody decodes.
  const std::string numbers =
      "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 600) ";
  world.execute(numbers + "INSERT INTO pack SELECT i, 1, 1, randomblob(48000) FROM n");
  world.execute(numbers +
                "INSERT INTO chunk SELECT 1, x'', i * 10 + 9, i * 10, 10, 1, i, 8, 8, 40000, 0, 0,"
                " 0, 0, 0 FROM n");
  world.execute("UPDATE series SET count = 5991");
  const auto pages = [&] { return *world.number("PRAGMA page_count"); };
  const std::int64_t before = pages();
  world.delete_readings({node, "", INT64_MIN, INT64_MAX, ""}, {{1, 1}});
  std::int64_t most = 0;
  for (std::int64_t last = before;; last = pages()) {
    const auto step = world.eraser().step({}, {});
    REQUIRE(step);
    most = std::max(most, last - pages());
    if (!step->more) break;
  }
  CHECK(most <= 300);  // a step gives back a bounded part
  CHECK(pages() < before / 2);
  CHECK(pages() < 200);
  REQUIRE(world.db().checkpoint(true));
  CHECK(world.disk().bytes_used() < 3'000'000);
  CHECK(world.db().quick_check());
}

}  // namespace fieldpost::test

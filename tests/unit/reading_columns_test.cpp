#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "proto/wire/limits.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

constexpr wire::Id128 kBoots[] = {{}, {1, 1}, {2, 2}};

/// A series of node 1 of which a test adds readings by boot.
struct Series {
  ReadingWorld world;
  NodeNo node = world.add_node("n");
  std::shared_ptr<const wire::SeriesSet> set;
  std::uint64_t seq = 0;
  explicit Series(const std::string& key) : set(make_set({key})) {}

  void add(std::size_t boot, const std::vector<std::int64_t>& times) {
    wire::Columns columns;
    columns.columns.resize(1);
    wire::Column& column = columns.columns[0];
    for (const std::int64_t time : times) {
      column.times.push_back(time);
      if (set->types[0] != wire::ValueType::kString) {
        column.values.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(time)));
        continue;
      }
      column.values.push_back(column.strings.size());
      column.strings.push_back(fmt::format("at {}", time));
    }
    world.add(make_batch(node, {1, ++seq}, set, columns, kBoots[boot]));
  }

  /// All pages of at most `limit`, joined.
  ReadingColumns read(TimeRange range, std::size_t limit, const BootOffsets& offsets = {}) {
    ReadingColumns all, page;
    for (bool more = true; more;) {
      more = world.query().columns(1, range, limit, offsets, page).value();
      REQUIRE((page.times.size() >= 1 || !more));
      all.times.insert(all.times.end(), page.times.begin(), page.times.end());
      all.values.insert(all.values.end(), page.values.begin(), page.values.end());
      all.texts.insert(all.texts.end(), page.texts.begin(), page.texts.end());
      all.corrected.insert(page.corrected.begin(), page.corrected.end());
      if (more) range.from = page.times.back() + 1;
    }
    return all;
  }
};

TEST_CASE("columns are what readings are, in pages of any size, stored or waiting") {
  Series series("air t f");
  sim::Dice dice(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 50; ++i) times.push_back(static_cast<std::int64_t>(dice.below(2000)));
    std::ranges::sort(times);
    series.add(dice.below(3), times);
    if (round % 5 == 2) series.world.compact();
    const TimeRange range{static_cast<std::int64_t>(dice.below(500)),
                          1000 + static_cast<std::int64_t>(dice.below(1500))};
    const auto expected = series.world.query().readings(1, range, 1'000'000).value();
    for (const std::size_t limit : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
      const ReadingColumns found = series.read(range, limit);
      REQUIRE(found.times.size() == expected.size());
      for (std::size_t i = 0; i < expected.size(); ++i) {
        REQUIRE(found.times[i] == expected[i].time);
        REQUIRE(found.values[i] == expected[i].value);
      }
      REQUIRE(found.corrected.empty());
    }
  }
}

TEST_CASE("texts come one for each reading") {
  Series series("log line s");
  series.add(0, {1, 2, 3});
  series.world.compact();
  series.add(0, {4, 5});
  const ReadingColumns found = series.read({}, 2);
  CHECK(found.times == std::vector<std::int64_t>{1, 2, 3, 4, 5});
  CHECK(found.texts == std::vector<std::string>{"at 1", "at 2", "at 3", "at 4", "at 5"});
}

TEST_CASE(
    "a page of long texts ends long before its limit, at the same places whenever it is read") {
  Series series("log line s");
  wire::Columns columns;
  columns.columns.resize(1);
  const std::string text(wire::kStringValueBytesMax, 'x');
  columns.columns[0].strings = {text};
  for (std::int64_t i = 0; i < 300; ++i) {
    columns.columns[0].times.push_back(i);
    columns.columns[0].values.push_back(0);
  }
  series.world.add(make_batch(series.node, {1, 1}, series.set, columns, kBoots[0]));
  ReadingColumns page;
  std::size_t first = 0;
  for (int round = 0; round < 2; ++round) {
    CHECK(series.world.query().columns(1, {}, 1'000'000, {}, page).value());
    CHECK(page.times.size() * text.size() < 9 << 20);
    if (round == 0) first = page.times.size();
    CHECK(page.times.size() == first);
    series.world.compact();
  }
  CHECK(series.read({}, 1'000'000).times.size() == 300);
}

TEST_CASE("times of wrong clocks are put right, and the range is of right times") {
  for (const bool compacted : {false, true}) {
    Series series("air t f");
    series.add(0, {100, 200, 300});
    series.add(1, {5, 6, 7});
    series.add(2, {1000});
    if (compacted) series.world.compact();
    const BootOffsets offsets = {{kBoots[1], 194}, {wire::Id128{9, 9}, 1}};
    const ReadingColumns all = series.read({}, 2, offsets);
    CHECK(all.times == std::vector<std::int64_t>{100, 199, 200, 200, 201, 300, 1000});
    CHECK(all.corrected == std::set<wire::Id128>{kBoots[1]});
    CHECK(std::bit_cast<double>(all.values[1]) == 5);
    CHECK(series.read({200, 201}, 10, offsets).times == std::vector<std::int64_t>{200, 200});
    CHECK(series.read({0, 50}, 10, offsets).times.empty());
    CHECK(series.read({INT64_MIN, INT64_MAX}, 10, {{kBoots[1], INT64_MAX}}).times.size() == 7);
  }
}

TEST_CASE("columns of what was deleted are not there, and of no series nothing") {
  Series series("air t f");
  series.add(0, {1, 2, 3, 4});
  series.world.compact();
  series.world.delete_readings(
      {.node = series.node, .measurement = "", .first_time = 2, .last_time = 3, .reason = ""},
      {{1, 10}}, 1);
  CHECK(series.read({}, 10).times == std::vector<std::int64_t>{1, 4});
  ReadingColumns none;
  CHECK(series.world.query().columns(99, {}, 1, {}, none).error().code == rt::Errc::kNotFound);
  CHECK_FALSE(series.world.query().columns(1, {5, 5}, 1, {}, none).value());
}

}  // namespace
}  // namespace fieldpost::test

// Power cuts and disk errors at every write of ingest and compaction.

#include <doctest/doctest.h>

#include <bit>
#include <string>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/reading_store.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using coordinator::ReadingBatch;
using rt::Errc;

constexpr std::uint64_t kCallsMax = 2'000;

/// Chunks in the table, and batches that extend them, fall into them, and come again.
struct BusyWorld : ReadingWorld {
  BusyWorld() {
    const auto node = add_node("n1");
    const auto set = make_set({"a v f", "a w i", "a x s"});
    for (std::uint64_t seq = 1; seq <= 12; ++seq) {
      wire::Columns columns;
      columns.columns.resize(3);
      const auto from = static_cast<std::int64_t>((seq * 7 % 12) * 100);
      for (std::uint64_t i = 0; i < 150; ++i) {
        for (wire::Column& column : columns.columns) {
          column.times.push_back(from + static_cast<std::int64_t>(i));
          column.values.push_back(i % 3);
        }
      }
      columns.columns[2].strings = {"x" + std::to_string(seq), "y", "z"};
      add(make_batch(node, {1, seq}, set, columns));
      if (seq == 8) compact();
    }
    last = make_batch(node, {1, 99}, set, {{{{5}, {5}, {}}, {}, {}}, {}, {}});
  }

  std::uint64_t answers() {
    std::uint64_t hash = sim::kFoldStart;
    for (coordinator::SeriesId id = 1; id <= 3; ++id) {
      for (const coordinator::Reading& r : all(id)) {
        hash = sim::fold(hash, std::to_string(r.time) + " " + std::to_string(r.value) + r.text);
      }
    }
    return hash;
  }

  ReadingBatch last;
};

/// Works until nothing is left to do or something fails.
rt::Status work(ReadingWorld& world) {
  for (;;) {
    const auto step = world.store().compact_step({1, 0, 1000}, {});
    if (!step) return step.error();
    if (!*step) return rt::ok();
  }
}

/// Likewise with what is deleted.
rt::Status take_out(ReadingWorld& world) {
  for (;;) {
    const auto step = world.eraser().step({}, {});
    if (!step) return step.error();
    if (!step->more) return rt::ok();
  }
}

}  // namespace

TEST_CASE("a power cut at any write of a compaction changes no answer") {
  BusyWorld world;
  const std::uint64_t expected = world.answers();
  world.close();
  const auto image = world.disk().snapshot();
  std::uint64_t call = 1;
  for (; call < kCallsMax; ++call) {
    INFO("stopped at write ", call);
    sim::Dice dice(call);
    world.disk().restore(image);
    world.open();
    world.disk().stop_at(call);
    static_cast<void>(work(world));
    world.close();
    const bool stopped = world.disk().is_stopped();
    if (stopped) world.disk().restart_after_power_cut(dice);
    world.disk().heal();
    world.open();
    REQUIRE(world.answers() == expected);
    world.compact();
    REQUIRE(world.answers() == expected);
    REQUIRE(world.number("SELECT count(*) FROM batch") == 0);
    REQUIRE(world.number("SELECT sum(c) FROM (SELECT (SELECT sum(chunk.count) FROM chunk WHERE"
                         " series_id = id) <> series.count AS c FROM series)") == 0);
    world.close();
    if (!stopped) break;
  }
  CHECK(call > 5);
  CHECK(call < kCallsMax);
}

TEST_CASE("a power cut at any write while readings are taken out changes no answer") {
  BusyWorld world;
  world.compact();
  const std::uint64_t whole = world.answers();
  world.delete_readings({1, "a", 250, 930, ""}, {{1, 12}});
  world.add(world.last);
  const std::uint64_t expected = world.answers();
  REQUIRE(expected != whole);
  world.close();
  const auto image = world.disk().snapshot();
  std::uint64_t call = 1;
  for (; call < kCallsMax; ++call) {
    INFO("stopped at write ", call);
    sim::Dice dice(call);
    world.disk().restore(image);
    world.open();
    world.disk().stop_at(call);
    static_cast<void>(take_out(world));
    world.close();
    const bool stopped = world.disk().is_stopped();
    if (stopped) world.disk().restart_after_power_cut(dice);
    world.disk().heal();
    world.open();
    REQUIRE(world.answers() == expected);
    world.erase();
    world.compact();
    REQUIRE(world.answers() == expected);
    REQUIRE(world.number("SELECT state FROM deletion") == 2);
    REQUIRE(world.number("SELECT readings FROM gap") ==
            world.number("SELECT readings FROM deletion"));
    REQUIRE(world.number("SELECT sum(c) FROM (SELECT (SELECT sum(chunk.count) FROM chunk WHERE"
                         " series_id = id) <> series.count AS c FROM series)") == 0);
    REQUIRE(world.number("SELECT count(*) FROM pack WHERE users <>"
                         " (SELECT count(*) FROM chunk WHERE pack_no = no)") == 0);
    world.close();
    if (!stopped) break;
  }
  CHECK(call > 5);
  CHECK(call < kCallsMax);
}

TEST_CASE("a disk error at any write of a compaction is told and changes no answer") {
  BusyWorld world;
  const std::uint64_t expected = world.answers();
  world.close();
  const auto image = world.disk().snapshot();
  sim::DiskFailure failure;
  Errc code = Errc::kIo;
  SUBCASE("I/O error") {
    failure.answer = sim::DiskAnswer::kIo;
  }
  SUBCASE("full") {
    failure.answer = sim::DiskAnswer::kFull;
    code = Errc::kFull;
  }
  bool told = false;
  for (failure.at = 1; failure.at < kCallsMax; ++failure.at) {
    INFO("failed at write ", failure.at);
    world.disk().restore(image);
    world.open();
    world.disk().fail(failure);
    const auto done = work(world);
    const bool fired = world.disk().failure_fired();
    if (!done) CHECK(done.error().code == code);
    told = told || !done;
    world.disk().heal();
    REQUIRE(world.answers() == expected);
    world.compact();  // the same object goes on
    REQUIRE(world.answers() == expected);
    REQUIRE(world.number("SELECT count(*) FROM batch") == 0);
    world.close();
    if (!fired) break;
  }
  CHECK(told);
  CHECK(failure.at > 5);
}

TEST_CASE("a batch that could not be written can be added again") {
  BusyWorld world;
  world.close();
  const auto image = world.disk().snapshot();
  for (std::uint64_t call = 1; call < kCallsMax; ++call) {
    INFO("failed at write ", call);
    world.disk().restore(image);
    world.open();
    const auto before = world.all(1).size();
    world.disk().fail({.answer = sim::DiskAnswer::kFull, .at = call});
    bool added = false;
    {
      rt::Transaction transaction(world.db());
      added =
          transaction.begin() && world.store().add_batch(world.last, {}) && transaction.commit();
    }
    if (!added) world.store().forget_uncommitted();
    const bool fired = world.disk().failure_fired();
    world.disk().heal();
    if (!added) world.add(world.last);
    CHECK(world.all(1).size() == before);
    CHECK(world.all(1).at(5).value == 5);
    world.close();
    if (!fired) break;
  }
}

}  // namespace fieldpost::test

// A store that an older version wrote opens, has what it had, and goes on.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "coordinator/imports/import_sink.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/build_job_table.h"
#include "coordinator/store/build_queue_table.h"
#include "coordinator/store/build_table.h"
#include "coordinator/store/gap_table.h"
#include "coordinator/store/settled_nodes.h"
#include "coordinator/store/store.h"
#include "coordinator/store/studies.h"
#include "coordinator/store/trigger_table.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sample_builds.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

using namespace fieldpost;  // NOLINT

namespace {

constexpr rt::UnixTime kNow{1'800'000'000'000'000'000};

std::string read_data(const std::string& name, std::uint32_t size) {
  std::ifstream in(FIELDPOST_TEST_DATA_DIR "/store/" + name, std::ios::binary);
  REQUIRE(in.good());
  const std::string packed{std::istreambuf_iterator<char>(in), {}};
  return wire::decompress(packed, 1, size).value();
}

std::size_t readings_in(coordinator::ReadingQuery& query) {
  std::size_t readings = 0;
  const auto all = query.series({}, 0, 1000).value();
  for (const auto& series : all) {
    readings += query.readings(series.id, {}, 100'000).value().size();
  }
  return readings;
}

}  // namespace

TEST_CASE("a store of schema 9 is brought up to date and keeps every reading") {
  sim::SimDisk disk;
  const sim::SimVfs vfs(disk, "old-store");
  disk.restore({{"/store.db", read_data("store-9.db.zst", 385'024)}});
  sim::SimRandom random{sim::Dice(1)};
  for (int start = 0; start < 2; ++start) {  // the second one finds it done
    auto store = coordinator::Store::open("/store.db", vfs.name(), {}, random, kNow);
    REQUIRE(store.has_value());
    rt::Statement& version = (*store)->database().prepare("PRAGMA user_version");
    REQUIRE(version.step().value());
    CHECK(version.i64(0) == 19);
    version.reset();
    auto query = coordinator::ReadingQuery::open("/store.db", vfs.name()).value();
    CHECK(readings_in(query) == 3422 + 1040);
    CHECK(query.replays("vm", "exec:prog").value().empty());
    const auto replaced = (*store)->replace_readings(
        {.record = {.node = "vm", .source = "exec:prog", .from = 1, .to = 2}}, kNow);
    CHECK(replaced.has_value());
    REQUIRE((*store)->database().execute("DELETE FROM replay").has_value());
    coordinator::NewGap gap{.node = 1};
    gap.origin = {{1, 2}, 3};
    CHECK(coordinator::join_gap((*store)->database(), gap).value() == (start > 0));
    if (start == 0) CHECK((*store)->ledger().add_gap(gap, kNow).has_value());
  }
}

TEST_CASE("a store of schema 10 takes studies, and keeps every reading") {
  sim::SimDisk disk;
  const sim::SimVfs vfs(disk, "old-store");
  disk.restore({{"/store.db", read_data("store-10.db.zst", 401'408)}});
  sim::SimRandom random{sim::Dice(1)};
  for (int start = 0; start < 2; ++start) {
    auto store = coordinator::Store::open("/store.db", vfs.name(), {}, random, kNow);
    REQUIRE(store.has_value());
    auto query = coordinator::ReadingQuery::open("/store.db", vfs.name()).value();
    CHECK(readings_in(query) == 602);
    coordinator::Studies studies((*store)->database());
    CHECK(studies.experiments.list({}, 0, 10).value().size() == static_cast<std::size_t>(start));
    if (start > 0) continue;
    coordinator::Experiment experiment;
    experiment.id = "id";
    experiment.name = "study";
    CHECK(studies.experiments.create(experiment).has_value());
    // A press that an older version stored is a reading to it, and takes no effect by itself.
    CHECK(studies.presses.without_effect(10).value().empty());
    REQUIRE((*store)->note_state("greenhouse", {.state = {}, .settled_until = 7}, kNow));
    const auto nodes = coordinator::settled_nodes((*store)->database(), 0).value();
    REQUIRE(nodes.size() == 1);
    CHECK(nodes[0].settled_until == 7);
  }
}

TEST_CASE("a store of schema 11 takes bodies and imports, and keeps its readings and studies") {
  sim::SimDisk disk;
  const sim::SimVfs vfs(disk, "old-store");
  disk.restore({{"/store.db", read_data("store-11.db.zst", 630'784)}});
  sim::SimRandom random{sim::Dice(1)};
  for (int start = 0; start < 2; ++start) {
    auto store = coordinator::Store::open("/store.db", vfs.name(), {}, random, kNow);
    REQUIRE(store.has_value());
    auto query = coordinator::ReadingQuery::open("/store.db", vfs.name()).value();
    CHECK(readings_in(query) == 1706 + static_cast<std::size_t>(start));
    coordinator::Studies studies((*store)->database());
    const auto experiment = studies.experiments.find("drought").value();
    const auto log = studies.logbook.list(experiment.no, 0, 10).value();
    REQUIRE(log.size() == static_cast<std::size_t>(start) + 1);
    CHECK(log[0].text == "moved");
    CHECK(log[0].attachments.empty());
    std::vector<std::int64_t> gaps;
    const auto taken = (*store)->bodies().take(1, test::fragments_of("a body").front(), kNow, gaps);
    CHECK(taken.value());
    CHECK(query.find_body(wire::sha256("a body")).value().has_value());
    const auto import = (*store)->add_import({.id = "i"}, kNow);
    REQUIRE(import.has_value());
    CHECK(import->readings == static_cast<std::uint64_t>(start));
    if (start > 0) continue;
    coordinator::ImportSink sink;
    sink.add("vm", wire::LineParser().parse("moved a=1 5", {}));
    REQUIRE((*store)->store_import("i", sink.take().value(), nullptr, kNow));
    coordinator::LogEntry entry;
    entry.id = "with files";
    entry.experiment = experiment.no;
    entry.attachments = {{wire::sha256("a body"), 6, "image/jpeg", "a.jpg"}};
    REQUIRE(studies.logbook.add(entry));
    CHECK(studies.logbook.list(experiment.no, 1, 10).value().at(0).attachments ==
          entry.attachments);
  }
}

TEST_CASE("a store of schema 18 takes builds, and keeps its readings and studies") {
  sim::SimDisk disk;
  const sim::SimVfs vfs(disk, "old-store");
  disk.restore({{"/store.db", read_data("store-18.db.zst", 745'472)}});
  sim::SimRandom random{sim::Dice(1)};
  for (int start = 0; start < 2; ++start) {
    auto store = coordinator::Store::open("/store.db", vfs.name(), {}, random, kNow);
    REQUIRE(store.has_value());
    rt::Database& db = (*store)->database();
    auto query = coordinator::ReadingQuery::open("/store.db", vfs.name()).value();
    CHECK(readings_in(query) == 600);
    CHECK(coordinator::Studies(db).experiments.find("drought").has_value());
    coordinator::BuildTable builds(db);
    coordinator::BuildJobTable jobs(db);
    coordinator::BuildQueueTable queue(db);
    CHECK(builds.list({}, 0, 10)->size() == static_cast<std::size_t>(start));
    CHECK(queue.state()->is_paused == (start > 0));
    CHECK(queue.drained_nodes()->size() == static_cast<std::size_t>(start));
    CHECK(jobs.find(test::job_id(1)).has_value() == (start > 0));
    if (start > 0) continue;
    REQUIRE(test::create_build(db, test::sample_build(), {test::sample_job(1)}).has_value());
    REQUIRE(jobs.lease({test::job_id(1), 1}, {"greenhouse-3", {5, 5}, 1, kNow.ns}).has_value());
    REQUIRE(queue.set_paused(true, "ada", kNow).has_value());
    REQUIRE(queue.set_drained("greenhouse-3", true).has_value());
    REQUIRE(coordinator::TriggerTable(db).set_state("cron/nightly", "1").has_value());
  }
}

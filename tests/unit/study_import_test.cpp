#include "coordinator/imports/study_import.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/uuid.h"
#include "coordinator/store/studies.h"
#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

constexpr rt::UnixTime kNow{1'000};

std::string uuid(std::size_t n) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", n);
}

ArchivedStudy study_of(const std::string& id, const std::string& name) {
  ArchivedStudy study;
  study.experiment.id = id;
  study.experiment.name = name;
  study.experiment.state = ExperimentState::kFinished;
  study.experiment.finished = 9;
  return study;
}

SensorConfig config_of(const std::string& name, std::int64_t version, const std::string& field) {
  SensorConfig config;
  config.name = name;
  config.version = version;
  config.sensors =
      parse_sensors(R"({"sensors":[{"name":"a","measurement":"air","field":")" + field + R"("}]})")
          .value();
  return config;
}

/// What so many rows are inserted from; `i` counts them.
std::string from_many(std::int64_t count, const std::string& columns) {
  return fmt::format(
      " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT {}"
      " FROM n",
      count, columns);
}

struct World : ReadingWorld {
  void bring(const ArchivedStudy& study) {
    const auto done = run_store([&](Store& store) { return import_study(store, study, kNow); });
    REQUIRE(done.has_value());
  }
  /// The config of an experiment that is brought in with this one: "house 2".
  std::string config_after(const SensorConfig& config) {
    studies_ += 1;
    ArchivedStudy study = study_of(uuid(studies_), fmt::format("study {}", studies_));
    study.config = config;
    bring(study);
    const auto made = Studies(db()).experiments.find(study.experiment.id).value();
    const SensorConfig found =
        Studies(db()).configs.find(made.config->name, made.config->version).value();
    CHECK(found.sensors == config.sensors);
    return fmt::format("{} {}", made.config->name, made.config->version);
  }
  /// Of a node that is new, without readings.
  void add_series(const std::string& node, const std::string& key) {
    const NodeNo no = add_node(node);
    execute(fmt::format("INSERT INTO series (node_no, key, type) VALUES ({}, '{}', 1)", no, key));
  }
  /// The only one of a node.
  std::optional<SeriesId> series_of(const std::string& node) {
    return number("SELECT series.id FROM series JOIN node ON no = node_no WHERE node.id = '" +
                  node + "'");
  }
  void declare(const std::vector<ArchivedGap>& gaps) {
    const auto done = run_store([&](Store& store) { return import_gaps(store, gaps, kNow); });
    REQUIRE(done.has_value());
  }
  std::vector<GapView> gaps(const GapFilter& filter = {}) {
    return make_reader()->ledger.gaps(filter, 0, 1000).value();
  }

 private:
  std::size_t studies_ = 0;
};

const wire::StoreId kSource{5, 6};

ArchivedGap gap_of(std::int64_t from, std::int64_t to) {
  ArchivedGap gap;
  gap.node = "n";
  gap.cause = wire::GapCause::kShed;
  gap.from = from;
  gap.to = to;
  gap.readings = 3;
  return gap;
}

TEST_CASE("an experiment is known by its id, never by a name") {
  World world;
  REQUIRE(world.change_studies([](Studies& studies) -> rt::Status {
    Experiment other;
    other.id = uuid(7);
    other.name = "other";
    const auto made = studies.experiments.create(other);
    return made ? rt::ok() : rt::Status(made.error());
  }));
  world.bring(study_of(uuid(1), "other"));
  world.bring(study_of(uuid(1), "changed"));
  CHECK(Studies(world.db()).experiments.find(uuid(1)).value().name == "other (imported)");
  world.execute("UPDATE experiment SET name = '" + uuid(2) + "' WHERE name = 'other'");
  const auto taken = world.run_store(
      [](Store& store) { return import_study(store, study_of(uuid(2), "x"), kNow); });
  REQUIRE_FALSE(taken.has_value());  // not taken for the one that is called like it
  CHECK(taken.error().code == rt::Errc::kDenied);
}

TEST_CASE("no button means an imported experiment") {
  World world;
  ArchivedStudy study = study_of(uuid(1), "drought");
  study.experiment.finished = 1'000;
  world.bring(study);
  Studies studies(world.db());
  CHECK(studies.experiments.find(uuid(1)).value().imported);
  CHECK(studies.experiments.recordable(500).value().empty());
  REQUIRE(world.change_studies([](Studies& changed) -> rt::Status {
    Experiment own;
    own.id = uuid(2);
    own.name = "own";
    own.state = ExperimentState::kFinished;
    own.finished = 1'000;
    const auto made = changed.experiments.create(own);
    return made ? rt::ok() : rt::Status(made.error());
  }));
  CHECK(studies.experiments.recordable(500).value().size() == 1);
}

TEST_CASE("a config version goes into no name that has others here") {
  World world;
  CHECK(world.config_after(config_of("house", 2, "t")) == "house 2");
  CHECK(world.config_after(config_of("house", 2, "t")) == "house 2");
  CHECK(world.config_after(config_of("house", 3, "t")) == "house (imported) 3");
  CHECK(world.config_after(config_of("house", 3, "t")) == "house (imported) 3");
  CHECK(world.config_after(config_of("house", 2, "p")) == "house (imported 2) 2");
  CHECK(Studies(world.db()).configs.versions("house").value().size() == 1);
}

TEST_CASE("recordings, entries and flags come in with their bounds and their ids") {
  World world;
  ArchivedStudy study = study_of(uuid(1), "drought");
  for (std::size_t i = 0; i < 3; ++i) {
    ArchivedRecording& each = study.recordings.emplace_back();
    each.recording.id = uuid(100 + i);
    each.recording.stopped = 5;
    ArchivedFlag& flag = study.health.emplace_back();
    flag.flag.sensor = "a";
    flag.flag.from = static_cast<std::int64_t>(i);
    flag.flag.to = 8;
  }
  world.bring(study);
  Studies studies(world.db());
  const std::int64_t no = studies.experiments.find(uuid(1)).value().no;
  CHECK(studies.recordings.all(no).value().size() == 3);
  const auto flags = studies.health.list(no, 0, 10).value();
  REQUIRE(flags.size() == 3);
  CHECK(flags[2].from == 2);
  CHECK(flags[2].to == 8);

  ArchivedStudy other = study_of(uuid(2), "flood");
  other.recordings = {study.recordings[0]};
  const auto taken =
      world.run_store([&](Store& store) { return import_study(store, other, kNow); });
  REQUIRE_FALSE(taken.has_value());
  CHECK(taken.error().code == rt::Errc::kDenied);
  CHECK(taken.error().message == "a recording " + uuid(100) + " exists");

  std::vector<ArchivedEntry> entries(2);
  entries[0].entry.id = "e1";
  entries[1].entry.id = "e2";
  for (int again = 0; again < 2; ++again) {
    REQUIRE(world.run_store([&](Store& store) { return import_log(store, uuid(1), entries); }));
  }
  CHECK(studies.logbook.list(no, 0, 10).value().size() == 2);
  const auto elsewhere =
      world.run_store([&](Store& store) { return import_log(store, uuid(9), entries); });
  REQUIRE_FALSE(elsewhere.has_value());
  CHECK(elsewhere.error().code == rt::Errc::kNotFound);
}

TEST_CASE("a flag is of its own node's series, though others have one of that key") {
  World world;
  ArchivedStudy study = study_of(uuid(1), "drought");
  for (const std::string node : {"m", "n", "none"}) {
    ArchivedFlag& flag = study.health.emplace_back();
    flag.node = node;
    flag.series = "air t f";
    if (node != "none") world.add_series(node, flag.series);
  }
  world.bring(study);
  Studies studies(world.db());
  const std::int64_t no = studies.experiments.find(uuid(1)).value().no;
  const auto flags = studies.health.list(no, 0, 10).value();
  REQUIRE(flags.size() == 3);
  CHECK(flags[0].series == world.series_of("m"));
  CHECK(flags[1].series == world.series_of("n"));
  CHECK(flags[2].series == 0);
}

TEST_CASE("entries whose ids another experiment has come in under others, once") {
  World world;
  for (std::size_t i = 1; i <= 2; ++i) world.bring(study_of(uuid(i), fmt::format("study {}", i)));
  std::vector<ArchivedEntry> entries(2);
  entries[0].entry.id = "e1";
  entries[1].entry.id = "e2";
  const auto log = [&](std::size_t study, const std::vector<ArchivedEntry>& some) {
    REQUIRE(world.run_store([&](Store& store) { return import_log(store, uuid(study), some); }));
  };
  log(1, {entries[0]});
  for (int again = 0; again < 2; ++again) log(2, entries);
  Studies studies(world.db());
  const auto ids = [&](std::size_t study) {
    const std::int64_t no = studies.experiments.find(uuid(study)).value().no;
    std::vector<std::string> out;
    const auto found = studies.logbook.list(no, 0, 10).value();
    for (const LogEntry& each : found) out.push_back(each.id);
    return out;
  };
  CHECK(ids(1) == std::vector<std::string>{"e1"});
  REQUIRE(ids(2).size() == 2);
  CHECK(is_uuid(ids(2)[0]));
  CHECK(ids(2)[1] == "e2");
}

TEST_CASE("many that are too many are refused as a whole, and flags beyond the bound left out") {
  World world;
  world.bring(study_of(uuid(1), "drought"));
  const auto no = *world.number("SELECT no FROM experiment");
  world.execute(
      "INSERT INTO recording (id, experiment_no, nodes, started_ns, stopped_ns, started_by,"
      " stopped_by)" +
      from_many(kRecordingsMax - 1, fmt::format("i, {}, '[]', 0, 1, '', ''", no)));
  world.execute(
      "INSERT INTO health_flag (experiment_no, sensor, series_id, kind, from_ns, to_ns, detail)" +
      from_many(kHealthFlagsMax - 1, fmt::format("{}, '', 0, 1, 0, 0, ''", no)));
  std::vector<Recording> two(2);
  two[0].id = uuid(1);
  two[1].id = uuid(2);
  for (Recording& each : two) each.stopped = 1;
  REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
    CHECK(studies.recordings.add_all(no, two).error().code == rt::Errc::kFull);
    CHECK(studies.recordings.add_all(no, {two[0]}).has_value());
    return studies.health.add_all(no, std::vector<HealthFlag>(3));
  }));
  CHECK(world.number("SELECT count(*) FROM health_flag") == kHealthFlagsMax);
}

TEST_CASE("a logbook that is full takes what it has already, and nothing more") {
  World world;
  world.bring(study_of(uuid(1), "drought"));
  const auto no = *world.number("SELECT no FROM experiment");
  LogbookTable logbook(world.db(), 2);
  std::vector<LogEntry> entries(3);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    entries[i].id = std::to_string(i);
    entries[i].experiment = no;
  }
  LogbookTable smaller(world.db(), 1);  // fills up on the way
  CHECK(smaller.add_all(no, {entries[0], entries[1]}).error().code == rt::Errc::kFull);
  CHECK(logbook.add_all(no, {entries[0], entries[1]}).has_value());
  CHECK(logbook.add_all(no, {entries[1], entries[0]}).has_value());
  CHECK(logbook.add_all(no, entries).error().code == rt::Errc::kFull);
  CHECK(logbook.add(entries[2]).error().message == "a logbook has at most 2 entries");
}

TEST_CASE("losses stand once, however often and in whatever slices they come") {
  World world;
  std::vector<ArchivedGap> gaps(8, gap_of(10, 20));
  gaps[1].readings.reset();
  gaps[2].fragments = 4;
  gaps[3].series = {"air t f"};
  gaps[4].series = {"air p f"};
  gaps[5].series = {"air p f", "air t f"};
  gaps[6].cause = wire::GapCause::kAged;
  gaps[7].node = "m";
  world.declare(gaps);
  CHECK(world.gaps().size() == gaps.size());
  world.declare(gaps);
  for (const ArchivedGap& each : gaps) world.declare({each});
  const auto all = world.gaps();
  REQUIRE(all.size() == gaps.size());
  CHECK(all[2].fragments == 4);
  CHECK_FALSE(all[1].readings.has_value());
  CHECK_FALSE(all[0].series.has_value());
  REQUIRE(all[5].series.has_value());
  CHECK(all[5].series->size() == 2);
  for (const GapView& each : all) CHECK(each.state == GapState::kDeclared);
  // Who asks for one series is told what concerns it.
  const SeriesId pressure = *world.number("SELECT id FROM series WHERE key = 'air p f'");
  const GapFilter filter{"n", {pressure}, INT64_MIN, INT64_MAX};
  CHECK(world.gaps(filter).size() == 6);  // all of n but the one of the other series
}

TEST_CASE("as many losses stand as an archive has that are alike, however often it comes") {
  World world;
  std::vector<ArchivedGap> gaps(3, gap_of(10, 20));
  for (std::size_t i = 0; i < gaps.size(); ++i) gaps[i].number = i + 1;
  world.declare({gaps[0]});
  CHECK(world.gaps().size() == 1);
  for (int again = 0; again < 2; ++again) world.declare(gaps);
  CHECK(world.gaps().size() == 3);
  world.declare({gaps[2]});  // in slices
  CHECK(world.gaps().size() == 3);
  for (ArchivedGap& each : gaps) each.series = {"air t f"};
  world.declare(gaps);
  CHECK(world.gaps().size() == 6);
}

/// One that this store gave a number.
ArchivedGap gap_from(const wire::StoreId& store, std::int64_t no, std::vector<std::string> series) {
  ArchivedGap gap = gap_of(10, 20);
  gap.series = std::move(series);
  gap.origin = {store, no};
  return gap;
}

TEST_CASE("a loss that stands in archives of two experiments is one, of the series of both") {
  World world;
  std::vector<ArchivedGap> gaps{gap_from(kSource, 7, {"air t f"}),
                                gap_from(kSource, 7, {"door open b"})};
  gaps[1].readings = 5;  // when the second one was made, the node had told of more
  for (int again = 0; again < 2; ++again) {
    for (const ArchivedGap& each : gaps) world.declare({each});
  }
  const auto all = world.gaps();
  REQUIRE(all.size() == 1);
  CHECK(all[0].readings == 5);
  CHECK(all[0].series.value().size() == 2);
  CHECK(all[0].origin == gaps[0].origin);
  const SeriesId door = *world.number("SELECT id FROM series WHERE key = 'door open b'");
  CHECK(world.gaps({"n", {door}, INT64_MIN, INT64_MAX}).size() == 1);
}

TEST_CASE("of a loss nothing is taken back by an archive that knows less of it") {
  World world;
  ArchivedGap gap = gap_from(kSource, 7, {"air t f"});
  gap.fragments = 4;
  world.declare({gap});
  gap.readings = 1;
  gap.fragments = 0;
  world.declare({gap});
  CHECK(world.gaps()[0].readings == 3);
  CHECK(world.gaps()[0].fragments == 4);
  gap.readings.reset();
  gap.series.reset();
  world.declare({gap});
  world.declare({gap_from(kSource, 7, {"air p f"})});
  const auto all = world.gaps();
  REQUIRE(all.size() == 1);
  CHECK_FALSE(all[0].readings.has_value());
  CHECK_FALSE(all[0].series.has_value());
}

TEST_CASE("losses with numbers of their own are as many, however alike and in whatever archives") {
  World world;
  std::vector<ArchivedGap> gaps{gap_from(kSource, 7, {"air t f"}),
                                gap_from(kSource, 8, {"air t f"})};
  gaps[1].number = 2;
  world.declare(gaps);
  CHECK(world.gaps().size() == 2);
  gaps[0].origin->no = 9;  // the first of those that are alike in an archive of its own
  world.declare({gaps[0]});
  gaps[0].origin->store = {5, 7};
  world.declare({gaps[0]});
  CHECK(world.gaps().size() == 4);
}

TEST_CASE("a number that a store gave again, or an archive made up, is another loss") {
  World world;
  std::vector<ArchivedGap> gaps(4, gap_from(kSource, 7, {"air t f"}));
  gaps[1].node = "m";
  gaps[2].cause = wire::GapCause::kAged;
  gaps[3].to = 21;
  for (int again = 0; again < 2; ++again) world.declare(gaps);
  CHECK(world.gaps().size() == 4);
}

TEST_CASE("an archive of an older version has its losses as before, beside those that say more") {
  World world;
  const ArchivedGap gap = gap_from(kSource, 7, {"air t f"});
  ArchivedGap older = gap;
  older.origin.reset();
  world.declare({gap});
  world.declare({older});
  CHECK(world.gaps().size() == 1);
  World other;
  other.declare({older});
  other.declare({gap});
  CHECK(other.gaps().size() == 1);
  older.number = 2;
  other.declare({older});
  CHECK(other.gaps().size() == 2);
}

TEST_CASE("a loss of this store is not declared again by an archive of it") {
  World world;
  wire::StoreId own;
  REQUIRE(world.run_store([&](Store& store) -> rt::Status {
    own = store.ledger().store_id();
    NewGap gap{.node = *store.ledger().node_no("n", kNow), .cause = wire::GapCause::kShed};
    gap.first_time = 10;
    gap.last_time = 20;
    gap.readings = 9;  // more was told since the archive was made
    const auto added = store.ledger().add_gap(gap, kNow);
    return added ? rt::ok() : rt::Status(added.error());
  }));
  const std::int64_t no = *world.number("SELECT no FROM gap");
  world.declare({gap_from(own, no, {"air t f"})});
  world.execute("UPDATE gap SET state = 3");  // no loss any more
  world.declare({gap_from(own, no, {"air t f"})});
  REQUIRE(world.gaps().size() == 1);
  CHECK(world.gaps()[0].readings == 9);
  // What went with a store that was set back is declared by what is known of it, once.
  for (const char* key : {"air t f", "air p f"}) world.declare({gap_from(own, no + 5, {key})});
  CHECK(world.gaps().size() == 2);
}

TEST_CASE("a loss that is told of very many series is of any of its node") {
  World world;
  REQUIRE(world.run_store([](Store& store) -> rt::Status {
    NewGap gap{.node = *store.ledger().node_no("n", kNow), .cause = wire::GapCause::kShed};
    gap.first_time = 10;
    gap.last_time = 20;
    gap.sets_known = true;
    gap.origin = {kSource, 7};
    for (std::uint64_t i = 2; i <= kJoinedSetsMax; ++i) gap.sets.push_back({1, i});
    const auto added = store.ledger().add_gap(gap, kNow);
    return added ? rt::ok() : rt::Status(added.error());
  }));
  world.declare({gap_from(kSource, 7, {"air t f"})});
  CHECK(world.gaps()[0].series.has_value());
  world.declare({gap_from(kSource, 7, {"air p f"})});
  REQUIRE(world.gaps().size() == 1);
  CHECK_FALSE(world.gaps()[0].series.has_value());
}

TEST_CASE("an end that is not known is without end, both not known is not known when") {
  World world;
  std::vector<ArchivedGap> gaps(3, gap_of(10, 20));
  gaps[0].from.reset();
  gaps[1].to.reset();
  gaps[2].from.reset();
  gaps[2].to.reset();
  for (int again = 0; again < 2; ++again) world.declare(gaps);
  const auto found = [&](std::int64_t from, std::int64_t to) {
    std::string ids;
    for (const GapView& each : world.gaps({"n", {}, from, to})) ids += std::to_string(each.id);
    return ids;
  };
  CHECK(found(INT64_MIN, INT64_MAX) == "123");
  CHECK(found(-5, 5) == "13");
  CHECK(found(100, 200) == "23");
  const auto all = world.gaps();
  REQUIRE(all.size() == 3);
  CHECK_FALSE(all[0].from.has_value());
  CHECK(all[0].to == 20);
  CHECK(all[1].from == 10);
  CHECK_FALSE(all[1].to.has_value());
  CHECK_FALSE(all[2].to.has_value());
}

TEST_CASE("where a node told of a loss itself, what an archive has of it is the same") {
  World world;
  const auto set = make_set({"air p f", "air t f", "door open b"});
  REQUIRE(world.run_store([&](Store& store) -> rt::Status {
    const auto node = store.ledger().node_no("n", kNow);
    const auto added = store.readings().add_set(set->encode());
    NewGap told{.node = *node, .cause = wire::GapCause::kShed};
    told.first_time = 10;
    told.last_time = 20;
    told.readings = 3;
    told.sets = {set->hash};
    told.sets_known = true;
    const auto gap = store.ledger().add_gap(told, kNow);
    if (!added || !gap) return rt::Error{rt::Errc::kIo, ""};
    return store.ledger().add_gap_names(*gap, 1, {1, 1}, 0);
  }));
  std::vector<ArchivedGap> gaps(2, gap_of(10, 20));
  gaps[0].series = {"air p f", "air t f"};
  world.declare(gaps);
  CHECK(world.gaps().size() == 1);
  gaps[0].series = {"air p f", "cloud t f"};
  world.declare({gaps[0]});
  CHECK(world.gaps().size() == 2);
  world.execute("UPDATE gap SET state = 3");  // the readings came after all
  world.declare({gaps[1]});
  CHECK(world.gaps().size() == 3);
}

TEST_CASE("keys that fill more than a set stand in several, and what is none is refused") {
  World world;
  ArchivedGap gap = gap_of(10, 20);
  gap.series.emplace();
  for (int i = 0; i < 300; ++i) {
    gap.series->push_back(fmt::format("{}{:03} t f", std::string(i < 60 ? 3000 : 1, 'a'), i));
  }
  world.declare({gap});
  const auto all = world.gaps();
  REQUIRE(all.size() == 1);
  REQUIRE(all[0].series.has_value());
  CHECK(all[0].series->size() == 300);
  gap.series = {"no key"};
  const auto refused =
      world.run_store([&](Store& store) { return import_gaps(store, {{gap}}, kNow); });
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == rt::Errc::kInvalid);
}

}  // namespace
}  // namespace fieldpost::test

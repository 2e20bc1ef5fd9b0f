#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "coordinator/exports/export_plan.h"
#include "coordinator/exports/export_run.h"
#include "coordinator/parquet/reader.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr const char* kSensors = R"({"sensors":[
    {"name":"air","type":"climate","measurement":"air","field":"t","unit":"°C",
     "calibration":{"scale":2,"offset":1}},
    {"name":"door","type":"door","measurement":"door","field":"open"},
    {"name":"off","type":"climate","measurement":"air","field":"p","enabled":false}]})";

/// A study with participants P1 and P2, of nodes a and b, and a day's readings of each second from
/// the epoch on, five of them.
struct Study {
  ReadingWorld world;
  sim::SimFiles files{world.disk()};
  ExportRow row;
  std::uint64_t seq = 0;

  Study() {
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      SensorConfig config;
      config.name = "house";
      config.sensors = parse_sensors(kSensors).value();
      const auto made = studies.configs.create(config, {});
      if (!made) return made.error();
      Experiment experiment;
      experiment.id = "experiment-id";
      experiment.name = "drought";
      experiment.state = ExperimentState::kReady;
      experiment.config = ConfigRef{"house", 1};
      experiment.created = 5 * kSecond;
      const auto created = studies.experiments.create(experiment);
      if (!created) return created.error();
      row.experiment = created->no;
      for (const char* name : {"P1", "P2"}) {
        const auto member = studies.experiments.add_member(
            row.experiment, {0, std::string("id-") + name, MemberKind::kParticipant, name, ""});
        if (!member) return member.error();
      }
      const auto task = studies.experiments.add_member(row.experiment,
                                                       {0, "id-T", MemberKind::kTask, "walk", ""});
      return task ? rt::ok() : rt::Status(task.error());
    }));
    row.id = "export-id";
    row.created = 10 * kDay;
    request("{}");
    for (const char* node : {"a", "b"}) add_readings(world.add_node(node));
    world.compact();
  }

  void add_readings(NodeNo node) {
    const auto set = make_set({"air t f", "air p f", "door open b"});
    wire::Columns columns;
    columns.columns.resize(3);
    for (std::int64_t i = 0; i < 5; ++i) {
      for (wire::Column& column : columns.columns) column.times.push_back(i * kSecond);
      columns.columns[0].values.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(i)));
      columns.columns[1].values.push_back(std::bit_cast<std::uint64_t>(1000.0));
      columns.columns[2].values.push_back(static_cast<std::uint64_t>(i % 2));
    }
    world.add(make_batch(node, {1, ++seq}, set, columns));
  }

  void record(const std::string& participant, std::int64_t from, std::optional<std::int64_t> to,
              std::vector<std::string> nodes = {}) {
    REQUIRE(world.change_studies([&](Studies& studies) -> rt::Status {
      Recording recording;
      recording.id = fmt::format("recording-{}{}", participant, from);
      recording.started = from;
      recording.stopped = to;
      recording.nodes = nodes;
      if (!participant.empty()) {
        recording.participant =
            studies.experiments.find_member(row.experiment, MemberKind::kParticipant, participant)
                .value()
                .no;
      }
      const auto added = studies.start(studies.experiments.find(row.experiment).value(), recording);
      return added ? rt::ok() : rt::Status(added.error());
    }));
  }

  void request(const std::string& text) {
    JsonFields fields(text, "");
    row.request = encode(read_export_request(fields));
    REQUIRE(fields.problem() == "");
  }

  ExportProgress run(const std::string& directory = "/exports/1") {
    const auto reader = world.make_reader();
    auto made = ExportRun::make(*reader, files, row, directory, "1.2.3");
    REQUIRE(made.has_value());
    while ((*made)->step(*reader).value()) {
    }
    return (*made)->progress();
  }
  std::string read(const std::string& name, const std::string& directory = "/exports/1") {
    return files.read(directory + "/experiment-id/" + name, 0, 1 << 24).value();
  }
  json manifest() { return manifest_of("/exports/1"); }
  json manifest_of(const std::string& directory) {
    return json::parse(read("manifest.json", directory));
  }
  std::string names(const std::string& directory = "/exports/1") {
    std::string out;
    for (const std::string& path : world.disk().paths()) {
      if (path.starts_with(directory + "/experiment-id/")) {
        out += path.substr(directory.size() + 15) + " ";
      }
    }
    return out;
  }
};

TEST_CASE("an export has the files of each participant, day and type, and tells of them") {
  Study study;
  study.record("P1", 0, 2 * kSecond);
  study.record("", 3 * kSecond, 4 * kSecond, {"b"});
  const ExportProgress progress = study.run();
  CHECK(study.names() ==
        "experiment_19700101T000005Z.json experiment_log_19700101T000005Z.json "
        "id-P1/1970-01-01_climate_samples.parquet id-P1/1970-01-01_door_samples.parquet "
        "manifest.json no_participant/1970-01-01_climate_samples.parquet "
        "no_participant/1970-01-01_door_samples.parquet "
        "progress_participant_19700101T000005Z.json ");
  CHECK(progress.readings == 10);
  CHECK(progress.files == 4);
  CHECK(progress.files_total == 4);
  const json manifest = study.manifest();
  CHECK(manifest.at("readings") == 10);
  CHECK(manifest.at("complete") == true);
  CHECK(manifest.at("files").size() == 7);
  for (const json& file : manifest.at("files")) {
    const std::string bytes = study.read(file.at("path"));
    CHECK(bytes.size() == file.at("bytes"));
    CHECK(wire::sha256(bytes).hex() == file.at("sha256"));
  }
  CHECK(manifest.at("series").size() == 4);
  CHECK(manifest.at("series")[0].at("readings") == 2);
  CHECK(manifest.at("series")[0].at("unit") == "°C");
  const json experiment = json::parse(study.read("experiment_19700101T000005Z.json"));
  CHECK(experiment.at("recordings").size() == 2);
  CHECK(experiment.at("sensors").size() == 3);
  CHECK(experiment.at("participants")[0].at("name") == "P1");
}

TEST_CASE("an export in CSV has calibrated and raw values, in order") {
  Study study;
  study.record("P1", kSecond, 3 * kSecond, {"a"});
  study.request(R"({"format":"csv"})");
  study.run();
  CHECK(study.read("id-P1/1970-01-01_climate_samples.csv") ==
        "time,node,sensor,series,recording,participant,task,value,raw\r\n"
        "1970-01-01T00:00:01.000000000Z,a,air,air t f,recording-P11000000000,P1,,3,1\r\n"
        "1970-01-01T00:00:02.000000000Z,a,air,air t f,recording-P11000000000,P1,,5,2\r\n");
  CHECK(study.read("id-P1/1970-01-01_door_samples.csv").find(",1,true\r\n") != std::string::npos);
}

TEST_CASE("an export in JSON lines leaves out what a row has not") {
  Study study;
  study.record("", kSecond, 2 * kSecond, {"a"});
  study.request(R"({"format":"jsonl"})");
  study.run();
  const json line = json::parse(study.read("no_participant/1970-01-01_climate_samples.jsonl"));
  CHECK(line == json{{"time", "1970-01-01T00:00:01.000000000Z"},
                     {"node", "a"},
                     {"sensor", "air"},
                     {"series", "air t f"},
                     {"recording", "recording-1000000000"},
                     {"value", 3.0},
                     {"raw", 1.0}});
}

TEST_CASE("exports of text have every type as it is, calibrated or not") {
  Study study;
  REQUIRE(study.world.change_studies([&](Studies& studies) -> rt::Status {
    SensorConfig config;
    config.name = "house";
    for (const char* field : {"a", "b", "c", "d", "e", "f"}) {
      config.sensors.push_back(
          {.name = field, .type = "all", .measurement = "all", .field = field});
    }
    config.sensors[1].calibration = {{0.5, 2}};
    config.sensors[5].calibration = {{1, -1}};
    const auto made = studies.configs.edit(config, {});
    if (!made) return made.error();
    auto experiment = studies.experiments.find(study.row.experiment);
    if (!experiment) return experiment.error();
    experiment->config = ConfigRef{"house", made->version};
    return studies.experiments.update(*experiment);
  }));
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  wire::Columns columns;
  columns.columns.resize(6);
  for (wire::Column& column : columns.columns) column.times = {1, 999'999'999, 5 * kSecond - 1};
  columns.columns[0].values = {bits(0.1), bits(-0.0), bits(NAN)};
  columns.columns[1].values = {bits(1e22), bits(-INFINITY), bits(1e-7)};
  columns.columns[2].values = {static_cast<std::uint64_t>(-5), 0, 7};
  columns.columns[3].values = {UINT64_MAX, 0, 7};
  columns.columns[4].strings = {"plain", "a \"b\",\n"};
  columns.columns[4].values = {0, 1, 0};
  columns.columns[5].values = {1, 0, 1};
  const auto set = make_set({"all a f", "all b f", "all c i", "all d u", "all e s", "all f b"});
  study.world.add(make_batch(1, {1, 99}, set, columns));
  study.record("", 0, 5 * kSecond, {"a"});
  const auto lines = [&](const std::string& format, const std::string& head,
                         const std::vector<std::string>& rows, const std::string& end) {
    study.request(R"({"format":")" + format + R"("})");
    study.run("/exports/" + format);
    std::string expected = head;
    for (const std::string& row : rows) expected += row + end;
    CHECK(study.read("no_participant/1970-01-01_all_samples." + format, "/exports/" + format) ==
          expected);
  };
  const std::string t1 = "1970-01-01T00:00:00.000000001Z", t2 = "1970-01-01T00:00:00.999999999Z",
                    t3 = "1970-01-01T00:00:04.999999999Z";
  const auto csv = [](const std::string& time, const std::string& sensor, const std::string& rest) {
    return time + ",a," + sensor[0] + ",all " + sensor + ",recording-0,,," + rest;
  };
  lines("csv", "time,node,sensor,series,recording,participant,task,value,raw\r\n",
        {csv(t1, "a f", "0.1,0.1"), csv(t2, "a f", "-0,-0"), csv(t3, "a f", "nan,nan"),
         csv(t1, "b f", "2e+22,1e+22"), csv(t2, "b f", "-inf,-inf"),
         csv(t3, "b f", "0.5000002,1e-07"), csv(t1, "c i", "-5,-5"), csv(t2, "c i", "0,0"),
         csv(t3, "c i", "7,7"), csv(t1, "d u", "1.8446744073709552e+19,18446744073709551615"),
         csv(t2, "d u", "0,0"), csv(t3, "d u", "7,7"), csv(t1, "e s", ",plain"),
         csv(t2, "e s", ",\"a \"\"b\"\",\n\""), csv(t3, "e s", ",plain"), csv(t1, "f b", "0,true"),
         csv(t2, "f b", "1,false"), csv(t3, "f b", "0,true")},
        "\r\n");
  const auto object = [](const std::string& time, const std::string& sensor,
                         const std::string& rest) {
    return R"({"time":")" + time + R"(","node":"a","sensor":")" + sensor[0] +
           R"(","series":"all )" + sensor + R"(","recording":"recording-0",)" + rest + "}";
  };
  lines(
      "jsonl", "",
      {object(t1, "a f", R"("value":0.1,"raw":0.1)"), object(t2, "a f", R"("value":-0,"raw":-0)"),
       object(t3, "a f", R"("value":"nan","raw":"nan")"),
       object(t1, "b f", R"("value":2e+22,"raw":1e+22)"),
       object(t2, "b f", R"("value":"-inf","raw":"-inf")"),
       object(t3, "b f", R"("value":0.5000002,"raw":1e-07)"),
       object(t1, "c i", R"("value":-5,"raw":-5)"), object(t2, "c i", R"("value":0,"raw":0)"),
       object(t3, "c i", R"("value":7,"raw":7)"),
       object(t1, "d u", R"("value":1.8446744073709552e+19,"raw":18446744073709551615)"),
       object(t2, "d u", R"("value":0,"raw":0)"), object(t3, "d u", R"("value":7,"raw":7)"),
       object(t1, "e s", R"("raw":"plain")"), object(t2, "e s", R"("raw":"a \"b\",\n")"),
       object(t3, "e s", R"("raw":"plain")"), object(t1, "f b", R"("value":0,"raw":true)"),
       object(t2, "f b", R"("value":1,"raw":false)"), object(t3, "f b", R"("value":0,"raw":true)")},
      "\n");
}

TEST_CASE("days are files of their own, and times to the nanosecond on their side") {
  Study study;
  const auto set = make_set({"air t f"});
  wire::Columns columns;
  columns.columns.resize(1);
  columns.columns[0].times = {kDay - 1, kDay, kDay + 1};
  columns.columns[0].values = {0, 0, 0};
  study.world.add(make_batch(1, {1, 99}, set, columns));
  study.record("P2", 5 * kSecond, 2 * kDay);
  study.request(R"({"format":"jsonl","sensors":["air"]})");
  study.run();
  const auto lines = [&](const std::string& name) {
    const std::string text = study.read(name);
    return std::ranges::count(text, '\n');
  };
  CHECK(lines("id-P2/1970-01-01_climate_samples.jsonl") == 1);
  CHECK(lines("id-P2/1970-01-02_climate_samples.jsonl") == 2);
}

TEST_CASE("a series of more readings than a step takes leaves nothing out of those behind it") {
  Study study;
  constexpr std::size_t kBatches = 5, kBatchReadings = ExportRun::kStepReadings / 4;
  std::int64_t time = 10 * kSecond;  // behind all that the other node has
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    wire::Columns columns;
    wire::Column& column = columns.columns.emplace_back();
    for (std::size_t i = 0; i < kBatchReadings; ++i) column.times.push_back(time += 1'000'000);
    column.values.assign(kBatchReadings, 0);
    study.world.add(make_batch(1, {1, ++study.seq}, make_set({"air t f"}), std::move(columns)));
  }
  study.record("P1", 0, 1000 * kSecond);
  study.request(R"({"sensors":["air"]})");
  CHECK(study.run().readings == kBatches * kBatchReadings + 10);
  const json series = study.manifest().at("series");
  REQUIRE(series.size() == 2);
  CHECK(series[0].at("readings") == kBatches * kBatchReadings + 5);
  CHECK(series[1].at("readings") == 5);
}

TEST_CASE("a part of an experiment is exported by participant, task, sensor and time") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  study.record("P2", 0, 5 * kSecond);
  const auto readings = [&](const std::string& request) {
    study.request(request);
    const std::string directory = "/exports/" + std::to_string(study.seq++);
    return study.run(directory).readings;
  };
  CHECK(readings("{}") == 40);
  CHECK(readings(R"({"participants":["P1"]})") == 20);
  CHECK(readings(R"({"participants":["id-P2"],"sensors":["door"]})") == 10);
  CHECK(readings(R"({"from":1000000000,"to":2000000000})") == 8);
  CHECK(readings(R"({"tasks":["walk"]})") == 0);
  const auto reader = study.world.make_reader();
  for (const auto& [request, why] : std::vector<std::pair<std::string, std::string>>{
           {R"({"participants":["P3"]})", R"(the experiment has no participant "P3")"},
           {R"({"tasks":["run"]})", R"(the experiment has no task "run")"},
           {R"({"sensors":["off"]})",
            R"(the experiment's config has no sensor "off" that is on)"}}) {
    study.request(request);
    const auto made = ExportRun::make(*reader, study.files, study.row, "/exports/x", "1");
    REQUIRE_FALSE(made.has_value());
    CHECK(made.error().message == why);
  }
}

TEST_CASE("the same data give the same bytes") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  study.run("/exports/1");
  study.run("/exports/2");
  REQUIRE(study.names("/exports/1") == study.names("/exports/2"));
  const json written = study.manifest();
  for (const json& file : written.at("files")) {
    CHECK(study.read(file.at("path"), "/exports/1") == study.read(file.at("path"), "/exports/2"));
  }
  CHECK(study.read("manifest.json", "/exports/1") == study.read("manifest.json", "/exports/2"));
}

TEST_CASE("an export that was cut off at any write goes on, and becomes the same") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  study.record("P2", 0, 5 * kSecond, {"a"});
  study.run("/exports/whole");
  for (std::uint64_t at = 1;; ++at) {
    INFO("write ", at);
    const std::string directory = "/exports/" + std::to_string(at);
    study.world.disk().fail({.at = at, .for_ever = true});
    const auto reader = study.world.make_reader();
    auto run = ExportRun::make(*reader, study.files, study.row, directory, "1.2.3");
    rt::Result<bool> more = run ? rt::Result<bool>(true) : rt::Result<bool>(run.error());
    while (more && *more) more = (*run)->step(*reader);
    const bool fired = study.world.disk().failure_fired();
    study.world.disk().heal();
    CHECK(more.has_value() != fired);
    study.run(directory);
    const json whole = study.manifest_of("/exports/whole");
    for (const json& file : whole.at("files")) {
      REQUIRE(study.read(file.at("path"), directory) ==
              study.read(file.at("path"), "/exports/whole"));
    }
    REQUIRE(study.read("manifest.json", directory) ==
            study.read("manifest.json", "/exports/whole"));
    if (!fired) break;
    REQUIRE(at < 200);
  }
}

TEST_CASE("what the journal has is not written again, unless its file is not there") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  study.run();
  const std::uint64_t before = study.world.disk().bytes_written();
  study.run();
  const std::uint64_t documents = study.world.disk().bytes_written() - before;
  const std::string climate = "id-P1/1970-01-01_climate_samples.parquet";
  const std::string bytes = study.read(climate);
  REQUIRE(study.files.remove("/exports/1/experiment-id/" + climate));
  study.run();
  CHECK(study.world.disk().bytes_written() - before >= 2 * documents + bytes.size());
  CHECK(study.read(climate) == bytes);
}

TEST_CASE("a file that is shorter than the journal says is written again") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  study.run();
  const std::string climate = "id-P1/1970-01-01_climate_samples.parquet";
  const std::string bytes = study.read(climate);
  REQUIRE(study.files.write_durably("/exports/1/experiment-id/" + climate,
                                    bytes.substr(0, bytes.size() / 2), 0640));
  study.run();
  CHECK(study.read(climate) == bytes);
}

TEST_CASE("the manifest tells the gaps of the experiment's time and how far clocks were off") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  const auto set = make_set({"air t f"});
  wire::Columns columns;
  columns.columns.resize(1);
  columns.columns[0].times = {7};
  columns.columns[0].values = {0};
  const wire::Id128 boot{3, 4};
  study.world.add(make_batch(1, {1, 77}, set, columns, boot));
  study.world.execute("INSERT INTO boot_clock VALUES (x'" + boot.hex() + "', 0, 1000000000)");
  study.world.execute(
      "INSERT INTO gap (node_no, cause, state, first_time, last_time, readings, readings_known,"
      " since_ns) VALUES (1, 1, 2, 5, 6, 3, 1, 0), (1, 1, 2, 90000000000, 90000000001, 3, 1, 0)");
  study.request(R"({"format":"jsonl"})");
  study.run();
  const json manifest = study.manifest();
  REQUIRE(manifest.at("gaps").size() == 1);
  CHECK(manifest.at("gaps")[0].at("readings") == 3);
  REQUIRE(manifest.at("clock_offsets").size() == 1);
  CHECK(manifest.at("clock_offsets")[0].at("boot") == boot.hex());
  CHECK(manifest.at("clock_offsets")[0].at("offset_ns") == 1'000'000'000);
  CHECK(
      study.read("id-P1/1970-01-01_climate_samples.jsonl").find("1970-01-01T00:00:01.000000007Z") !=
      std::string::npos);
}

TEST_CASE("the manifest tells the gaps of a recording that is open, up to the export") {
  Study study;
  study.record("P1", 0, std::nullopt);
  study.world.execute(
      fmt::format("INSERT INTO gap (node_no, cause, state, first_time, last_time, readings,"
                  " readings_known, since_ns) VALUES (1, 1, 2, {0}, {0}, 3, 1, 0),"
                  " (1, 1, 2, {1}, {1}, 4, 1, 0)",
                  kDay, study.row.created + kDay));
  study.run();
  const json gaps = study.manifest().at("gaps");
  REQUIRE(gaps.size() == 1);
  CHECK(gaps[0].at("readings") == 3);
}

TEST_CASE("the manifest names the store, and of an imported gap the first one") {
  Study study;
  study.record("P1", 0, 5 * kSecond);
  const wire::Id128 here{1, 2}, there{3, 4};
  study.world.execute("INSERT INTO fact VALUES ('store_id', x'" + here.hex() + "')");
  study.world.execute(
      "INSERT INTO gap (node_no, cause, state, first_time, last_time, readings_known, since_ns,"
      " origin_store, origin_no) VALUES (1, 1, 2, 5, 6, 1, 0, NULL, NULL), (1, 1, 2, 5, 6, 1, 0,"
      " x'" +
      there.hex() + "', 7)");
  study.run();
  const json manifest = study.manifest();
  CHECK(manifest.at("store") == here.hex());
  REQUIRE(manifest.at("gaps").size() == 2);
  CHECK(manifest.at("gaps")[0].at("id") == 1);
  CHECK_FALSE(manifest.at("gaps")[0].contains("origin"));
  CHECK(manifest.at("gaps")[1].at("origin") == json{{"store", there.hex()}, {"id", 7}});
}

/// Frames of a series of node a, one each second from the epoch on: as many as `count`.
void add_frames(Study& study, std::size_t first, std::size_t count) {
  wire::Columns columns;
  wire::Column& column = columns.columns.emplace_back();
  for (std::size_t i = first; i < first + count; ++i) {
    column.times.push_back(static_cast<std::int64_t>(i % 5) * kSecond);
    column.values.push_back(column.strings.size());
    const std::string bytes = "frame " + std::to_string(i);
    column.strings.push_back(
        wire::encode(wire::BodyReference{wire::sha256(bytes), bytes.size(), "image/jpeg", ""}));
  }
  study.world.add(make_batch(
      1, {1, 1000 + first}, make_set({fmt::format("door open s u{}", first)}), std::move(columns)));
}

TEST_CASE("too many frames are told as soon as they are found, in whatever files they are") {
  Study study;
  add_frames(study, 0, 3);
  add_frames(study, 2, 3);  // one of them again
  study.record("P1", 0, 2 * kSecond, {"a"});
  study.record("P2", 2 * kSecond, 5 * kSecond, {"a"});
  study.request(R"({"sensors":["door"]})");
  const auto reader = study.world.make_reader();
  const auto steps_until_full = [&](std::size_t bodies_max, const std::string& directory) {
    auto run =
        ExportRun::make(*reader, study.files, study.row, directory, "1.2.3", bodies_max).value();
    for (int steps = 1;; ++steps) {
      const auto more = run->step(*reader);
      if (more && !*more) return 0;
      if (more) continue;
      CHECK(more.error().code == rt::Errc::kFull);
      CHECK(more.error().message.find(fmt::format("more than {} frames", bodies_max)) == 0);
      return steps;
    }
  };
  CHECK(steps_until_full(5, "/exports/5") == 0);
  // One step finds that a file has frames, one writes it.
  CHECK(steps_until_full(1, "/exports/1") == 2);  // in the first file
  CHECK(steps_until_full(4, "/exports/4") == 4);  // in the second
  CHECK(steps_until_full(4, "/exports/4") == 3);  // also when the first is whole already
}

TEST_CASE("a file has the column that names frames when one of its rows tells of one") {
  Study study;
  study.record("P1", 0, 5 * kSecond, {"a"});
  study.record("P2", 2 * kSecond, 5 * kSecond, {"a"});
  add_frames(study, 0, 2);  // before P2's recording
  study.request(R"({"format":"csv","sensors":["door"]})");
  CHECK(study.run().readings == 5 + 2 + 3);
  const std::string with = study.read("id-P1/1970-01-01_door_samples.csv");
  CHECK(with.substr(0, with.find('\r')).ends_with(",file"));
  CHECK(std::ranges::count(with, '\n') == 1 + 5 + 2);
  CHECK(with.find(",blobs/") != std::string::npos);
  const std::string without = study.read("id-P2/1970-01-01_door_samples.csv");
  CHECK_FALSE(without.substr(0, without.find('\r')).ends_with(",file"));
}

TEST_CASE("what an earlier process left of a file is not in it") {
  Study study;
  study.record("P1", 0, 5 * kSecond, {"a"});
  study.request(R"({"format":"csv"})");
  const std::string directory = "/exports/1/experiment-id/id-P1";
  REQUIRE(study.files.make_directories(directory));
  REQUIRE(study.files.write_at(directory + "/1970-01-01_door_samples.csv.part", 0,
                               std::string(100'000, 'z'), 0640));
  study.run();
  CHECK(study.read("id-P1/1970-01-01_door_samples.csv").find('z') == std::string::npos);
}

}  // namespace
}  // namespace fieldpost::test

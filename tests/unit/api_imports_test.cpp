#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/imports/import_attempts.h"
#include "proto/wire/batch_encoder.h"
#include "proto/wire/body.h"
#include "proto/wire/sha256.h"
#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

constexpr const char* kImports = "/api/v1/imports";

std::string lines(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += fmt::format("air t={} {}\n", i, 1'000 + i);
  return out;
}

struct World : ApiWorld {
  json send(std::string_view method, const std::string& target, const std::string& body,
            int status) {
    FakeAnswer& answer = ask(method, target, {}, body);
    sim.run_until([&] { return answer.response.has_value(); }, rt::Seconds{60});
    REQUIRE(answer.response.has_value());
    INFO(answer.response->body);
    CHECK(answer.response->status == status);
    return json::parse(answer.response->body, nullptr, false);
  }
  json create(const std::string& bytes, json more = {{"name", "a.lp"}, {"node", "n"}},
              int status = 202) {
    more["size"] = bytes.size();
    more["sha256"] = wire::sha256(bytes).hex();
    return send("POST", kImports, more.dump(), status);
  }
  json put(const json& row, std::uint64_t offset, const std::string& piece, int status = 202) {
    return send("PUT", path_of(row) + fmt::format("/data?offset={}", offset), piece, status);
  }
  static std::string path_of(const json& row) {
    return kImports + ("/" + row.at("id").get<std::string>());
  }
  json await(const json& row) {
    const std::string path = path_of(row);
    sim.run_until([&] { return get(path).at("state") != "running"; }, rt::Seconds{600});
    return get(path);
  }
  /// All of it at once.
  json bring(const std::string& bytes, const json& more = {{"name", "a.lp"}, {"node", "n"}}) {
    const json row = create(bytes, more);
    if (row.at("state") == "uploading") put(row, 0, bytes);
    return await(row);
  }
  json post(const std::string& where, const std::string& body) {
    FakeAnswer& answer = ask("POST", where, {}, body);
    REQUIRE(answer.response.has_value());
    INFO(answer.response->body);
    REQUIRE(answer.response->status < 300);
    return json::parse(answer.response->body);
  }
  /// An export of the experiment at `path`, as one file.
  std::string archive_of(const std::string& path, const std::string& format) {
    const std::string one =
        path + "/exports/" +
        post(path + "/exports", json{{"format", format}}.dump()).at("id").get<std::string>();
    sim.run_until([&] { return get(one).at("state") != "running"; }, rt::Seconds{60});
    CHECK(get(one).at("error") == "");
    FakeAnswer& answer = ask("GET", one + "/archive");
    if (answer.response) return answer.response->body;
    REQUIRE(answer.streaming);
    for (int i = 0; i < 1000 && !answer.ended; ++i) {
      answer.drain();
      sim.run_for(rt::Millis{20});
    }
    CHECK(answer.ended);
    return answer.text;
  }
  /// Gives its store an id, before it is opened: else all worlds have the same.
  void name_store(char digit) {
    store.execute("INSERT INTO fact VALUES ('store_id', x'" + std::string(32, digit) + "')");
  }
  std::uint64_t readings() {
    std::uint64_t sum = 0;
    const json series = get("/api/v1/series");
    for (const json& each : series.at("items")) {
      const json answer = get(fmt::format("/api/v1/readings?series={}&limit=100000",
                                          each.at("id").get<std::int64_t>()));
      sum += answer.at("items").at(0).at("readings").size();
    }
    return sum;
  }
};

TEST_CASE("a file comes in pieces, and is brought in when it is whole") {
  World world;
  const std::string bytes = lines(1000);
  const json row = world.create(bytes);
  CHECK(row.at("state") == "uploading");
  CHECK(row.at("received") == 0);
  CHECK(world.put(row, 0, bytes.substr(0, 100)).at("received") == 100);
  CHECK(world.put(row, 200, bytes.substr(200, 100)).at("received") == 100);  // too early
  CHECK(world.put(row, 50, bytes.substr(50, 100)).at("received") == 150);    // half of it again
  CHECK(world.create(bytes).at("received") == 150);
  CHECK(world.put(row, 150, bytes.substr(150)).at("state") == "running");
  const json done = world.await(row);
  CHECK(done.at("state") == "done");
  CHECK(done.at("readings") == 1000);
  CHECK(done.at("rows_bad") == 0);
  CHECK(done.at("phase").is_null());
  CHECK(world.readings() == 1000);
  CHECK(world.get("/api/v1/series").at("items").at(0).at("node") == "n");
  CHECK(world.get(kImports).at("items").size() == 1);
  for (const std::string& file : world.store.disk().paths()) {
    CHECK_FALSE(file.starts_with("/imports/"));
  }
}

TEST_CASE("the same file again changes nothing, unless that is asked for") {
  World world;
  const std::string bytes = lines(10);
  const json first = world.bring(bytes);
  world.bring("air t=77 1000\n");  // corrects one
  const json again = world.create(bytes, {{"name", "b.lp"}, {"node", "n"}}, 200);
  CHECK(again.at("id") == first.at("id"));
  CHECK(again.at("state") == "done");
  world.settle();
  const std::string readings = "/api/v1/readings?series=1&to=1001";
  CHECK(world.get(readings).at("items").at(0).at("readings").at(0).at(1) == 77.0);
  const json other = world.bring(bytes, {{"name", "a.lp"}, {"node", "n"}, {"again", true}});
  CHECK(other.at("id") != first.at("id"));
  CHECK(world.get(readings).at("items").at(0).at("readings").at(0).at(1) == 0.0);
  CHECK(world.readings() == 10);
  CHECK(world.send("PUT", World::path_of(first) + "/data?offset=0", "x", 409).at("detail") ==
        "the import is done: nothing more is taken");
  CHECK(world.send("DELETE", World::path_of(first), "", 409)
            .at("detail")
            .get<std::string>()
            .find("the import is done") == 0);
}

TEST_CASE("what is written over HTTP after an import goes before it") {
  World world;
  world.bring(lines(10));
  REQUIRE(world.store.run_store([&](coordinator::Store& store) -> rt::Status {
    wire::BatchEncoder encoder({});
    wire::ReadingsBatch batch;
    batch.pieces.push_back(wire::LineParser().parse("air t=5 1003", {}));
    const auto records = encoder.encode(std::move(batch));
    const auto done = store.store_http({{.node = "n", .records = *records}}, {});
    return done.at(0) ? rt::ok() : rt::Status(done.at(0).error());
  }));
  CHECK(world.get("/api/v1/readings?series=1&from=1003&to=1004")
            .at("items")
            .at(0)
            .at("readings")
            .at(0)
            .at(1) == 5.0);
}

TEST_CASE("an import that the end of the process cut off goes on where it stood") {
  const std::string bytes = lines(300'000);
  World world;
  const json row = world.create(bytes);
  world.put(row, 0, bytes);
  int starts = 0;
  for (; world.get(World::path_of(row)).at("state") == "running"; ++starts) {
    REQUIRE(starts < 200);
    world.sim.run_for(rt::Millis{1});
    world.imports.reset();
    world.imports.emplace(
        coordinator::ImportDeskPorts{
            world.loop, world.clock, world.importer, world.files, world.log, *world.studies,
            [&](const auto& job, const auto& done) { done(world.store.run_store(job)); }},
        "/imports");
    world.api.emplace(world.services());
    world.imports->start();
    world.sim.run_for(rt::Millis{1});
  }
  CHECK(starts > 2);
  const json done = world.get(World::path_of(row));
  CHECK(done.at("state") == "done");
  CHECK(done.at("readings") == 300'000);
  CHECK(world.store.number("SELECT sum(readings) FROM batch") == 300'000);
}

TEST_CASE("an import that ended the process where it stands is not tried for ever") {
  World world;
  const std::string bytes = lines(10);
  const json row = world.create(bytes);
  const std::string path = "/imports/" + row.at("id").get<std::string>();
  REQUIRE(world.files.make_directories("/imports"));
  const coordinator::ImportPlace begin, later{0, 5, 100};
  for (const auto& place : {begin, later, begin}) {
    for (std::size_t i = 0; i < coordinator::kImportAttemptsMax; ++i) {
      CHECK(coordinator::note_attempt(world.files, path, place).has_value());
    }
  }
  world.put(row, 0, bytes);
  const json failed = world.await(row);
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("error").get<std::string>().find("the coordinator ended 5 times") == 0);
  CHECK(world.create(bytes).at("state") == "running");
  CHECK(world.await(row).at("state") == "done");
  CHECK(world.readings() == 10);
}

TEST_CASE("bytes of another hash are not brought in, and may come again") {
  World world;
  const std::string bytes = lines(10);
  const json row = world.create(bytes);
  std::string wrong = bytes;
  wrong[6] = '9';
  world.put(row, 0, wrong);
  const json failed = world.await(row);
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("error").get<std::string>().find("not those of its sha256") != std::string::npos);
  CHECK(world.get("/api/v1/series").at("items").empty());
  const json again = world.create(bytes);
  CHECK(again.at("state") == "uploading");
  CHECK(again.at("received") == 0);
  world.put(row, 0, bytes);
  CHECK(world.await(row).at("state") == "done");
}

TEST_CASE("an import that failed with its file here begins again by itself") {
  World world;
  const std::string bytes = lines(10);
  const json row = world.create(bytes);
  world.store.execute(
      "CREATE TRIGGER stop BEFORE INSERT ON batch BEGIN SELECT RAISE(ABORT, 'no'); END");
  world.put(row, 0, bytes);
  CHECK(world.await(row).at("state") == "failed");
  world.store.execute("DROP TRIGGER stop");
  CHECK(world.create(bytes).at("state") == "running");
  CHECK(world.await(row).at("state") == "done");
  CHECK(world.readings() == 10);
}

TEST_CASE("one that is not done can be given up, also while it runs") {
  World world;
  const std::string bytes = lines(200'000);
  const json waiting = world.create(lines(5));
  world.put(waiting, 0, lines(2));
  world.send("DELETE", World::path_of(waiting), "", 204);
  world.get(World::path_of(waiting), 404);
  const json row = world.create(bytes);
  world.put(row, 0, bytes);
  world.send("DELETE", World::path_of(row), "", 204);
  world.get(World::path_of(row), 404);
  world.send("DELETE", World::path_of(row), "", 404);
  for (const std::string& file : world.store.disk().paths()) {
    CHECK_FALSE(file.starts_with("/imports/"));
  }
}

TEST_CASE("rows that do not fit are counted and told, the others stand") {
  World world;
  const json row = world.bring("air t=1 1\nair t=x 2\nair\nair t=4 4\n");
  CHECK(row.at("state") == "done");
  CHECK(row.at("readings") == 2);
  CHECK(row.at("rows_bad") == 2);
  REQUIRE(row.at("problems").size() == 2);
  CHECK(row.at("problems").at(0).get<std::string>().find("row 2: ") == 0);
}

TEST_CASE("a tag that names no node makes only so many") {
  World world;
  constexpr int kNodes = static_cast<int>(coordinator::kImportNodesMax) + 3;
  const json request = {{"name", "a.lp"}, {"node_from", "host"}};
  std::string bytes;
  for (int i = 0; i < kNodes; ++i) {
    bytes += fmt::format("air,host=h{} t=1 {}\n", i, i);
    // More than a step takes, between those that are new.
    for (int k = 0; i == 600 && k < 70'000; ++k) bytes += fmt::format("air,host=h0 t=2 {}\n", k);
  }
  const json row = world.bring(bytes, request);
  CHECK(row.at("state") == "done");
  CHECK(row.at("rows_bad") == 3);
  CHECK(row.at("problems").at(0).get<std::string>().find("there are more than 1000 new nodes") ==
        0);
  CHECK(row.at("problems").size() == 1);
  CHECK(world.store.number("SELECT count(*) FROM node") == kNodes - 3);
  json again = request;
  again["again"] = true;
  CHECK(world.bring(bytes, again).at("rows_bad") == 0);
  CHECK(world.store.number("SELECT count(*) FROM node") == kNodes);
}

TEST_CASE("what is wrong with a request is told") {
  World world;
  world.send("POST", kImports, "[]", 400);
  world.create("x", {{"name", "a.lp"}}, 400);
  world.send("PUT", std::string(kImports) + "/none/data?offset=0", "x", 404);
  const json row = world.create(lines(1));
  CHECK(world.put(row, 0, lines(2), 400).at("detail").get<std::string>().find("was said to have") !=
        std::string::npos);
  world.send("PUT", World::path_of(row) + "/data?offset=x", "x", 400);
  world.store.disk().set_bytes_max(world.store.disk().bytes_used() + 1000);
  CHECK(world.put(row, 0, lines(1), 507).at("detail").get<std::string>().find("no room") !=
        std::string::npos);
}

TEST_CASE("uploads that nobody brings to an end go after a week") {
  World world;
  const json row = world.create(lines(5));
  world.put(row, 0, lines(2));
  world.store.disk().set_clock([&] { return world.clock.now().ns; });
  world.put(row, lines(2).size(), lines(3).substr(lines(2).size()));
  world.imports->start();
  world.settle();
  CHECK(world.get(World::path_of(row)).at("state") == "uploading");
  world.sim.run_for(rt::Seconds{8LL * 86'400 + 60});
  world.get(World::path_of(row), 404);
}

TEST_CASE("an upload that stands still gives way to a new import that finds no place") {
  World world;
  world.store.disk().set_clock([&] { return world.clock.now().ns; });
  std::vector<json> rows;
  for (std::size_t i = 0; i < coordinator::ImportDesk::kUnfinishedMax; ++i) {
    rows.push_back(world.create(lines(static_cast<int>(i) + 1)));
  }
  CHECK(world.put(rows[1], 0, lines(1)).at("received") == lines(1).size());
  world.sim.run_for(std::chrono::minutes(50));
  world.create(lines(100), {{"name", "a.lp"}, {"node", "n"}}, 503);
  world.put(rows[0], 0, lines(1).substr(0, 5));
  world.sim.run_for(std::chrono::minutes(15));
  CHECK(world.create(lines(100)).at("state") == "uploading");
  CHECK(world.get(World::path_of(rows[0])).at("received") == 5);
  CHECK(world.get(World::path_of(rows[1])).at("received") == lines(1).size());
  world.get(World::path_of(rows[2]), 404);
  CHECK(world.log.count_containing("its upload stood still") == 1);
  world.put(rows[2], 0, lines(1), 404);
  CHECK(world.create(lines(3)).at("received") == 0);
  world.get(World::path_of(rows[3]), 404);
}

TEST_CASE("files of imports that failed go after a week, and all that is of none") {
  World world;
  world.store.disk().set_clock([&] { return world.clock.now().ns; });
  world.store.execute(
      "CREATE TRIGGER stop BEFORE INSERT ON batch BEGIN SELECT RAISE(ABORT, 'no'); END");
  const json row = world.bring(lines(5));
  CHECK(row.at("state") == "failed");
  for (int i = 0; i < 100; ++i) {  // more than questions that may wait
    REQUIRE(world.files.write_at(fmt::format("/imports/{:032x}", i), 0, "x", 0600));
  }
  const auto left = [&] {
    std::size_t count = 0;
    for (const std::string& file : world.store.disk().paths()) {
      if (file.starts_with("/imports/")) count += 1;
    }
    return count;
  };
  CHECK(left() == 101);
  world.imports->start();
  world.sim.run_for(rt::Seconds{10});
  CHECK(left() == 1);
  CHECK(world.get(World::path_of(row)).at("received") == lines(5).size());
  world.sim.run_for(rt::Seconds{8LL * 86'400});
  CHECK(left() == 0);
  CHECK(world.get(World::path_of(row)).at("state") == "failed");
}

/// A finished experiment with all that one can have.
struct Study : World {
  std::string path = "/api/v1/experiments/drought";

  Study() {
    add_series("n", "air,pos=top t f K", {{1, 1.5}, {2, -0.0}, {3, 1e300}});
    add_series("m", "air,pos=top t f K", {{1, 7}, {2, 8}});
    add_text("n", "cam frame s", {{1'000'000'000, "no body"}, {2'000'000'000, frame()}});
    const std::string bytes = "a frame";
    REQUIRE(files.make_directories("/uploads"));
    REQUIRE(files.write_at("/uploads/x", 0, bytes, 0600));
    REQUIRE(store.run_store([&](coordinator::Store& whole) {
      return whole.bodies().adopt("/uploads/x", {wire::sha256(bytes), 7, "image/jpeg", ""}, {});
    }));
    post("/api/v1/sensor_configs", R"({"name":"house","by":"bo","sensors":[
      {"name":"air","measurement":"air","field":"t","unit":"°C","calibration":{"offset":-273.15}},
      {"name":"eye","measurement":"cam","field":"frame","type":"camera"}]})");
    post("/api/v1/experiments", json{{"name", "drought"},
                                     {"config", "house"},
                                     {"owner", "anna"},
                                     {"description", "dry"},
                                     {"nodes", {"n", "m"}}}
                                    .dump());
    post(path + "/participants", R"({"name":"P01","description":"tall"})");
    post(path + "/operators", R"({"name":"bo"})");
    post(path + "/tasks", R"({"name":"dry"})");
    post(path + "/state", R"({"state":"ready"})");
    const json recording = post(path + "/recordings", json{{"time", 0},
                                                           {"stop", 10'000'000'000},
                                                           {"participant", "P01"},
                                                           {"task", "dry"},
                                                           {"operator", "bo"},
                                                           {"by", "anna"}}
                                                          .dump());
    post(path + "/recordings", R"({"time":2000000000,"stop":3000000000,"nodes":["n"]})");
    post(path + "/logbook",
         json{{"text", "moved"}, {"author", "anna"}, {"recording", recording.at("id")}}.dump());
    post(path + "/logbook",
         json{{"text", "see, \"this\""},
              {"participant", "P01"},
              {"attachments", {{{"sha256", wire::sha256(bytes).hex()}, {"name", "a.jpg"}}}}}
             .dump());
    const std::string member = get(path).at("participants").at(0).at("id");
    const std::string task = get(path).at("tasks").at(0).at("id");
    send("PUT", path + "/progress",
         json{{"participant", member}, {"task", task}, {"state", "done"}, {"note", "well"}}.dump(),
         200);
  }
  void finish() { post(path + "/state", R"({"state":"finished"})"); }
  void add_text(const std::string& node, const std::string& key,
                const std::vector<std::pair<std::int64_t, std::string>>& readings) {
    wire::Column column;
    for (const auto& [time, text] : readings) {
      column.times.push_back(time);
      column.values.push_back(column.strings.size());
      column.strings.push_back(text);
    }
    const auto no = store.number("SELECT no FROM node WHERE id = '" + node + "'");
    store.add(make_batch(*no, {1, 1000}, make_set({key}), {{std::move(column)}, {}, {}}));
  }
  static std::string frame() {
    return wire::encode(wire::BodyReference{wire::sha256("a frame"), 7, "image/jpeg", "f.jpg"});
  }
  std::string archive(const std::string& format) { return archive_of(path, format); }
};

const std::string kFlood = "/api/v1/experiments/flood";

/// The study with a loss, and an experiment on one of the two sensors of which readings were lost.
struct LossyStudy : Study {
  LossyStudy() {
    REQUIRE(store.run_store([](coordinator::Store& whole) -> rt::Status {
      const auto node = whole.ledger().node_no("n", {});
      const auto set = make_set({"air,pos=top t f K", "cam frame s"});
      const auto series = whole.readings().series_of(*node, *set);
      coordinator::NewGap gap{.node = *node, .cause = wire::GapCause::kShed};
      gap.first_time = 1;
      gap.last_time = 2;
      gap.readings = 3;
      gap.sets = {set->hash};
      gap.sets_known = true;
      const auto added = whole.ledger().add_gap(gap, {});
      return series && added ? rt::ok() : rt::Status(rt::Error{rt::Errc::kIo, ""});
    }));
    finish();
    post("/api/v1/sensor_configs",
         R"({"name":"eyes","sensors":[{"name":"eye","measurement":"cam","field":"frame"}]})");
    post("/api/v1/experiments", R"({"name":"flood","config":"eyes","nodes":["n"]})");
    post(kFlood + "/state", R"({"state":"ready"})");
    post(kFlood + "/recordings", R"({"time":0,"stop":10000000000})");
    post(kFlood + "/state", R"({"state":"finished"})");
  }
};

/// What a world answers about the study, without what is only its own: numbers of series.
json answers_of(World& world) {
  const std::string path = "/api/v1/experiments/drought";
  json out = {{"experiment", world.get(path)}};
  for (const char* each : {"/recordings", "/logbook", "/progress", "/health"}) {
    out[each] = world.get(path + each);
  }
  out["config"] = world.get("/api/v1/sensor_configs/house");
  const json series = world.get("/api/v1/series");
  for (json item : series.at("items")) {
    const json answer =
        world.get(fmt::format("/api/v1/readings?series={}", item.at("id").get<std::int64_t>()));
    const std::string name = item.at("node").get<std::string>() + item.at("tags").dump() +
                             item.at("measurement").get<std::string>() + item.at("unit").dump();
    out["readings"][name] = answer.at("items").at(0).at("readings");
  }
  return out;
}

TEST_CASE("what was exported comes back whole: the answers are the same, and so is its export") {
  for (const char* format : {"parquet", "csv", "jsonl"}) {
    CAPTURE(format);
    Study study;
    study.finish();
    const std::string archive = study.archive(format);
    World other;
    const json row = other.bring(archive, {{"name", "drought.tar"}});
    CHECK(row.at("error") == "");
    REQUIRE(row.at("state") == "done");
    CHECK(row.at("readings") == 9);  // two of them lie in both recordings
    CHECK(row.at("rows_bad") == 0);
    CHECK(row.at("experiment") == study.get(study.path).at("id"));
    CHECK(answers_of(other) == answers_of(study));
    const auto& body = other.ask("GET", "/api/v1/blobs/" + wire::sha256("a frame").hex()).response;
    REQUIRE(body.has_value());
    CHECK(body->body == "a frame");
    const json again = other.create(archive, {{"name", "b.tar"}}, 200);
    CHECK(again.at("state") == "done");
    CHECK(other.bring(archive, {{"name", "c.tar"}, {"again", true}}).at("state") == "done");
    CHECK(answers_of(other) == answers_of(study));
    CHECK(other.store.number("SELECT count(*) FROM log_entry") == 2);
  }
}

TEST_CASE("what was going on when it was exported is over where it comes to") {
  Study study;
  study.post(study.path + "/recordings", R"({"participant":"P01","task":"dry"})");
  CHECK(study.get(study.path).at("state") == "recording");
  World other;
  CHECK(other.bring(study.archive("csv"), {{"name", "a.tar"}}).at("error") == "");
  const json there = other.get(study.path);
  CHECK(there.at("state") == "finished");
  CHECK(there.at("recordings") == 3);
  CHECK(there.at("recordings_open") == 0);
}

TEST_CASE("names that are taken get another one, and what is there stays") {
  Study study;
  study.finish();
  const std::string archive = study.archive("csv");
  World other;
  static_cast<void>(other.random.next_id());  // not the same ids
  other.send("POST", "/api/v1/sensor_configs",
             R"({"name":"house","sensors":[{"name":"x","measurement":"x","field":"x"}]})", 201);
  other.send("POST", "/api/v1/experiments", R"({"name":"drought","config":"house"})", 201);
  CHECK(other.bring(archive, {{"name", "a.tar"}}).at("error") == "");
  CHECK(other.get("/api/v1/experiments").at("items").size() == 2);
  const json there = other.get("/api/v1/experiments/drought%20(imported)");
  CHECK(there.at("config").at("name") == "house (imported)");
  CHECK(other.get("/api/v1/sensor_configs/house").at("version") == 1);
}

TEST_CASE("a loss that lies in two exports is one where both come to, and wherever they go on") {
  LossyStudy source;
  const std::string drought = source.archive("csv");
  const std::string flood = source.archive_of(kFlood, "csv");
  const auto gaps_after = [](World& world, const std::string& archive) {
    CHECK(world.bring(archive, {{"name", "a.tar"}}).at("error") == "");
    return world.store.number("SELECT count(*) FROM gap");
  };
  World other, third;
  other.name_store('b');
  third.name_store('c');
  CHECK(gaps_after(other, drought) == 1);
  CHECK(gaps_after(other, flood) == 1);
  const std::string onward = other.archive_of(kFlood, "csv");
  CHECK(gaps_after(third, onward) == 1);
  CHECK(gaps_after(third, drought) == 1);
  CHECK(gaps_after(source, flood) == 1);
  CHECK(gaps_after(source, onward) == 1);
}

}  // namespace
}  // namespace fieldpost::test

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/sha256.h"
#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

constexpr const char* kSensors =
    R"("sensors":[{"name":"air","measurement":"air","field":"t","unit":"°C"}])";

json send(ApiWorld& world, const char* method, const std::string& path, const std::string& body,
          int status) {
  const auto& response = world.ask(method, path, {}, body).response;
  REQUIRE(response.has_value());
  INFO(method, " ", path, " ", body, ": ", response->body);
  REQUIRE(response->status == status);
  return json::parse(response->body);
}

std::string refused(ApiWorld& world, const char* method, const std::string& path,
                    const std::string& body, int status) {
  return send(world, method, path, body, status).at("detail");
}

/// A config "house" and a ready experiment "drought" with a participant, a task and an operator.
struct Study {
  ApiWorld world;
  std::string path = "/api/v1/experiments/drought";
  Study() {
    send(world, "POST", "/api/v1/sensor_configs",
         std::string(R"({"name":"house",)") + kSensors + "}", 201);
    send(world, "POST", "/api/v1/experiments",
         R"({"name":"drought","config":"house","owner":"anna"})", 201);
    send(world, "POST", path + "/participants", R"({"name":"P01"})", 201);
    send(world, "POST", path + "/tasks", R"({"name":"walk"})", 201);
    send(world, "POST", path + "/operators", R"({"name":"bo"})", 201);
    send(world, "POST", path + "/state", R"({"state":"ready"})", 200);
  }
  json start(const std::string& body) {
    return send(world, "POST", path + "/recordings", body, 201);
  }
  std::string state() { return world.get(path).at("state"); }
};

TEST_CASE("a sensor config is made, cloned and edited in versions that stay") {
  ApiWorld world;
  const std::string all = "/api/v1/sensor_configs";
  const json first =
      send(world, "POST", all, std::string(R"({"name":"a","by":"anna",)") + kSensors + "}", 201);
  CHECK(first.at("version") == 1);
  CHECK(first.at("author") == "anna");
  CHECK(first.at("sensors").size() == 1);
  const json same = send(world, "PUT", all + "/a", std::string("{") + kSensors + "}", 200);
  CHECK(same.at("version") == 1);
  const json second = send(world, "PUT", all + "/a", R"({"sensors":[]})", 200);
  CHECK(second.at("version") == 2);
  CHECK(world.get(all + "/a").at("version") == 2);
  CHECK(world.get(all + "/a?version=1").at("sensors").size() == 1);
  CHECK(world.get(all + "/a/versions").at("items").size() == 2);
  const json clone = send(world, "POST", all, R"({"name":"b","clone":"a","version":1})", 201);
  CHECK(clone.at("sensors") == first.at("sensors"));
  CHECK(world.get(all + "?limit=1").at("items")[0].at("name") == "a");
  const std::string next = world.get(all + "?limit=1").at("next_cursor");
  CHECK(world.get(all + "?limit=1&cursor=" + next).at("items")[0].at("name") == "b");
  CHECK(refused(world, "POST", all, R"({"name":"a"})", 409) == R"(sensor config "a" exists)");
  CHECK(refused(world, "PUT", all + "/c", R"({"sensors":[]})", 404) == R"(no sensor config "c")");
  CHECK(refused(world, "PUT", all + "/a", "{}", 400).find("whole list") != std::string::npos);
  CHECK(refused(world, "POST", all, R"({"name":"c","clone":"a","sensors":[]})", 400)
            .find("not both") != std::string::npos);
  CHECK(world.problem(all + "/a?version=9", 404) == R"(no version 9 of sensor config "a")");
}

TEST_CASE("an experiment keeps the version of its config that it was given") {
  Study study;
  send(study.world, "PUT", "/api/v1/sensor_configs/house", R"({"sensors":[]})", 200);
  CHECK(study.world.get(study.path).at("config").at("version") == 1);
  CHECK(refused(study.world, "PATCH", study.path, R"({"config":"house"})", 409) ==
        "its config is chosen while it is a draft");
  send(study.world, "POST", study.path + "/state", R"({"state":"draft"})", 200);
  const json edited = send(study.world, "PATCH", study.path, R"({"config":"house"})", 200);
  CHECK(edited.at("config").at("version") == 2);
  CHECK(refused(study.world, "POST", study.path + "/state", R"({"state":"ready"})", 409)
            .find("no sensor config with a sensor that is on") != std::string::npos);
}

TEST_CASE("experiments are found by id and by name, and listed by state and owner") {
  Study study;
  const json shown = study.world.get(study.path);
  CHECK(study.world.get("/api/v1/experiments/" + shown.at("id").get<std::string>()) == shown);
  CHECK(shown.at("participants")[0].at("name") == "P01");
  CHECK(shown.at("tasks")[0].at("name") == "walk");
  CHECK(shown.at("operators")[0].at("name") == "bo");
  CHECK(shown.at("complete") == false);
  send(study.world, "POST", "/api/v1/experiments", R"({"name":"flood"})", 201);
  const auto names = [&](const std::string& query) {
    std::string out;
    const json listed = study.world.get("/api/v1/experiments" + query);
    for (const json& each : listed.at("items")) out += each.at("name").get<std::string>() + " ";
    return out;
  };
  CHECK(names("") == "drought flood ");
  CHECK(names("?state=draft") == "flood ");
  CHECK(names("?owner=anna") == "drought ");
  CHECK(names("?limit=1") == "drought ");
  study.world.problem("/api/v1/experiments?state=over", 400);
  CHECK(refused(study.world, "POST", "/api/v1/experiments", R"({"name":"flood"})", 409) ==
        R"(an experiment "flood" exists)");
  CHECK(refused(study.world, "PATCH", study.path, R"({"name":"flood"})", 409) ==
        R"(another experiment is "flood")");
  CHECK(refused(study.world, "POST", "/api/v1/experiments", R"({"name":"x","colour":1})", 400)
            .find(R"("colour": nothing has this name here)") == 0);
  CHECK(study.world.problem("/api/v1/experiments/none", 404) == R"(no experiment "none")");
}

TEST_CASE("recordings start and stop, and the experiment's state follows") {
  Study study;
  const json recording =
      study.start(R"({"participant":"P01","task":"walk","operator":"bo","by":"anna"})");
  CHECK(recording.at("participant").at("name") == "P01");
  CHECK(recording.at("task").at("name") == "walk");
  CHECK(recording.at("operator").at("name") == "bo");
  CHECK(recording.at("stopped").is_null());
  CHECK(recording.at("started_by") == "anna");
  CHECK(study.state() == "recording");
  const std::string stop =
      study.path + "/recordings/" + recording.at("id").get<std::string>() + "/stop";
  const json stopped = send(study.world, "POST", stop, R"({"by":"bo"})", 200);
  CHECK(stopped.at("stopped").is_string());
  CHECK(stopped.at("stopped_by") == "bo");
  CHECK(send(study.world, "POST", stop, R"({"by":"cy"})", 200) == stopped);
  CHECK(study.state() == "paused");
  study.start("{}");
  study.start("{}");
  CHECK(study.world.get(study.path).at("recordings_open") == 2);
  send(study.world, "POST", study.path + "/state", R"({"state":"paused","by":"anna"})", 200);
  CHECK(study.world.get(study.path).at("recordings_open") == 0);
  study.start("{}");
  const json over =
      send(study.world, "POST", study.path + "/state", R"({"state":"finished"})", 200);
  CHECK(over.at("finished").is_string());
  CHECK(study.world.get(study.path + "/recordings").at("items").size() == 4);
  CHECK(study.world.get(study.path + "/recordings?limit=3").at("items").size() == 3);
  CHECK(refused(study.world, "POST", study.path + "/recordings", "{}", 409) ==
        R"(experiment "drought": it is finished)");
}

TEST_CASE("the recordings of one experiment have nothing to do with those of another") {
  Study study;
  const std::string flood = "/api/v1/experiments/flood";
  send(study.world, "POST", "/api/v1/experiments", R"({"name":"flood","config":"house"})", 201);
  send(study.world, "POST", flood + "/state", R"({"state":"ready"})", 200);
  send(study.world, "POST", flood + "/recordings", "{}", 201);
  CHECK(study.state() == "ready");
  const std::string id = study.start("{}").at("id");
  send(study.world, "POST", study.path + "/recordings/" + id + "/stop", "{}", 200);
  CHECK(study.state() == "paused");
  study.start("{}");
  send(study.world, "POST", study.path + "/state", R"({"state":"paused"})", 200);
  CHECK(study.world.get(flood).at("recordings_open") == 1);
  CHECK(study.world.get(flood).at("state") == "recording");
}

TEST_CASE("a recording is of no node that the experiment does not have") {
  Study study;
  const std::string path = study.path + "/recordings";
  send(study.world, "PATCH", study.path, R"({"nodes":["n-*","door"]})", 200);
  CHECK(refused(study.world, "POST", path, R"({"nodes":["n-1","dor"]})", 409) ==
        "experiment \"drought\" has no node dor: its nodes are n-*, door");
  CHECK(study.start(R"({"nodes":["n-1","d*"]})").at("nodes").size() == 2);
  Study of_every_node;
  CHECK(of_every_node.start(R"({"nodes":["dor"]})").at("nodes").size() == 1);
}

TEST_CASE("what is over may be entered afterwards; times to come are refused") {
  Study study;
  const json entered = study.start(R"({"time":1000,"stop":2000})");
  CHECK(entered.at("stopped") == "1970-01-01T00:00:00.000002000Z");
  CHECK(study.state() == "paused");
  const auto why = [&](const std::string& body) {
    return refused(study.world, "POST", study.path + "/recordings", body, 400);
  };
  CHECK(why(R"({"time":"2200-01-01T00:00:00Z"})").find(R"("time")") == 0);
  CHECK(why(R"({"time":2000,"stop":1000})").find(R"("stop")") == 0);
  CHECK(why(R"({"stop":"2200-01-01T00:00:00Z"})").find(R"("stop")") == 0);
  CHECK(refused(study.world, "POST", study.path + "/recordings", R"({"task":"run"})", 404) ==
        R"(the experiment has no task "run")");
  CHECK(refused(study.world, "POST", study.path + "/recordings/none/stop", "{}", 404) ==
        "the experiment has no recording none");
}

TEST_CASE("a recording is not stopped at a time to come") {
  Study study;
  const std::string id = study.start("{}").at("id");
  CHECK(refused(study.world, "POST", study.path + "/recordings/" + id + "/stop",
                R"({"time":"2200-01-01T00:00:00Z"})", 400)
            .find(R"("time")") == 0);
  CHECK(study.state() == "recording");
}

TEST_CASE("a task is being recorded as long as any of its recordings is open") {
  Study study;
  study.start(R"({"participant":"P01","task":"walk","time":1000})");
  study.start(R"({"participant":"P01","task":"walk","time":2000,"stop":3000})");
  const json item = study.world.get(study.path + "/progress").at("items")[0];
  CHECK(item.at("tasks")[0].at("recordings") == 2);
  CHECK(item.at("tasks")[0].at("recording") == true);
}

TEST_CASE("progress is what was recorded and what was said of it") {
  Study study;
  study.start(R"({"participant":"P01","task":"walk","time":1000000000,"stop":3500000000})");
  study.start(R"({"participant":"P01","task":"walk"})");
  send(study.world, "PUT", study.path + "/progress",
       R"({"participant":"P01","task":"walk","state":"done","note":"well"})", 200);
  const json item = study.world.get(study.path + "/progress").at("items")[0];
  CHECK(item.at("participant").at("name") == "P01");
  CHECK(item.at("tasks_done") == 1);
  const json task = item.at("tasks")[0];
  CHECK(task.at("state") == "done");
  CHECK(task.at("note") == "well");
  CHECK(task.at("recordings") == 2);
  CHECK(task.at("recording") == true);
  CHECK(task.at("seconds").get<double>() >= 2.5);
  CHECK(refused(study.world, "PUT", study.path + "/progress",
                R"({"participant":"P01","task":"walk","state":"half"})", 400)
            .find("open, done or skipped") != std::string::npos);
}

TEST_CASE("members are renamed, and removed unless something names them") {
  Study study;
  const std::string participants = study.path + "/participants";
  send(study.world, "POST", participants, R"({"name":"P02","description":"left-handed"})", 201);
  CHECK(refused(study.world, "POST", participants, R"({"name":"P02"})", 409) ==
        R"(a participant "P02" exists)");
  const json renamed = send(study.world, "PATCH", participants + "/P02", R"({"name":"P03"})", 200);
  CHECK(renamed.at("description") == "left-handed");
  CHECK(refused(study.world, "PATCH", participants + "/P03", R"({"name":"P01"})", 409) ==
        R"(another participant is "P01")");
  send(study.world, "DELETE", participants + "/P03", "", 200);
  CHECK(study.world.get(participants).at("items").size() == 1);
  study.start(R"({"participant":"P01"})");
  CHECK(refused(study.world, "DELETE", participants + "/P01", "", 409).find("stays") !=
        std::string::npos);
}

TEST_CASE("a participant whom only the logbook or the progress names stays") {
  Study study;
  const std::string participants = study.path + "/participants";
  send(study.world, "POST", participants, R"({"name":"P02"})", 201);
  send(study.world, "POST", study.path + "/logbook", R"({"text":"ill","participant":"P01"})", 201);
  send(study.world, "PUT", study.path + "/progress",
       R"({"participant":"P02","task":"walk","state":"skipped"})", 200);
  for (const std::string name : {"P01", "P02"}) {
    CHECK(refused(study.world, "DELETE", participants + "/" + name, "", 409) ==
          "participant \"" + name + "\" stays: recordings, progress or the logbook name it");
  }
}

TEST_CASE("the logbook keeps what was written, and an entry with its id is written once") {
  Study study;
  const std::string id = study.start(R"({"participant":"P01"})").at("id");
  const json entry = send(
      study.world, "POST", study.path + "/logbook",
      R"({"id":"e1","text":"rain","author":"anna","time":5,"recording":")" + id + R"("})", 201);
  CHECK(entry.at("recording") == id);
  CHECK(entry.at("participant").at("name") == "P01");
  CHECK(entry.at("time") == "1970-01-01T00:00:00.000000005Z");
  const json again =
      send(study.world, "POST", study.path + "/logbook", R"({"id":"e1","text":"rain"})", 201);
  CHECK(again == entry);  // with what the first one named
  send(study.world, "POST", study.path + "/logbook", R"({"text":"sun"})", 201);
  const json all = study.world.get(study.path + "/logbook").at("items");
  REQUIRE(all.size() == 2);
  CHECK(all[0] == entry);
  CHECK(all[1].at("recording").is_null());
  CHECK(refused(study.world, "POST", study.path + "/logbook", "{}", 400).find(R"("text")") == 0);
  CHECK(refused(study.world, "POST", study.path + "/logbook", R"({"text":"x","recording":"y"})",
                404) == "the experiment has no recording y");
}

const std::string kPhoto = wire::sha256("photo").hex();
const std::string kWithPhoto =
    R"({"text":"see","attachments":[{"sha256":")" + kPhoto + R"(","name":"a.jpg"}]})";

void add_photo(ApiWorld& world) {
  world.store.execute("INSERT INTO blob (hash, size, type, stored_ns) VALUES (x'" + kPhoto +
                      "', 5, 'image/jpeg', 0)");
}

TEST_CASE("an entry is refused whose file is not here, or not any more") {
  Study study;
  const std::string log = study.path + "/logbook";
  const std::string why =
      "the bytes of " + kPhoto + " are not here: POST them to /api/v1/blobs first";
  CHECK(refused(study.world, "POST", log, kWithPhoto, 409) == why);
  add_photo(study.world);
  const json entry = send(study.world, "POST", log, kWithPhoto, 201);
  CHECK(entry.at("attachments")[0].at("size") == 5);
  study.world.store.execute("UPDATE blob SET missing = 1");
  CHECK(refused(study.world, "POST", log, kWithPhoto, 409) == why);
  CHECK(study.world.get(log).at("items").size() == 1);
}

TEST_CASE("an entry has its own files, whatever is written elsewhere in between") {
  Study study;
  const std::string flood = "/api/v1/experiments/flood";
  add_photo(study.world);
  send(study.world, "POST", "/api/v1/experiments", R"({"name":"flood"})", 201);
  send(study.world, "POST", study.path + "/logbook", R"({"text":"before"})", 201);
  send(study.world, "POST", flood + "/logbook", kWithPhoto, 201);
  send(study.world, "POST", study.path + "/logbook", R"({"text":"after"})", 201);
  const json entries = study.world.get(study.path + "/logbook").at("items");
  REQUIRE(entries.size() == 2);
  for (const json& entry : entries) CHECK(entry.at("attachments").empty());
  CHECK(study.world.get(flood + "/logbook").at("items")[0].at("attachments").size() == 1);
}

TEST_CASE("an archived experiment takes no entry and no progress") {
  Study study;
  study.start("{}");
  send(study.world, "POST", study.path + "/state", R"({"state":"finished"})", 200);
  send(study.world, "POST", study.path + "/logbook", R"({"text":"over"})", 201);
  send(study.world, "POST", study.path + "/state", R"({"state":"archived","incomplete":true})",
       200);
  const std::string why = "it is archived and stays as it is";
  CHECK(refused(study.world, "POST", study.path + "/logbook", R"({"text":"late"})", 409) == why);
  CHECK(refused(study.world, "PUT", study.path + "/progress",
                R"({"participant":"P01","task":"walk","state":"done"})", 409) == why);
  CHECK(study.world.get(study.path + "/logbook").at("items").size() == 1);
}

TEST_CASE("an experiment is archived when nothing of it is outstanding, or when it is told so") {
  Study study;
  study.world.add_series("n", "air t f", {{1, 1.0}});
  study.world.store.execute("UPDATE node SET current_incarnation = 1");
  study.start("{}");
  send(study.world, "POST", study.path + "/state", R"({"state":"finished"})", 200);
  const json shown = study.world.get(study.path);
  CHECK(shown.at("complete") == false);
  REQUIRE(shown.at("outstanding").size() == 1);
  CHECK(shown.at("outstanding")[0].at("node") == "n");
  CHECK(refused(study.world, "POST", study.path + "/state", R"({"state":"archived"})", 409)
            .find("still outstanding") != std::string::npos);
  study.world.store.execute("UPDATE node SET settled_until_ns = 9000000000000000000");
  CHECK(study.world.get(study.path).at("complete") == true);
  send(study.world, "POST", study.path + "/state", R"({"state":"archived"})", 200);
  for (const char* part : {"/participants", "/logbook"}) {
    CHECK(refused(study.world, "POST", study.path + part, R"({"name":"x"})",
                  std::string(part) == "/logbook" ? 400 : 409)
              .size() > 0);
  }
  CHECK(refused(study.world, "PATCH", study.path, R"({"owner":"x"})", 409) ==
        "it is archived and stays as it is");
}

TEST_CASE("incomplete experiments are archived when somebody says so") {
  Study study;
  study.world.add_series("n", "air t f", {{1, 1.0}});
  study.world.store.execute("UPDATE node SET current_incarnation = 1");
  study.start("{}");
  send(study.world, "POST", study.path + "/state", R"({"state":"finished"})", 200);
  send(study.world, "POST", study.path + "/state", R"({"state":"archived","incomplete":true})",
       200);
  CHECK(study.state() == "archived");
}

}  // namespace
}  // namespace fieldpost::test

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/cli_world.h"
#include "tests/support/temp_directory.h"
#include "tools/cli/study.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kPath = "/api/v1/experiments/drought";

json body_of(const CliWorld& world, std::size_t index) {
  return json::parse(world.fetcher.asked.at(index).body);
}

std::string list(const json& items) {
  return json{{"items", items}, {"next_cursor", nullptr}}.dump();
}

json recording(const std::string& id, const json& stopped) {
  return {{"id", id},
          {"participant", {{"id", "p"}, {"name", "P01"}}},
          {"task", nullptr},
          {"operator", nullptr},
          {"nodes", json::array()},
          {"started", "2026-11-27T20:00:00.000000000Z"},
          {"stopped", stopped},
          {"started_by", "anna"},
          {"stopped_by", ""}};
}

json export_row(const std::string& state, const std::string& error = "") {
  return {{"id", "x1"},
          {"state", state},
          {"request", {{"format", "parquet"}}},
          {"created", "2026-11-27T20:00:00.000000000Z"},
          {"finished", nullptr},
          {"files", 1},
          {"files_total", 2},
          {"readings", 1200},
          {"bytes", 4},
          {"error", error}};
}

}  // namespace

TEST_CASE("an experiment is shown with what is wrong and what is outstanding") {
  CliWorld world;
  world.answer(kPath, json{{"id", "e1"},
                           {"name", "drought"},
                           {"description", "dry soil"},
                           {"owner", "anna"},
                           {"state", "finished"},
                           {"config", {{"name", "house"}, {"version", 2}}},
                           {"nodes", {"green-*"}},
                           {"created", "2026-11-27T20:00:00.000000000Z"},
                           {"finished", nullptr},
                           {"participants", {{{"id", "p"}, {"name", "P01"}, {"description", ""}}}},
                           {"operators", json::array()},
                           {"tasks", json::array()},
                           {"recordings", 3},
                           {"recordings_open", 1},
                           {"complete", false},
                           {"sampling",
                            {{{"node", "green-1"},
                              {"wanted", {{"mem", 1.0}, {"soil", 0.5}}},
                              {"told", nullptr},
                              {"time", nullptr},
                              {"state", "waiting"},
                              {"detail", ""}},
                             {{"node", "green-2"},
                              {"wanted", {{"soil", 5.0}}},
                              {"told", {{"soil", 5.0}}},
                              {"time", "2026-11-27T20:00:00.000000000Z"},
                              {"state", "confirmed"},
                              {"detail", "soil: nobody"}}}},
                           {"wrong",
                            {{{"sensor", "air"},
                              {"series", 1},
                              {"kind", "silent"},
                              {"from", "2026-11-27T20:00:00.000000000Z"},
                              {"to", nullptr},
                              {"detail", "no reading for more than 2 s"}}}},
                           {"outstanding",
                            {{{"node", "far"},
                              {"needed_until", "2026-11-27T21:00:00.000000000Z"},
                              {"settled_until", nullptr},
                              {"why", "it was never heard of"}}}}}
                          .dump());
  CHECK(show_experiment(world.context, "drought") == kExitDone);
  CHECK(world.out() ==
        "drought  finished\n"
        "  id           e1\n"
        "  owner        anna\n"
        "  config       house v2\n"
        "  nodes        green-*\n"
        "  participants P01\n"
        "  operators    -\n"
        "  tasks        -\n"
        "  recordings   3, 1 open\n"
        "  dry soil\n"
        "  green-1 is to measure mem every 1 s, soil every 0.5 s: waiting\n"
        "  green-2 is to measure soil every 5 s: confirmed (soil: nobody)\n"
        "  sensor air is silent since 2026-11-27 20:00:00: no reading for more than 2 s\n"
        "outstanding:\n"
        "  far: it was never heard of (needed until 2026-11-27 21:00:00, settled until -)\n");
}

TEST_CASE("members that are there already stay as they are") {
  CliWorld world;
  world.answer(kPath + "/participants", list({{{"id", "p"}, {"name", "P01"}}}));
  world.answer(kPath + "/participants", json{{"id", "q"}, {"name", "P02"}}.dump(), 201);
  world.answer(kPath + "/operators", list(json::array()));
  world.answer(kPath + "/tasks", list(json::array()));
  CHECK(add_members(world.context, {"drought", {"P01", "P02"}, {}, {}}) == kExitDone);
  CHECK(world.out() == "1 added\n");
  CHECK(body_of(world, 1) == json{{"name", "P02"}});
}

TEST_CASE("stop means the recording that is open, and asks when there are several") {
  CliWorld world;
  const std::string path = kPath + "/recordings?limit=1000";
  world.answer(path,
               list({recording("r1", "2026-11-27T20:10:00.000000000Z"), recording("r2", nullptr)}));
  world.answer(kPath + "/recordings/r2/stop",
               recording("r2", "2026-11-27T20:20:00.000000000Z").dump());
  CHECK(stop_recording(world.context, {"drought", "", "", "bo", false}) == kExitDone);
  CHECK(world.out() == "recording r2: 2026-11-27 20:00:00 to 2026-11-27 20:20:00\n");
  CHECK(body_of(world, 1) == json{{"by", "bo"}});

  CliWorld several;
  several.answer(path, list({recording("r1", nullptr), recording("r2", nullptr)}));
  CHECK(stop_recording(several.context, {"drought", "", "", "", false}) == kExitUsage);
  CHECK(several.err().find("2 recordings are open, such as r1: name one, or --all") !=
        std::string::npos);

  CliWorld none;
  none.answer(path, list(json::array()));
  CHECK(stop_recording(none.context, {"drought", "", "", "", false}) == kExitFailed);
}

TEST_CASE("an entry of the logbook has an id of its own, so that it may be sent again") {
  CliWorld world;
  world.answer(kPath + "/logbook", "{}", 201);
  LogbookEntry entry{"drought", "rain", "anna", "", "", ""};
  CHECK(write_logbook(world.context, entry) == kExitDone);
  CHECK(body_of(world, 0) == json{{"id", "key1"}, {"text", "rain"}, {"author", "anna"}});
}

TEST_CASE("an export is waited for and lands under its name when it is whole") {
  const test::TempDirectory directory;
  CliWorld world;
  world.answer(kPath + "/exports", export_row("running").dump(), 202);
  world.answer(kPath + "/exports/x1", export_row("running").dump());
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  world.answer(kPath + "/exports/x1/archive", "tar!");
  ExportOptions options;
  options.experiment = "drought";
  options.format = "csv";
  options.participants = {"P01"};
  options.out = directory.file("out.tar");
  CHECK(run_export(world.context, options) == kExitDone);
  CHECK(body_of(world, 0) == json{{"format", "csv"}, {"participants", {"P01"}}});
  CHECK(world.out() == options.out + ": 1,200 readings, 4 B\n");
  std::ifstream in(options.out);
  CHECK(std::string(std::istreambuf_iterator<char>(in), {}) == "tar!");
  CHECK_FALSE(std::ifstream(options.out + ".part").good());
}

TEST_CASE("an export that failed says why, and leaves no file") {
  const test::TempDirectory directory;
  CliWorld world;
  world.answer(kPath + "/exports", export_row("running").dump(), 202);
  world.answer(kPath + "/exports/x1", export_row("failed", "the disk is full").dump());
  ExportOptions options;
  options.experiment = "drought";
  options.out = directory.file("out.tar");
  CHECK(run_export(world.context, options) == kExitFailed);
  CHECK(world.err() == "fieldpost: the disk is full\n");
  CHECK_FALSE(std::ifstream(options.out).good());

  CliWorld refused;
  refused.answer(kPath + "/exports/x9", R"({"detail":"the experiment has no export x9"})", 404);
  options.id = "x9";
  CHECK(run_export(refused.context, options) == kExitFailed);
  CHECK(refused.err() == "fieldpost: the experiment has no export x9\n");
}

TEST_CASE("a config is made of a file, or gets a new version of it") {
  CliWorld world;
  const std::string shown =
      R"({"name":"house","version":1,"sensors":[{"name":"air","type":"air","enabled":true,)"
      R"("measurement":"air","field":"t","tags":{"pos":"top"},"node":"*","unit":"C"}]})";
  world.answer("/api/v1/sensor_configs", shown, 201);
  world.answer("/api/v1/sensor_configs/house", shown);
  ConfigOptions options;
  options.name = "house";
  options.sensors = R"([{"name":"air"}])";
  options.create = true;
  CHECK(run_config(world.context, options) == kExitDone);
  CHECK(body_of(world, 0) == json{{"name", "house"}, {"sensors", {{{"name", "air"}}}}});
  CHECK(world.out().find("air,pos=top t") != std::string::npos);
  options.create = false;
  options.sensors = R"({"sensors":[]})";
  CHECK(run_config(world.context, options) == kExitDone);
  CHECK(world.fetcher.asked.at(1).method == "PUT");
  CHECK(body_of(world, 1) == json{{"sensors", json::array()}});
  options.sensors = "7";
  CHECK(run_config(world.context, options) == kExitUsage);
}

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "proto/rt/file_descriptor.h"
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

/// HEAD and GET of the archive of export x1; `size` when it differs from that of the first answer.
void answer_archive(CliWorld& world, const std::string& body, std::size_t size = 0,
                    int status = 200) {
  const std::string path = kPath + "/exports/x1/archive";
  const std::string length = std::to_string(size == 0 ? body.size() : size);
  world.fetcher.answers["HEAD " + path].emplace_back(
      Fetched{200, "", {{"etag", "\"tar-1-0123456789abcdef\""}, {"content-length", length}}, 0});
  world.answer(path, body, status);
}

ExportOptions fetched_to(const std::string& file) {
  ExportOptions options;
  options.experiment = "drought";
  options.id = "x1";
  options.out = file;
  return options;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> files_in(const test::TempDirectory& directory) {
  std::vector<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator(directory.path())) {
    names.push_back(each.path().filename());
  }
  return names;
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
  answer_archive(world, "tar!");
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
  CHECK(files_in(directory).size() == 1);
}

TEST_CASE("an export's download that breaks off goes on by itself") {
  const test::TempDirectory directory;
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "ta", 4);
  world.answer(kPath + "/exports/x1/archive", "r!", 206);
  world.fetcher.breaks_off = 1;
  CHECK(run_export(world.context, fetched_to(directory.file("out.tar"))) == kExitDone);
  CHECK(content_of(directory.file("out.tar")) == "tar!");
  CHECK(files_in(directory).size() == 1);
  CHECK(world.pauses.size() == 1);
  const auto& last = world.fetcher.asked.back();
  CHECK(last.headers == std::vector<std::pair<std::string, std::string>>{
                            {"Range", "bytes=2-"}, {"If-Range", "\"tar-1-0123456789abcdef\""}});
}

TEST_CASE("an export's download that broke off too often is gone on with later") {
  const test::TempDirectory directory;
  const std::string part = directory.file("out.tar.456789abcdef.part");
  const ExportOptions options = fetched_to(directory.file("out.tar"));
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "t", 4);
  world.answer(kPath + "/exports/x1/archive", "", 206);
  world.fetcher.breaks_off = 100;
  CHECK(run_export(world.context, options) == kExitUnreachable);
  CHECK(world.err() == "fieldpost: the answer broke off; 1 bytes are in " + part +
                           ": the same again goes on behind them\n");
  CHECK(world.pauses.size() == 5);
  CHECK(content_of(part) == "t");

  CliWorld again;
  again.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(again, "ar!", 4, 206);
  CHECK(run_export(again.context, options) == kExitDone);
  CHECK(content_of(directory.file("out.tar")) == "tar!");
}

TEST_CASE("an export is waited for and fetched over a restart of the coordinator") {
  const test::TempDirectory directory;
  const std::string one = kPath + "/exports/x1";
  CliWorld world;
  world.answer(kPath + "/exports", export_row("running").dump(), 202);
  world.answer_error(one, {rt::Errc::kUnavailable, "nobody answers"});
  world.answer(one, R"({"detail":"it starts"})", 503);
  world.answer(one, export_row("done").dump());
  world.answer_error("HEAD " + one + "/archive", {rt::Errc::kUnavailable, "nobody answers"});
  world.answer(one + "/archive", R"({"detail":"busy"})", 503);
  answer_archive(world, "tar!");
  ExportOptions options = fetched_to(directory.file("out.tar"));
  options.id.clear();
  CHECK(run_export(world.context, options) == kExitDone);
  CHECK(content_of(options.out) == "tar!");
}

TEST_CASE("an export that cannot be followed any longer is named") {
  const test::TempDirectory directory;
  const std::string words = " (`fieldpost export drought --id x1` goes on with this export)\n";
  ExportOptions options = fetched_to(directory.file("out.tar"));
  options.id.clear();
  const auto says = [](const CliWorld& world, const std::string& end) {
    const std::string err = world.err();
    INFO(err);
    CHECK(err.ends_with(end));
  };
  CliWorld away;
  away.answer(kPath + "/exports", export_row("running").dump(), 202);
  away.answer_error(kPath + "/exports/x1", {rt::Errc::kUnavailable, "nobody answers"});
  CHECK(run_export(away.context, options) == kExitUnreachable);
  says(away, "fieldpost: nobody answers" + words);

  CliWorld busy;
  busy.answer(kPath + "/exports", export_row("done").dump(), 202);
  answer_archive(busy, R"({"detail":"busy"})", 4, 503);
  CHECK(run_export(busy.context, options) == kExitFailed);
  says(busy, "fieldpost: busy; 0 bytes are in " + directory.file("out.tar.456789abcdef.part") +
                 ": the same again goes on behind them" + words);
}

TEST_CASE("a part of an export that the server does not go on with is fetched anew") {
  const test::TempDirectory directory;
  const ExportOptions options = fetched_to(directory.file("out.tar"));
  const std::string part = directory.file("out.tar.456789abcdef.part");
  SUBCASE("because it sends the whole") {
    std::ofstream(part) << "xx";
  }
  SUBCASE("because it has less than the part") {
    std::ofstream(part) << "longer";
  }
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "tar!");
  CHECK(run_export(world.context, options) == kExitDone);
  CHECK(content_of(options.out) == "tar!");
  CHECK(files_in(directory).size() == 1);
}

TEST_CASE("a part of an export that is whole needs only its name") {
  const test::TempDirectory directory;
  const ExportOptions options = fetched_to(directory.file("out.tar"));
  std::ofstream(directory.file("out.tar.456789abcdef.part")) << "tar!";
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "", 4);
  world.fetcher.answers.erase(kPath + "/exports/x1/archive");
  CHECK(run_export(world.context, options) == kExitDone);
  CHECK(content_of(options.out) == "tar!");
}

TEST_CASE("an export's download that ends with another size keeps its name to itself") {
  const test::TempDirectory directory;
  const ExportOptions options = fetched_to(directory.file("out.tar"));
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "tar!", 5);
  CHECK(run_export(world.context, options) == kExitFailed);
  CHECK(world.err() == "fieldpost: " + directory.file("out.tar.456789abcdef.part") +
                           " has 4 bytes instead of 5: remove it and try again\n");
  CHECK_FALSE(std::ifstream(options.out).good());
}

TEST_CASE("an export goes to standard output, and a file that cannot be made is told") {
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "tar!");
  CHECK(run_export(world.context, fetched_to("-")) == kExitDone);
  CHECK(world.out() == "tar!");
  CHECK(run_export(world.context, fetched_to("/nowhere/out.tar")) == kExitFailed);
  CHECK(world.err() ==
        "fieldpost: opening /nowhere/out.tar.456789abcdef.part: No such file or directory\n");
}

TEST_CASE("what is no file is written to as it is") {
  const test::TempDirectory directory;
  const ExportOptions options = fetched_to(directory.file("pipe"));
  REQUIRE(::mkfifo(options.out.c_str(), 0600) == 0);
  const rt::FileDescriptor reader(::open(options.out.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  REQUIRE(reader.is_open());
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  answer_archive(world, "tar!");
  CHECK(run_export(world.context, options) == kExitDone);
  char bytes[8];
  REQUIRE(::read(reader.get(), bytes, sizeof bytes) == 4);
  CHECK(std::string(bytes, 4) == "tar!");
  CHECK(std::filesystem::is_fifo(options.out));
  CHECK(files_in(directory).size() == 1);
}

TEST_CASE("a coordinator that tells no tag is asked for the whole each time") {
  const test::TempDirectory directory;
  const ExportOptions options = fetched_to(directory.file("out.tar"));
  CliWorld world;
  world.answer(kPath + "/exports/x1", export_row("done").dump());
  world.answer("HEAD " + kPath + "/exports/x1/archive", "");
  world.answer(kPath + "/exports/x1/archive", "tar!");
  world.fetcher.breaks_off = 1;
  CHECK(run_export(world.context, options) == kExitDone);
  CHECK(content_of(options.out) == "tar!");
  CHECK(world.fetcher.asked.back().headers.empty());
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

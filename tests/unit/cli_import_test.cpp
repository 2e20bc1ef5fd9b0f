#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/sha256.h"
#include "tests/support/cli_world.h"
#include "tests/support/temp_directory.h"
#include "tools/cli/study.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kPath = "/api/v1/imports";

json row(const std::string& state, std::uint64_t received) {
  return {{"id", "i1"},
          {"state", state},
          {"request", {{"name", "a.lp"}}},
          {"created", "2026-11-28T01:00:00.000000000Z"},
          {"finished", nullptr},
          {"phase", nullptr},
          {"part", state == "running" ? json(0.5) : json(nullptr)},
          {"readings", 1200},
          {"rows_bad", 0},
          {"problems", json::array()},
          {"experiment", nullptr},
          {"error", ""},
          {"received", received}};
}

struct Desk : CliWorld {
  test::TempDirectory directory;
  ImportOptions options;
  std::string bytes = "air t=1 1\n";

  Desk() {
    options.file = directory.path() + "/a.lp";
    options.node = "n";
    std::ofstream(options.file) << bytes;
  }
  int run() { return run_import(context, options); }
  json asked(std::size_t index) { return json::parse(fetcher.asked.at(index).body); }
};

}  // namespace

TEST_CASE("a file is announced, sent from where the coordinator has it, and followed") {
  Desk desk;
  desk.answer(kPath, row("uploading", 4).dump(), 202);
  desk.answer(kPath + "/i1/data?offset=4", row("running", 10).dump(), 202);
  desk.answer(kPath + "/i1", row("running", 10).dump());
  desk.answer(kPath + "/i1", row("done", 10).dump());
  CHECK(desk.run() == kExitDone);
  CHECK(desk.out() == "a.lp: 1,200 readings\n");
  CHECK(desk.asked(0) == json{{"name", "a.lp"},
                              {"size", 10},
                              {"sha256", wire::sha256(desk.bytes).hex()},
                              {"node", "n"}});
  CHECK(desk.fetcher.asked.at(1).method == "PUT");
  CHECK(desk.fetcher.asked.at(1).body == "t=1 1\n");
  CHECK(desk.fetcher.asked.size() == 4);
}

TEST_CASE("everything that says how a file is read goes along") {
  Desk desk;
  desk.options.format = "csv";
  desk.options.node_from = "host";
  desk.options.delimiter = ";";
  desk.options.columns = {"a", "b"};
  desk.options.mapping = R"({"measurement": "m"})";
  desk.options.again = true;
  desk.options.no_wait = true;
  desk.answer(kPath, row("running", 10).dump(), 202);
  CHECK(desk.run() == kExitDone);
  CHECK(desk.out() == "import i1\n");
  const json asked = desk.asked(0);
  CHECK(asked.at("format") == "csv");
  CHECK(asked.at("node_from") == "host");
  CHECK(asked.at("delimiter") == ";");
  CHECK(asked.at("columns") == json{"a", "b"});
  CHECK(asked.at("mapping") == json{{"measurement", "m"}});
  CHECK(asked.at("again") == true);
  desk.options.mapping = "[]";
  CHECK(desk.run() == kExitUsage);
}

TEST_CASE("a file that was brought in before is told to be so") {
  Desk desk;
  desk.answer(kPath, row("done", 0).dump());
  CHECK(desk.run() == kExitDone);
  CHECK(desk.err().find("it was brought in before; nothing changes") != std::string::npos);
  CHECK(desk.fetcher.asked.size() == 1);
}

TEST_CASE("what failed and what was left out ends with 1, and says why") {
  Desk failed;
  json answer = row("failed", 10);
  answer["error"] = "it is no tar archive";
  failed.answer(kPath, answer.dump());
  CHECK(failed.run() == kExitFailed);
  CHECK(failed.err().find("a.lp: it is no tar archive") != std::string::npos);

  Desk partly;
  answer = row("done", 10);
  answer["rows_bad"] = 2;
  answer["problems"] = {"row 3: no time"};
  partly.answer(kPath, answer.dump());
  CHECK(partly.run() == kExitFailed);
  CHECK(partly.out() == "a.lp: 1,200 readings\n");
  CHECK(partly.err().find("a.lp: row 3: no time\n") != std::string::npos);
  CHECK(partly.err().find("2 rows were left out") != std::string::npos);
}

TEST_CASE("a server that takes nothing is given up, a file that is none refused") {
  Desk desk;
  desk.answer(kPath, row("uploading", 0).dump(), 202);
  desk.answer(kPath + "/i1/data?offset=0", row("uploading", 0).dump(), 202);
  CHECK(desk.run() == kExitFailed);
  CHECK(desk.err().find("does not take the next piece") != std::string::npos);
  desk.options.file += "x";
  CHECK(desk.run() != kExitDone);
  CHECK(desk.err().find("No such file") != std::string::npos);
  desk.options.file.clear();
  CHECK(desk.run() == kExitUsage);
}

TEST_CASE("imports are listed, and given up") {
  Desk desk;
  desk.options.list = true;
  desk.answer(kPath + "?limit=1000",
              json{{"items", {row("done", 10)}}, {"next_cursor", nullptr}}.dump());
  CHECK(desk.run() == kExitDone);
  CHECK(desk.out().find("i1") != std::string::npos);
  CHECK(desk.out().find("a.lp") != std::string::npos);
  desk.options.list = false;
  desk.options.remove = "i1";
  desk.answer(kPath + "/i1", "", 204);
  CHECK(desk.run() == kExitDone);
  CHECK(desk.fetcher.asked.back().method == "DELETE");
}

TEST_CASE("a piece that is refused is asked about, not sent again") {
  for (const char* state : {"done", "running"}) {
    INFO(state);
    Desk desk;
    desk.answer(kPath, row("uploading", 0).dump(), 202);
    desk.answer(kPath + "/i1/data?offset=0", R"({"detail":"the import is done"})", 409);
    desk.answer(kPath + "/i1", row(state, 10).dump());
    desk.answer(kPath + "/i1", row("done", 10).dump());
    CHECK(desk.run() == kExitDone);
    CHECK(desk.out() == "a.lp: 1,200 readings\n");
    CHECK(desk.fetcher.asked.at(2).method == "GET");
    CHECK(desk.pauses.size() == (state == std::string("done") ? 0 : 1));
  }
  Desk refused;
  refused.answer(kPath, row("uploading", 0).dump(), 202);
  refused.answer(kPath + "/i1/data?offset=0", R"({"detail":"no"})", 409);
  refused.answer(kPath + "/i1", row("uploading", 0).dump());
  CHECK(refused.run() == kExitFailed);
  CHECK(refused.err().find("does not take the next piece") != std::string::npos);
}

TEST_CASE("a coordinator that restarts does not end an import") {
  Desk desk;
  desk.answer_error(kPath, {rt::Errc::kUnavailable, "away"});
  desk.answer(kPath, R"({"detail":"not ready"})", 503);
  desk.answer(kPath, row("uploading", 0).dump(), 202);
  desk.answer_error(kPath + "/i1/data?offset=0", {rt::Errc::kUnavailable, "away"});
  desk.answer(kPath + "/i1/data?offset=0", row("running", 10).dump(), 202);
  desk.answer_error(kPath + "/i1", {rt::Errc::kUnavailable, "away"});
  desk.answer(kPath + "/i1", R"({"detail":"not ready"})", 503);
  desk.answer(kPath + "/i1", row("done", 10).dump());
  CHECK(desk.run() == kExitDone);
  CHECK(desk.out() == "a.lp: 1,200 readings\n");
  CHECK(desk.err().find("away; again in 0.5 s") != std::string::npos);
}

TEST_CASE("what is asked for again is announced once") {
  Desk desk;
  desk.options.again = true;
  desk.answer_error(kPath, {rt::Errc::kUnavailable, "away"});
  CHECK(desk.run() == kExitUnreachable);
  CHECK(desk.fetcher.asked.size() == 1);
}

TEST_CASE("an answer that is no import is not understood") {
  Desk desk;
  desk.answer(kPath, "[]", 202);
  CHECK(desk.run() == kExitFailed);
  CHECK(desk.err().find("the server answered 202, which is not understood") != std::string::npos);
  Desk unsaid;
  json answer = row("uploading", 0);
  answer.erase("received");
  unsaid.answer(kPath, answer.dump(), 202);
  CHECK(unsaid.run() == kExitFailed);
  CHECK(unsaid.err().find("how much of the file") != std::string::npos);
}

TEST_CASE("a directory is to be packed first") {
  Desk desk;
  const std::string parent = desk.directory.path();
  std::filesystem::create_directory(parent + "/drought");
  for (const char* end : {"", "/"}) {
    desk.options.file = parent + "/drought" + end;
    CHECK(desk.run() == kExitUsage);
    CHECK(desk.err().find(desk.options.file + ": it is a directory: pack it first, `tar -C " +
                          parent + " -cf drought.tar drought`") != std::string::npos);
  }
  CHECK(desk.fetcher.asked.empty());
}

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/cli_world.h"
#include "tools/cli/verbs.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kPath = "/api/v1/reprocess";
const ReprocessOptions kOptions{.node = "a", .rules = R"({"topic":"site/{field}"})"};

std::string job(const std::string& state, bool dry, int unmapped = 0) {
  return json{{"id", 4},
              {"node", "a"},
              {"source", "s"},
              {"dry", dry},
              {"state", state},
              {"messages", 1200},
              {"messages_total", 2400},
              {"readings", 1500},
              {"old_readings", 1400},
              {"unmapped", unmapped},
              {"first_error", unmapped > 0 ? "bad" : ""},
              {"removed", 1300},
              {"added", 1500},
              {"error", ""}}
      .dump();
}

}  // namespace

TEST_CASE("reprocess only tells what would change until it is told to do it") {
  CliWorld world;
  world.answer(kPath, job("reading", true), 202);
  world.answer(kPath + "/4", job("reading", true));
  world.answer(kPath + "/4", job("done", true, 2));
  CHECK(run_reprocess(world.context, kOptions) == kExitDone);
  CHECK(world.out() ==
        "s: 1,200 messages make 1,500 readings; they made 1,400 before. Nothing is changed yet: "
        "--really does it\n2 messages or lines make no reading; the first: bad\n");
  CHECK(world.pauses.size() == 2);
  CHECK(json::parse(world.fetcher.asked.at(0).body) ==
        json::parse(R"({"node":"a","rules":{"topic":"site/{field}"},"dry":true})"));
}

TEST_CASE("reprocess says what it replaced") {
  CliWorld world;
  world.answer(kPath, job("done", false), 202);
  ReprocessOptions options = kOptions;
  options.really = true;
  options.source = "s";
  options.from = "1";
  options.to = "2";
  CHECK(run_reprocess(world.context, options) == kExitDone);
  CHECK(world.out() == "s: 1,200 messages made 1,500 readings, which replace 1,300\n");
  const json body = json::parse(world.fetcher.asked.at(0).body);
  CHECK(body.at("dry") == false);
  CHECK(body.at("source") == "s");
  CHECK(body.at("from") == "1");
  CHECK(body.at("to") == "2");
}

TEST_CASE("reprocess that fails or is cancelled says so and is no success") {
  for (const std::string error : {"no room", ""}) {
    CliWorld world;
    json failed = json::parse(job(error.empty() ? "cancelled" : "failed", false));
    failed["error"] = error;
    world.answer(kPath, failed.dump(), 202);
    CHECK(run_reprocess(world.context, kOptions) == kExitFailed);
    CHECK(world.err().find(error.empty() ? "cancelled" : error) != std::string::npos);
  }
  CliWorld world;
  CHECK(run_reprocess(world.context, {.node = "a"}) == kExitUsage);
  CHECK(run_reprocess(world.context, {.rules = "{}"}) == kExitUsage);
  CHECK(run_reprocess(world.context, {.node = "a", .rules = "["}) == kExitUsage);
  CHECK(world.fetcher.asked.empty());
}

TEST_CASE("the readings that would be made are printed as lines") {
  CliWorld world;
  const std::string series =
      R"({"items":[{"id":7,"node":"a","measurement":"fieldpost_raw","tags":{"source":"s"},)"
      R"("field":"message"}],"next_cursor":null})";
  world.answer("/api/v1/series?node=a&measurement=fieldpost_raw&field=message&limit=1000", series);
  json page = json::parse(R"({"items":[{"id":7,"readings":[]}],"next_cursor":null})");
  page["items"][0]["readings"] =
      json::array({json::array({5, "{\"topic\":\"site/t\"}\n21.5"}),
                   json::array({6, "{\"topic\":\"site/t\"}\nx"}), json::array({7, "no head"}),
                   json::array({8, "{\"topic\":\"site/on\"}\ntrue"})});
  world.answer("/api/v1/readings?times=ns&series=7&from=1&limit=1000", page.dump());
  ReprocessOptions options = kOptions;
  options.lines = true;
  options.from = "1";
  CHECK(run_reprocess(world.context, options) == kExitDone);
  CHECK(world.out() == "mqtt t=21.5 5\nmqtt on=true 8\n");
  CHECK(world.err() ==
        "fieldpost: site/t: the payload is not a number, true or false\n"
        "fieldpost: a raw message has no head\n");
}

TEST_CASE("what is quarantined is looked at again") {
  CliWorld world;
  world.answer(kPath, R"({"stored":3,"given_up":1,"left":0})");
  CHECK(run_reprocess(world.context, {.node = "a", .quarantined = true, .give_up = true}) ==
        kExitDone);
  CHECK(world.out() == "3 records stored, 1 given up, 0 still not understood\n");
  CHECK(json::parse(world.fetcher.asked.at(0).body) ==
        json::parse(R"({"node":"a","give_up":true})"));
}

#include <doctest/doctest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/http/cursor.h"
#include "proto/wire/limits.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::ApiWorld;

namespace {

NodeView node(std::string id) {
  NodeView view;
  view.id = std::move(id);
  view.site = "lab";
  return view;
}

/// The ids of all pages.
std::vector<json> walk(ApiWorld& world, const std::string& path) {
  std::vector<json> ids;
  std::string cursor;
  for (int pages = 0; pages < 20; ++pages) {
    const json page = world.get(path + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const json& item : page.at("items")) ids.push_back(item.at("id"));
    if (page.at("next_cursor").is_null()) return ids;
    cursor = page.at("next_cursor");
  }
  FAIL("the list does not end");
  return ids;
}

}  // namespace

TEST_CASE("a node is shown with all that the contract names") {
  ApiWorld world;
  NodeView view = node("greenhouse-3");
  view.online = true;
  view.last_seen = 1'700'000'000'000'000'001;
  view.version = "0.1.0";
  view.labels = {"linux", "caf\xff"};
  view.clock_synchronised = true;
  view.clock_offset_s = -0.25;
  view.spool_records = 3;
  view.spool_bytes = 4096;
  view.spool_oldest_age_s = 1.5;
  view.spool_forecast_s = 600;
  view.spool_forecast_class = "camera";
  view.accepted = 10;
  view.held = 3;
  view.delivered = 7;
  view.gaps = 1;
  view.readings_lost = 2;
  view.unknown_from = 5;
  view.messages_ignored = 4;
  view.alarms = {"two machines are one node"};
  world.view.nodes = {view, node("zz")};
  CHECK(world.get("/api/v1/nodes/greenhouse-3") == json::parse(R"({
      "id": "greenhouse-3", "site": "lab", "agent": true, "online": true,
      "last_seen": "2023-11-14T22:13:20.000000001Z", "version": "0.1.0",
      "labels": ["linux", "caf\ufffd"], "clock": {"synchronised": true, "offset_s": -0.25},
      "spool": {"records": 3, "bytes": 4096, "oldest_age_s": 1.5, "forecast_s": 600,
                "forecast_class": "camera"},
      "accepted": 10, "held": 3, "delivered": 7, "unexplained": 0, "gaps": 1, "readings_lost": 2,
      "gaps_unknown": false,
      "unknown_from": "1970-01-01T00:00:00.000000005Z", "disk_bytes_written": 0,
      "wire_bytes_sent": 0, "messages_ignored": 4, "sampling": null,
      "alarms": ["two machines are one node"]})"));
  const json unheard = world.get("/api/v1/nodes/zz?times=ns");
  CHECK(unheard.at("last_seen").is_null());
  CHECK(unheard.at("clock").at("synchronised").is_null());
  CHECK(unheard.at("spool").at("forecast_s").is_null());
  CHECK(world.get("/api/v1/nodes/greenhouse-3?times=ns").at("last_seen") ==
        1'700'000'000'000'000'001);
  CHECK(world.problem("/api/v1/nodes/none", 404) == "there is no node none");
}

TEST_CASE("a node shows how often it was told to measure, and what came of it") {
  ApiWorld world;
  NodeView view = node("greenhouse-3");
  view.sampling = ToldSampling{};
  view.sampling->every_s = {{"mem", 0.5}};
  view.sampling->told = 7;
  view.sampling->state = SamplingState::kFailed;
  view.sampling->detail = "no such verb";
  world.view.nodes = {view};
  const auto sampling = [&] {
    return world.get("/api/v1/nodes/greenhouse-3?times=ns").at("sampling");
  };
  CHECK(sampling() == json({{"every_s", {{"mem", 0.5}}},
                            {"time", 7},
                            {"state", "failed"},
                            {"detail", "no such verb"}}));
  world.view.nodes.front().sampling->is_known = false;
  CHECK(sampling().at("every_s").is_null());
  CHECK(sampling().at("state") == "waiting");
}

TEST_CASE("the configuration of a node is its own until the coordinator gives it one") {
  ApiWorld world;
  world.view.nodes = {node("greenhouse-3")};
  CHECK(world.get("/api/v1/nodes/greenhouse-3/config") ==
        json({{"node", "greenhouse-3"}, {"config", nullptr}, {"source", "local"}}));
  CHECK(world.problem("/api/v1/nodes/none/config", 404) == "there is no node none");
}

TEST_CASE("lists come page by page behind opaque cursors") {
  ApiWorld world;
  for (int i = 1; i <= 7; ++i) {
    world.view.nodes.push_back(node("n" + std::to_string(i)));
    GapView gap;
    gap.id = i * 10;
    world.view.gaps.push_back(gap);
    CommandView command;
    command.id = static_cast<std::uint64_t>(i);
    world.view.commands.push_back(command);
  }
  CHECK(json(walk(world, "/api/v1/nodes?limit=3")) ==
        json({"n1", "n2", "n3", "n4", "n5", "n6", "n7"}));
  CHECK(json(walk(world, "/api/v1/gaps?limit=2")) == json({10, 20, 30, 40, 50, 60, 70}));
  CHECK(json(walk(world, "/api/v1/nodes/n1/commands?limit=7")) == json({1, 2, 3, 4, 5, 6, 7}));
}

TEST_CASE("a gap says what is not known") {
  ApiWorld world;
  GapView known;
  known.id = 4;
  known.node = "a";
  known.series = std::vector<SeriesId>{1, 2};
  known.from = 0;
  known.to = 1'000'000'000;
  known.readings = 12;
  known.cause = "shed";
  GapView unknown;
  unknown.id = 5;
  unknown.state = GapState::kUnconfirmed;
  world.view.gaps = {known, unknown};
  const json items = world.get("/api/v1/gaps").at("items");
  CHECK(items.at(0) == json::parse(R"({"id": 4, "node": "a", "series": [1, 2],
      "from": "1970-01-01T00:00:00.000000000Z", "to": "1970-01-01T00:00:01.000000000Z",
      "readings": 12, "fragments": 0, "cause": "shed", "by": null, "state": "declared"})"));
  for (const std::string name : {"series", "from", "to", "readings"}) {
    CHECK(items.at(1).at(name).is_null());
  }
  CHECK(items.at(1).at("state") == "unconfirmed");
}

TEST_CASE("filters of gaps reach the coordinator as they were meant") {
  ApiWorld world;
  world.get("/api/v1/gaps?node=a&series=7,9&from=1970-01-01T00:00:01Z&to=5000000000");
  CHECK(world.view.last_filter.node == "a");
  CHECK(world.view.last_filter.series == std::vector<SeriesId>{7, 9});
  CHECK(world.view.last_filter.from == 1'000'000'000);
  CHECK(world.view.last_filter.to == 5'000'000'000);
}

TEST_CASE("a wrong parameter is named with what was expected") {
  ApiWorld world;
  CHECK(world.problem("/api/v1/nodes?limit=0", 400) ==
        "parameter limit: expected a whole number from 1 to 1000");
  CHECK(world.problem("/api/v1/nodes?limit=1e3", 400) ==
        "parameter limit: expected a whole number from 1 to 1000");
  CHECK(world.problem("/api/v1/nodes?limit=1&limit=2", 400) == "parameter limit: expected it once");
  CHECK(world.problem("/api/v1/nodes?Limit=1", 400) ==
        "parameter Limit: not known here; expected limit, times, cursor");
  CHECK(world.problem("/api/v1/nodes?times=unix", 400) ==
        "parameter times: expected rfc3339 or ns");
  CHECK(world.problem("/api/v1/nodes?cursor=x", 400) ==
        "parameter cursor: expected a next_cursor of this list");
  CHECK(world.problem("/api/v1/gaps?cursor=n6e31", 400) ==
        "parameter cursor: expected a next_cursor of this list");
  CHECK(world.problem("/api/v1/gaps?from=yesterday", 400) ==
        "parameter from: expected a time of RFC 3339 such as 2024-05-01T12:00:00Z, or integer "
        "nanoseconds since 1970");
  CHECK(world.problem("/api/v1/gaps?from=5&to=4", 400) ==
        "parameter to: expected a time that is not before \"from\"");
}

TEST_CASE("a limit above the most is the most, and the list goes on from there") {
  ApiWorld world;
  for (int i = 1; i <= 1001; ++i) {
    GapView gap;
    gap.id = i;
    world.view.gaps.push_back(gap);
  }
  for (const std::string limit : {"1001", "18446744073709551616"}) {
    INFO("limit ", limit);
    const json page = world.get("/api/v1/gaps?limit=" + limit);
    CHECK(page.at("items").size() == 1000);
    const std::string cursor = page.at("next_cursor");
    CHECK(world.get("/api/v1/gaps?cursor=" + cursor).at("items").size() == 1);
  }
}

TEST_CASE("a node is released, unless there is none") {
  ApiWorld world;
  world.view.nodes = {node("a")};
  CHECK(world.ask("POST", "/api/v1/nodes/a/release").response->status == 204);
  CHECK(world.view.released == std::vector<std::string>{"a"});
  CHECK(world.ask("POST", "/api/v1/nodes/b/release").response->status == 404);
  CHECK(world.ask("POST", "/api/v1/nodes/a/release?now=1").response->status == 400);
  CHECK(world.view.released.size() == 1);
}

TEST_CASE("a command is sent, shown, or refused with a reason") {
  ApiWorld world;
  world.view.nodes = {node("a")};
  const auto post = [&](const std::string& path, const std::string& body) -> const auto& {
    return *world.ask("POST", path, {}, body).response;
  };
  const auto& sent = post("/api/v1/nodes/a/commands", R"({"verb": "ping", "arguments": {"n": 1}})");
  CHECK(sent.status == 202);
  CHECK(json::parse(sent.body).at("arguments") == json({{"n", 1}}));
  world.view.commands[0].outcome = R"({"ok": true})";
  CHECK(world.get("/api/v1/nodes/a/commands").at("items").at(0).at("outcome").at("ok") == true);
  CHECK(post("/api/v1/nodes/b/commands", R"({"verb": "ping"})").status == 404);
  CHECK(post("/api/v1/nodes/a/commands", R"({"verb": "dance"})").status == 400);
  for (const std::string bad : {"", "[]", "{}", R"({"verb": 1})", "{\"verb\": \"ping\"",
                                R"({"verb": "ping", "arguments": 3})"}) {
    INFO("body ", bad);
    CHECK(post("/api/v1/nodes/a/commands", bad).status == 400);
  }
}

TEST_CASE("one command is shown with its outcome, or it is not there") {
  ApiWorld world;
  world.view.nodes = {node("a")};
  for (const std::uint64_t id : {std::uint64_t{3}, std::uint64_t{5}, UINT64_MAX}) {
    CommandView command;
    command.id = id;
    command.verb = "ping";
    command.arguments = R"({"n": 1})";
    world.view.commands.push_back(command);
  }
  world.view.commands[1].outcome = R"({"ok": true})";
  world.view.commands[1].created = 7;
  const std::string path = "/api/v1/nodes/a/commands/";
  CHECK(world.get(path + "3").at("outcome").is_null());
  const json shown = world.get(path + "5?times=ns");
  CHECK(shown.at("id") == 5);
  CHECK(shown.at("verb") == "ping");
  CHECK(shown.at("arguments") == json({{"n", 1}}));
  CHECK(shown.at("outcome").at("ok") == true);
  CHECK(shown.at("created") == 7);
  CHECK(world.get(path + "18446744073709551615").at("id") == UINT64_MAX);
  for (const std::string id :
       {"1", "4", "6", "0", "-3", "+3", "3x", "x", "0x3", "3.0", "%203", "18446744073709551616"}) {
    INFO("id ", id);
    CHECK(world.problem(path + id, 404) == "no such command");
  }
  CHECK(world.problem("/api/v1/nodes/b/commands/3", 404) == "there is no node b");
  CHECK(world.problem(path + "3?wait=1", 400) == "parameter wait: not known here; expected times");
}

TEST_CASE("a command carries arguments of so many bytes and no more") {
  ApiWorld world;
  world.view.nodes = {node("a")};
  const auto post = [&](std::size_t bytes) -> const auto& {
    const std::string text(bytes - std::string(R"({"x":""})").size(), 'a');
    const json body = {{"verb", "ping"}, {"arguments", {{"x", text}}}};
    return *world.ask("POST", "/api/v1/nodes/a/commands", {}, body.dump()).response;
  };
  CHECK(post(wire::kCommandArgumentsBytesMax).status == 202);
  const auto& refused = post(wire::kCommandArgumentsBytesMax + 1);
  CHECK(refused.status == 400);
  CHECK(json::parse(refused.body).at("detail") == "expected arguments of at most 196608 bytes");
  CHECK(world.view.commands.size() == 1);
}

TEST_CASE("JSON that nests too deep is no command, and as an outcome it is shown as its text") {
  ApiWorld world;
  world.view.nodes = {node("a")};
  const auto nested = [](std::size_t depth) {
    return R"({"x":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  const auto post = [&](const std::string& arguments) {
    const std::string body = R"({"verb": "ping", "arguments": )" + arguments + "}";
    return world.ask("POST", "/api/v1/nodes/a/commands", {}, body).response->status;
  };
  const auto outcome = [&](const std::string& text) {
    world.view.commands.at(0).outcome = text;
    return world.get("/api/v1/nodes/a/commands").at("items").at(0).at("outcome");
  };
  CHECK(post(nested(50)) == 202);
  CHECK(outcome(nested(50)).is_object());
  for (const std::size_t depth : {std::size_t{100}, std::size_t{500'000}}) {
    CHECK(post(nested(depth)) == 400);
    CHECK(outcome(nested(depth)) == nested(depth));
  }
}

TEST_CASE("a cursor that nobody made is refused") {
  CHECK(read_cursor('n', make_cursor('n', "a b\xff")) == "a b\xff");
  CHECK(read_cursor('n', "n") == "");
  for (const std::string bad : {"", "g61", "n6", "n6g", "n-1", "n+1"}) {
    INFO("cursor ", bad);
    CHECK_FALSE(read_cursor('n', bad).has_value());
  }
  const auto numbers = read_number_cursor('r', make_number_cursor('r', {3, INT64_MIN}), 2);
  REQUIRE(numbers.has_value());
  CHECK(numbers->at(1) == INT64_MIN);
  CHECK_FALSE(read_number_cursor('r', make_number_cursor('r', {3}), 2).has_value());
  CHECK_FALSE(read_number_cursor('r', make_cursor('r', "1 "), 1).has_value());
  CHECK_FALSE(read_number_cursor('r', make_cursor('r', "1x2"), 2).has_value());
}

TEST_CASE("what is quarantined is looked at again, or given up for one node") {
  ApiWorld world;
  world.view.nodes.push_back(node("a"));
  const auto post = [&](const std::string& body) {
    return world.ask("POST", "/api/v1/reprocess", {}, body).response;
  };
  CHECK(json::parse(post("")->body).at("stored") == 3);
  CHECK(json::parse(post(R"({"node": "a", "give_up": true})")->body).at("given_up") == 2);
  CHECK(post(R"({"give_up": true})")->status == 400);
  CHECK(post(R"({"node": 4})")->status == 400);
  CHECK(post("[]")->status == 400);
  CHECK(post(R"({"node": "b"})")->status == 404);
}

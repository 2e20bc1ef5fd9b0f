#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"
#include "tests/support/api_world.h"

using namespace fieldpost;        // NOLINT
using namespace fieldpost::test;  // NOLINT
using nlohmann::json;

namespace {

constexpr const char* kRules = R"({"topic":"site/{field}","measurement":"air"})";

/// Raw messages of a source of node "a", a second apart from the first second on.
void add_raw(ApiWorld& world, const std::vector<std::string>& payloads) {
  const std::string rules = mapping::encode_rules(mapping::parse_rules(kRules).value());
  const std::string tags = ",rules=" + mapping::rules_id(rules) + ",source=s ";
  wire::Columns columns;
  columns.columns.resize(2);
  columns.columns[0].strings = {rules};
  columns.columns[0].times = {0};
  columns.columns[0].values = {0};
  for (const std::string& payload : payloads) {
    const std::size_t i = columns.columns[1].count();
    columns.columns[1].strings.push_back(*mapping::encode_raw({"site/t", payload, false}));
    columns.columns[1].times.push_back(static_cast<std::int64_t>(i + 1) * 1'000'000'000);
    columns.columns[1].values.push_back(i);
  }
  world.store.add(make_batch(
      world.store.add_node("a"), {1, 1},
      make_set({"fieldpost_rules" + tags + "text s", "fieldpost_raw" + tags + "message s"}),
      columns));
}

std::string body(bool dry, const std::string& more = "") {
  return std::string(
             R"({"node":"a","rules":{"topic":"site/{field}","measurement":"wind"},"dry":)") +
         (dry ? "true" : "false") + more + "}";
}

std::string path_of(const json& replay) {
  return "/api/v1/reprocess/" + replay.at("id").dump();
}

json post(ApiWorld& world, const std::string& text, int status = 202) {
  const auto& response = world.ask("POST", "/api/v1/reprocess", {}, text).response;
  REQUIRE(response.has_value());
  INFO(response->body);
  CHECK(response->status == status);
  return json::parse(response->body);
}

}  // namespace

TEST_CASE("a replay tells how far it is, then what it did") {
  ApiWorld world;
  add_raw(world, {"1", "2", "x"});
  const json begun = post(world, body(false));
  world.settle();
  const json done = world.get(path_of(begun));
  CHECK(done.at("state") == "done");
  CHECK(done.at("source") == "s");
  CHECK(done.at("messages") == 3);
  CHECK(done.at("messages_total") == 3);
  CHECK(done.at("unmapped") == 1);
  CHECK(done.at("first_error") ==
        "the payload is not a number, true or false (message of 1970-01-01T00:00:03.000000000Z)");
  CHECK(done.at("removed") == 2);
  CHECK(done.at("added") == 2);
  REQUIRE(world.view.replacements.size() == 1);
  const auto& replacement = world.view.replacements[0];
  CHECK(replacement.record.node == "a");
  CHECK(replacement.record.source == "s");
  CHECK(replacement.old.at(0).key == "air t f");
  REQUIRE(replacement.old.at(0).times.size() == 2);
  CHECK(replacement.old.at(0).times[1].time == 2'000'000'000);
  CHECK(replacement.old.at(0).times[1].rank == wire::Rank{1, 1});
  CHECK(replacement.fresh.at(0).set->keys == std::vector<std::string>{"wind t f"});
  CHECK(replacement.fresh.at(0).origin_ranks == std::vector<wire::Rank>{{1, 1}});
  CHECK(world.get("/api/v1/reprocess").at("items").size() == 1);
}

TEST_CASE("a dry replay changes nothing, and a range of arrivals bounds it") {
  ApiWorld world;
  add_raw(world, {"1", "2", "3"});
  const json begun =
      post(world, body(true, R"(,"from":"1970-01-01T00:00:02Z","to":3000000000,"source":"s")"));
  world.settle();
  const json done = world.get(path_of(begun));
  CHECK(done.at("state") == "done");
  CHECK(done.at("dry") == true);
  CHECK(done.at("readings") == 1);
  CHECK(done.at("old_readings") == 1);
  CHECK(world.view.replacements.empty());
}

TEST_CASE("one replay at a time; it can be cancelled before it replaces") {
  ApiWorld world;
  add_raw(world, std::vector<std::string>(20'000, "1"));
  const json first = post(world, body(false));
  const json refused = post(world, body(false), 409);
  CHECK(refused.at("detail").get<std::string>().find(first.at("id").dump()) != std::string::npos);
  const json cancelled = json::parse(world.ask("DELETE", path_of(first)).response->body);
  CHECK(cancelled.at("state") == "reading");
  world.settle();
  CHECK(world.get(path_of(first)).at("state") == "cancelled");
  CHECK(world.view.replacements.empty());
  const json second = post(world, body(false));
  CHECK(second.at("id") != first.at("id"));
  world.sim.run_for(rt::Seconds{60});
  CHECK(world.get(path_of(second)).at("state") == "done");
  CHECK(world.ask("DELETE", path_of(second)).response->status == 202);
  CHECK(world.get(path_of(second)).at("state") == "done");
  CHECK(world.problem("/api/v1/reprocess/77", 404).starts_with("no replay 77"));
  CHECK(world.problem("/api/v1/reprocess/x", 404).starts_with("no replay x"));
}

TEST_CASE("a replay that fails says why") {
  ApiWorld world;
  json begun = post(world, body(false));
  world.settle();
  json failed = world.get(path_of(begun));
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("error") ==
        "node a has no raw messages in that time: is keep_raw set at the source?");
  add_raw(world, {"1"});
  world.view.replacement_error = rt::Error{rt::Errc::kFull, "no room"};
  begun = post(world, body(false));
  world.settle();
  failed = world.get(path_of(begun));
  CHECK(failed.at("state") == "failed");
  CHECK(failed.at("error") == "no room");
}

TEST_CASE("what is asked for wrongly is refused before anything begins") {
  ApiWorld world;
  const auto why = [&](const std::string& text) {
    return post(world, text, 400).at("detail").get<std::string>();
  };
  CHECK(why(R"({"rules":{"topic":"a"}})").starts_with("\"node\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a","x":1}})").starts_with("\"rules\""));
  CHECK(why(R"({"node":"a","rules":[]})").starts_with("\"rules\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a"},"from":"noon"})").starts_with("\"from\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a"},"from":9223372036854775808})")
            .starts_with("\"from\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a"},"from":5,"to":5})").starts_with("\"to\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a"},"dry":"yes"})").starts_with("\"dry\""));
  CHECK(why(R"({"node":"a","rules":{"topic":"a"},"dyr":true})").starts_with("\"dyr\""));
  CHECK(why(R"({"node":"a","gvie_up":true})").starts_with("\"gvie_up\""));
  CHECK(world.get("/api/v1/reprocess").at("items").empty());
}

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/query/ledger_query.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::ApiWorld;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

json ask(ApiWorld& world, const std::string& query, int status) {
  auto& answer = world.ask("DELETE", "/api/v1/readings?" + query);
  CHECK(answer.response->status == status);
  return json::parse(answer.response->body);
}

}  // namespace

TEST_CASE("deleting is a dry run that tells how much would go, unless it is told otherwise") {
  ApiWorld world;
  world.add_series("a", "air temp f", {{1, 1.0}, {2, 2.0}, {3, 3.0}});
  world.add_series("a", "soil wet f", {{1, 1.0}});
  world.add_series("b", "air temp f", {{2, 2.0}});
  const std::string range = "&from=1500000000&to=3000000000";
  for (const bool compacted : {false, true}) {
    if (compacted) world.store.compact();
    CHECK(ask(world, "node=a" + range, 200).at("readings") == 1);
    const json both = ask(world, "measurement=air&to=9000000000", 200);
    CHECK(both.at("dry") == true);
    CHECK(both.at("readings") == 4);
    CHECK(both.at("series") == 2);
    CHECK((both.at("bytes") > 0) == compacted);
    CHECK(ask(world, "node=a&measurement=none", 200).at("readings") == 0);
  }
  CHECK(world.view.deletions.empty());
}

TEST_CASE("a dry run of many series is asked in parts, between which others are answered") {
  ApiWorld world;
  const std::uint64_t before = world.desk->asked();
  for (int i = 0; i < 300; ++i) {
    world.add_series("a", "air,sensor=" + std::to_string(i) + " temp f", {{1, 1.0}, {2, 2.0}});
  }
  const json total = ask(world, "node=a&to=2000000000", 200);
  CHECK(total.at("series") == 300);
  CHECK(total.at("readings") == 300);
  CHECK(world.desk->asked() - before == 2);
}

TEST_CASE("a deletion goes to the coordinator with who asked and why") {
  ApiWorld world;
  const json answer = ask(world, "node=a&from=5&to=9&dry=false&reason=wrong%20sensor", 202);
  CHECK(answer == json::parse(R"({"dry": false, "deletions": [{"node": "a", "gap": 7}]})"));
  REQUIRE(world.view.deletions.size() == 1);
  CHECK(world.view.deletions[0].first_time == 5);
  CHECK(world.view.deletions[0].last_time == 8);
  CHECK(world.view.deletions[0].reason.ends_with(": wrong sensor"));
}

TEST_CASE("a deletion that finds no room is not told to try again at once") {
  ApiWorld world;
  world.view.deletion_error = rt::Error{rt::Errc::kFull, "a node has at most 1000 deletions"};
  auto& answer = world.ask("DELETE", "/api/v1/readings?node=a&dry=false");
  CHECK(answer.response->status == 507);
  CHECK(answer.response->headers.get("Retry-After").empty());
}

TEST_CASE("a deletion that says too little or too much is refused") {
  ApiWorld world;
  CHECK(ask(world, "from=5", 400).at("detail") ==
        "parameter node: expected a node, a measurement, or both");
  CHECK(ask(world, "node=a&dry=no", 400).at("detail") == "parameter dry: expected true or false");
  CHECK(ask(world, "node=a&reason=" + std::string(201, 'x'), 400).at("detail") ==
        "parameter reason: expected at most 200 bytes");
  CHECK(world.view.deletions.empty());
}

TEST_CASE("a deletion with an empty parameter is refused, not widened") {
  ApiWorld world;
  for (const std::string name : {"node", "measurement", "from", "to", "reason"}) {
    const std::string given = name == "node" ? "measurement=air" : "node=a";
    CHECK(ask(world, given + "&dry=false&" + name + "=", 400).at("detail") ==
          "parameter " + name + ": expected a value; leave it out to mean any");
  }
  CHECK(ask(world, "node=a&dry=false&from", 400).at("status") == 400);
  CHECK(world.view.deletions.empty());
}

TEST_CASE("an answer says what its range lacks because it was deleted") {
  ApiWorld world;
  const auto id = world.add_series("a", "air temp f", {{1, 1.0}, {2, 2.0}, {3, 3.0}});
  const std::string path = "/api/v1/readings?times=ns&series=" + std::to_string(id);
  CHECK_FALSE(world.get(path).contains("deleted"));
  const auto node = *world.store.number("SELECT no FROM node WHERE id = 'a'");
  const auto gap = world.store.delete_readings(
      {node, "air", 2 * kSecond, INT64_MAX, "deleted by x"}, {{1, 1000}}, 1000);
  const json answer = world.get(path);
  CHECK(answer.at("items").at(0).at("readings").size() == 1);
  CHECK(answer.at("deleted") == json::array({{{"gap", gap},
                                              {"node", "a"},
                                              {"from", 2 * kSecond},
                                              {"to", nullptr},
                                              {"cause", "deleted"},
                                              {"by", "deleted by x"}}}));
  CHECK_FALSE(world.get(path + "&to=2000000000").contains("deleted"));
  CHECK(world.get("/api/v1/readings/aggregate?from=0&to=9000000000&series=" + std::to_string(id))
            .contains("deleted"));
}

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/query/buckets.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::ApiWorld;

namespace {

const std::string kAggregate = "/api/v1/readings/aggregate?times=ns&";

json buckets_of(ApiWorld& world, const std::string& question) {
  return world.get(kAggregate + question).at("items").at(0).at("buckets");
}

/// Times in s.
json seconds(json buckets) {
  for (json& bucket : buckets) bucket.at(0) = bucket.at(0).get<std::int64_t>() / 1'000'000'000;
  return buckets;
}

}  // namespace

TEST_CASE("buckets of a width begin at its multiples, whatever the range") {
  ApiWorld world;
  world.add_series("n", "m a f", {{7, 1}, {12, 2}, {13, 3}});
  CHECK(seconds(buckets_of(world, "series=1&width=5s")) ==
        json::parse("[[5,1,1,1,1,1,1],[10,2,2,3,2.5,2,3]]"));
  CHECK(seconds(buckets_of(world, "series=1&width=5s&from=-8000000000&to=13000000000")) ==
        json::parse("[[5,1,1,1,1,1,1],[10,1,2,2,2,2,2]]"));
}

TEST_CASE("changes a second: of what rises and falls, and of a counter that began again") {
  ApiWorld world;
  world.add_series("n", "m a f B", {{0, 10}, {10, 30}, {20, 5}, {30, 15}});
  CHECK(seconds(buckets_of(world, "series=1&width=20s&of=derivative")) ==
        json::parse("[[0,1,2,2,2,2,2],[20,2,-2.5,1,-0.75,-2.5,1]]"));
  CHECK(seconds(buckets_of(world, "series=1&width=20s&of=rate")) ==
        json::parse("[[0,1,2,2,2,2,2],[20,2,0.5,1,0.75,0.5,1]]"));
  const json item = world.get(kAggregate + "series=1&of=rate").at("items").at(0);
  CHECK(item.at("unit") == "B/s");
}

TEST_CASE("buckets without readings are filled as asked") {
  ApiWorld world;
  world.add_series("n", "m a f", {{0, 1}, {10, 5}, {11, 2}, {40, 8}});
  const std::string question = "series=1&width=10s&from=0&to=60000000000&fill=";
  const auto firsts = [&](const std::string& fill) {
    json found = json::array();
    for (const json& bucket : buckets_of(world, question + fill)) found.push_back(bucket.at(5));
    return found;
  };
  CHECK(firsts("none") == json::parse("[1,5,8]"));
  CHECK(firsts("null") == json::parse("[1,5,null,null,8,null]"));
  CHECK(firsts("previous") == json::parse("[1,5,2,2,8,8]"));
  CHECK(firsts("linear") == json::parse("[1,5,6,7,8,null]"));
  CHECK(firsts("-0.5") == json::parse("[1,5,-0.5,-0.5,8,-0.5]"));
  CHECK(buckets_of(world, question + "null").at(2).at(1) == 0);
}

TEST_CASE("groups join the buckets of their series as if they were one") {
  ApiWorld world;
  world.add_series("n1", "air,room=a t f C", {{0, 1}, {1, 3}});
  world.add_series("n2", "air,room=a t f C", {{0, 5}, {12, 7}});
  world.add_series("n2", "air,room=b t f K", {{5, 9}});
  const json items =
      world.get(kAggregate + "measurement=air&width=10s&group_by=tag.room").at("items");
  REQUIRE(items.size() == 2);
  CHECK(items.at(0).at("group") == json::parse(R"({"tag.room": "a"})"));
  CHECK(items.at(0).at("series") == json::parse("[1,2]"));
  CHECK(items.at(0).at("unit") == "C");
  CHECK(seconds(items.at(0).at("buckets")) == json::parse("[[0,3,1,5,3,1,3],[10,1,7,7,7,7,7]]"));
  CHECK(items.at(1).at("group") == json::parse(R"({"tag.room": "b"})"));
  const json nodes = world.get(kAggregate + "field=t&width=1h&group_by=node,measurement&fill=0");
  REQUIRE(nodes.at("items").size() == 2);
  CHECK(nodes.at("items").at(1).at("group") ==
        json::parse(R"({"node": "n2", "measurement": "air"})"));
  CHECK(nodes.at("items").at(1).at("unit").is_null());  // C and K
}

TEST_CASE("strings are left out of what a filter matches") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", {{1, 1}, {2, 2}});
  const auto set = test::make_set({"m words s"});
  wire::Column words;
  words.times = {1};
  words.strings = {"hello"};
  words.values = {0};
  const auto node = world.store.number("SELECT no FROM node WHERE id = 'n'").value();
  world.store.add(test::make_batch(node, {9, 1}, set, {{words}, {}, {}}));
  for (const std::string question : {"node=n", "node=n&group_by=node"}) {
    INFO("question ", question);
    const json items = world.get(kAggregate + question).at("items");
    REQUIRE(items.size() == 1);
    CHECK(items.at(0).at("buckets").size() == 2);
  }
  CHECK(world.problem("/api/v1/readings/aggregate?series=" + std::to_string(a + 1), 400) ==
        "aggregating a series of strings");
}

TEST_CASE("the last reading of each series, chosen by ids or by a filter") {
  ApiWorld world;
  const auto a = world.add_series("n1", "m a f", {{1, 1.5}, {3, 2.5}});
  const auto b = world.add_series("n2", "m b f", {{2, 4}});
  const json all = world.get("/api/v1/readings/last?times=ns&measurement=m").at("items");
  REQUIRE(all.size() == 2);
  CHECK(all.at(0).at("id") == a);
  CHECK(all.at(0).at("time") == 3'000'000'000);
  CHECK(all.at(0).at("value") == 2.5);
  CHECK(all.at(1).at("value") == 4);
  const json one =
      world.get("/api/v1/readings/last?series=" + std::to_string(b) + "," + std::to_string(a))
          .at("items");
  CHECK(one.at(0).at("id") == b);
  CHECK(one.at(0).at("time") == "1970-01-01T00:00:02.000000000Z");
  CHECK(world.get("/api/v1/readings/last?node=nobody").at("items").empty());
}

TEST_CASE("what cannot be aggregated is refused with what was expected") {
  ApiWorld world;
  world.add_series("n", "m a f", {{0, 1}, {1'000'000, 2}});
  const auto problem = [&](const std::string& question) {
    return world.problem("/api/v1/readings/aggregate?" + question, 400);
  };
  CHECK(problem("points=5") ==
        "parameter series: expected ids of series, or node, measurement, field or tag.* to choose "
        "them by");
  CHECK(problem("series=1&node=n") == "parameter series: expected either ids or a filter");
  CHECK(problem("series=1&width=5s&points=5") ==
        "parameter width: expected either width or points");
  CHECK(problem("series=1&width=0s") ==
        "parameter width: expected a duration such as 10s, 5m, 1h or 1d");
  CHECK(problem("series=1&of=sum") == "parameter of: expected value or derivative or rate");
  CHECK(problem("series=1&fill=zero") ==
        "parameter fill: expected none, null, previous, linear or a number");
  CHECK(problem("series=1&fill=nan") ==
        "parameter fill: expected none, null, previous, linear or a number");
  CHECK(problem("series=1&group_by=node,tag.") ==
        "parameter group_by: expected node, measurement, field or tag.KEY, separated by commas, at "
        "most eight");
  CHECK(problem("series=1&width=1s") ==
        "1000001 buckets of this width; at most 100000 are given: take a wider one");
}

TEST_CASE("a grid reaches its ends, and the ends of time") {
  const auto whole = BucketGrid::split({INT64_MIN, INT64_MAX}, 4);
  CHECK(whole.count == 4);
  CHECK(whole.index_of(INT64_MAX - 1) == 3);
  CHECK(whole.start_of(0) == INT64_MIN);
  CHECK(BucketGrid::split({5, 5}, 10).count == 0);
  CHECK(BucketGrid::split({0, 3}, 10).count == 3);
  const auto early = BucketGrid::align({INT64_MIN, INT64_MIN + 10}, 7);
  REQUIRE(early);
  CHECK(early->from == INT64_MIN);  // no multiple lies before it
  const auto negative = BucketGrid::align({-3, 3}, 5);
  REQUIRE(negative);
  CHECK(negative->from == -5);
  CHECK(negative->count == 2);
}

TEST_CASE("of readings at one time in two series the later series is the last one") {
  const Bucket a{0, 1, 1, 1, 1, 1, 1, 5, 5};
  const Bucket b{0, 3, 2, 2, 2, 2, 2, 5, 5};
  const auto joined = merge({a}, {b});
  REQUIRE(joined.size() == 1);
  CHECK(joined[0].count == 4);
  CHECK(joined[0].mean == 1.75);
  CHECK(joined[0].first == 1);
  CHECK(joined[0].last == 2);
}

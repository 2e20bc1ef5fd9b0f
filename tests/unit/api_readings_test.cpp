#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/http/csv_export.h"
#include "coordinator/http/cursor.h"
#include "tests/support/api_world.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::ApiWorld;

namespace {

std::vector<std::pair<std::int64_t, double>> ramp(std::int64_t count) {
  std::vector<std::pair<std::int64_t, double>> readings;
  for (std::int64_t i = 0; i < count; ++i) readings.emplace_back(i, static_cast<double>(i) / 2);
  return readings;
}

std::string id(SeriesId series) {
  return std::to_string(series);
}

}  // namespace

TEST_CASE("series are listed with their shape and filtered by node, field and tags") {
  ApiWorld world;
  const auto a = world.add_series("n1", "air,pos=top,room=b temp f C", {{1, 20.5}, {3, 21}});
  const auto b = world.add_series("n2", "air,pos=low temp f", {{2, 19}});
  CHECK(world.get("/api/v1/series?node=n1").at("items") ==
        json::array({json::parse(R"({"id": )" + id(a) + R"(, "node": "n1", "measurement": "air",
            "tags": {"pos": "top", "room": "b"}, "field": "temp", "type": "f64", "unit": "C",
            "count": 2, "first_time": "1970-01-01T00:00:01.000000000Z",
            "last_time": "1970-01-01T00:00:03.000000000Z"})")}));
  CHECK(world.get("/api/v1/series?measurement=air&field=temp").at("items").size() == 2);
  const json low = world.get("/api/v1/series?tag.pos=low&times=ns").at("items");
  REQUIRE(low.size() == 1);
  CHECK(low.at(0).at("id") == b);
  CHECK(low.at(0).at("unit").is_null());
  CHECK(low.at(0).at("first_time") == 2'000'000'000);
  CHECK(world.get("/api/v1/series?tag.pos=low&tag.room=b").at("items").empty());
  const json first = world.get("/api/v1/series?limit=1");
  const json second =
      world.get("/api/v1/series?limit=1&cursor=" + first.at("next_cursor").get<std::string>());
  CHECK(second.at("items").at(0).at("id") == b);
  CHECK(second.at("next_cursor").is_null());
  CHECK(world.problem("/api/v1/series?tags.pos=low", 400) ==
        "parameter tags.pos: not known here; expected node, measurement, field, limit, times, "
        "cursor, series, tag.*");
  const json both = world.get("/api/v1/series?series=" + id(b) + "," + id(a)).at("items");
  REQUIRE(both.size() == 2);
  CHECK(both.at(0).at("id") == b);
  CHECK(both.at(1).at("id") == a);
}

TEST_CASE("named series are filtered and come page by page like all others") {
  ApiWorld world;
  const auto a = world.add_series("n1", "air temp f", {{1, 20.5}});
  const auto b = world.add_series("n2", "air temp f", {{2, 19}});
  const auto c = world.add_series("n2", "soil temp f", {{2, 19}});
  const std::string named = "/api/v1/series?series=" + id(c) + "," + id(b) + "," + id(a);
  const auto ids = [&](const std::string& more) {
    json found = json::array();
    const json page = world.get(named + more);
    for (const json& item : page.at("items")) found.push_back(item.at("id"));
    return found;
  };
  CHECK(ids("&node=n2") == json({c, b}));
  CHECK(ids("&measurement=air&node=n2") == json::array({b}));
  CHECK(ids("&node=n3") == json::array());
  const std::string cursor = world.get(named + "&limit=2").at("next_cursor");
  CHECK(ids("&limit=2") == json({c, b}));
  CHECK(ids("&limit=2&cursor=" + cursor) == json::array({a}));
}

TEST_CASE("an empty range has no readings and no buckets") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(5));
  const std::string range = "from=2000000000&to=2000000000&series=" + id(a);
  const json readings = world.get("/api/v1/readings?" + range);
  REQUIRE(readings.at("items").size() == 1);
  for (const json& item : readings.at("items")) {
    CHECK(item.at("readings").empty());
  }
  const json buckets = world.get("/api/v1/readings/aggregate?" + range);
  REQUIRE(buckets.at("items").size() == 1);
  for (const json& item : buckets.at("items")) {
    CHECK(item.at("buckets").empty());
  }
  CHECK(world.problem("/api/v1/readings?from=2&to=1&series=" + id(a), 400) ==
        "parameter to: expected a time that is not before \"from\"");
}

TEST_CASE("readings of several series come with their series, within the range") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(5));
  const auto b = world.add_series("n", "m b f", {{2, 7}});
  const json page = world.get("/api/v1/readings?series=" + id(b) + "," + id(a) +
                              "&from=2000000000&to=4000000000");
  REQUIRE(page.at("items").size() == 2);
  CHECK(page.at("items").at(0).at("id") == b);
  CHECK(page.at("items").at(0).at("readings") ==
        json::array({{"1970-01-01T00:00:02.000000000Z", 7.0}}));
  CHECK(page.at("items").at(1).at("field") == "a");
  CHECK(page.at("items").at(1).at("readings") ==
        json::array(
            {{"1970-01-01T00:00:02.000000000Z", 1.0}, {"1970-01-01T00:00:03.000000000Z", 1.5}}));
  CHECK(page.at("next_cursor").is_null());
}

TEST_CASE("readings come page by page, each once, over series and equal ends") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(10));
  const auto b = world.add_series("n", "m b f", {{100, 1}});
  const auto c = world.add_series("n", "m c f", ramp(5));
  const std::string query =
      "/api/v1/readings?times=ns&to=50000000000&series=" + id(a) + "&series=" + id(b) + "," + id(c);
  for (const int limit : {1, 4, 5, 10, 15, 100}) {
    INFO("limit ", limit);
    std::map<SeriesId, std::vector<std::int64_t>> seen;
    std::string cursor;
    int pages = 0;
    do {
      const json page = world.get(query + "&limit=" + std::to_string(limit) +
                                  (cursor.empty() ? "" : "&cursor=" + cursor));
      std::size_t readings = 0;
      for (const json& item : page.at("items")) {
        for (const json& pair : item.at("readings")) seen[item.at("id")].push_back(pair.at(0));
        readings += item.at("readings").size();
      }
      CHECK(readings <= static_cast<std::size_t>(limit));
      CHECK(readings > 0);
      cursor = page.at("next_cursor").is_null() ? "" : page.at("next_cursor");
      ++pages;
    } while (!cursor.empty() && pages < 50);
    CHECK(pages == (15 + limit - 1) / limit);
    CHECK(seen[a].size() == 10);
    CHECK(seen[c].size() == 5);
    CHECK(std::is_sorted(seen[a].begin(), seen[a].end()));
  }
}

TEST_CASE("a series that is unknown is a 404 that names it, and none at all a 400") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(1));
  for (const std::string path : {"series", "readings", "readings/aggregate", "live"}) {
    CHECK(world.problem("/api/v1/" + path + "?series=" + id(a) + ",99", 404) ==
          "there is no series 99");
  }
  CHECK(world.problem("/api/v1/readings", 400) ==
        "parameter series: expected at least one id of a series");
  CHECK(world.problem("/api/v1/readings?series=a", 400) ==
        "parameter series: expected ids of series, as /api/v1/series lists them");
  CHECK(world.problem("/api/v1/readings?series=1&format=xml", 400) ==
        "parameter format: expected json or csv");
  CHECK(world.problem("/api/v1/readings?series=1&limit=-1", 400) ==
        "parameter limit: expected a whole number from 1 to 100000");
  CHECK(world.problem("/api/v1/readings?series=1&cursor=r3120", 400) ==
        "parameter cursor: expected a next_cursor of /api/v1/readings for the same series");
  CHECK(world.problem("/api/v1/readings/aggregate?series=1,2,3&points=100000", 400) ==
        "parameter points: expected a whole number from 1 to 10000");
}

TEST_CASE("buckets carry count, min, max, mean, first and last") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(10));
  const json page = world.get(
      "/api/v1/readings/aggregate?times=ns&points=2&from=0&to=10000000000"
      "&series=" +
      id(a));
  CHECK(page.at("items").at(0).at("buckets") ==
        json::parse("[[0,5,0,2,1,0,2],[5000000000,5,2.5,4.5,3.5,2.5,4.5]]"));
}

TEST_CASE("times of a boot without a good clock are corrected when asked for") {
  ApiWorld world;
  const wire::Id128 boot{1, 2};
  const auto a = world.add_series("n", "m a f", {{1, 1.5}}, boot);
  (*world.view.offsets)[boot] = 1'000'000'000'000;
  const std::string path = "/api/v1/readings?times=ns&series=" + id(a);
  const auto time_of = [&](const std::string& more) {
    return world.get(path + more).at("items").at(0).at("readings").at(0).at(0);
  };
  CHECK(time_of("") == 1'000'000'000);
  CHECK(time_of("&time=stored") == 1'000'000'000);
  CHECK(time_of("&time=corrected") == 1'001'000'000'000);
}

TEST_CASE("CSV names its columns and quotes what has to be quoted") {
  ApiWorld world;
  const auto a = world.add_series("n", R"(a\,b,k=v\ "w" temp f C)", {{1, 2.5}, {2, 3}});
  const auto& answer = world.ask("GET", "/api/v1/readings?format=csv&series=" + id(a));
  REQUIRE(answer.streaming);
  CHECK(answer.stream_headers.get("Content-Type").starts_with("text/csv"));
  CHECK(answer.text ==
        "time,series,node,measurement,tags,field,unit,value\r\n"
        "1970-01-01T00:00:01.000000000Z," +
            id(a) +
            ",n,\"a,b\",\"k=v \"\"w\"\"\",temp,C,2.5\r\n"
            "1970-01-01T00:00:02.000000000Z," +
            id(a) + ",n,\"a,b\",\"k=v \"\"w\"\"\",temp,C,3\r\n");
  world.answers.back().drain();
  CHECK(answer.ended);
  CHECK_FALSE(answer.cut);
}

TEST_CASE("CSV takes the cursor of a first page, which is empty, and no other") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(1));
  const std::string path = "/api/v1/readings?format=csv&series=" + id(a) + "&cursor=";
  auto& answer = world.ask("GET", path);
  CHECK(answer.stream_headers.get("Content-Type").starts_with("text/csv"));
  answer.drain();  // an answer must not be left half told
  CHECK(answer.ended);
  const std::string place = make_number_cursor('r', {0, 5});
  CHECK(world.problem(path + place, 400) == "parameter cursor: CSV comes in one piece");
}

TEST_CASE("CSV is made a page at a time, as its reader takes it") {
  ApiWorld world;
  const auto count = static_cast<std::int64_t>(2 * kCsvPageReadings + 10);
  const auto a = world.add_series("n", "m a f", ramp(count));
  auto& answer = world.ask("GET", "/api/v1/readings?format=csv&times=ns&series=" + id(a));
  answer.auto_drain = false;
  REQUIRE(answer.streaming);
  world.settle();
  const auto lines = [&] { return std::count(answer.text.begin(), answer.text.end(), '\n'); };
  CHECK(lines() == static_cast<std::int64_t>(kCsvPageReadings) + 1);
  for (int i = 0; i < 5 && !answer.ended; ++i) {
    answer.drain();
    world.settle();
  }
  CHECK(answer.ended);
  CHECK(lines() == count + 1);
  CHECK(answer.text.ends_with("\r\n"));
}

TEST_CASE("CSV stops at its limit, and when its reader goes away") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(30'000));
  auto& limited = world.ask("GET", "/api/v1/readings?format=csv&limit=10003&series=" + id(a));
  for (int i = 0; i < 5 && !limited.ended; ++i) {
    limited.drain();
    world.settle();
  }
  CHECK(std::count(limited.text.begin(), limited.text.end(), '\n') == 10'004);
  auto& left = world.ask("GET", "/api/v1/readings?format=csv&series=" + id(a));
  const auto asked = world.desk->asked();
  left.leave();
  world.settle();
  CHECK(left.ended);
  CHECK(world.desk->asked() == asked);
}

TEST_CASE("too many questions at once are answered 503") {
  ApiWorld world;
  const auto a = world.add_series("n", "m a f", ramp(1));
  std::deque<test::FakeAnswer> many(kQuestionsMax + 1);
  for (auto& answer : many) {
    world.api->handle(test::make_request("GET", "/api/v1/readings?series=" + id(a)),
                      test::make_responder(answer));
  }
  REQUIRE(many.back().response.has_value());
  CHECK(many.back().response->status == 503);
  CHECK(many.back().response->headers.get("Retry-After") == "1");
  CHECK(world.desk->refused() == 1);
  world.settle();
  CHECK(many.front().response->status == 200);
}

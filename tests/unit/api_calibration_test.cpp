// Calibrated answers: the sensors of an experiment or a config, applied to what is asked.
#include <doctest/doctest.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

constexpr const char* kSensors = R"([
    {"name":"air","measurement":"air","field":"t","unit":"°C","calibration":{"scale":2,"offset":1}},
    {"name":"depth","measurement":"well","field":"p","calibration":{"scale":-0.5,"offset":10}},
    {"name":"flow","measurement":"flow","field":"x","unit":"l/s",
     "calibration":{"polynomial":[1,0,0.5]}},
    {"name":"door","measurement":"door","field":"open"},
    {"name":"off","measurement":"off","field":"x","enabled":false,"calibration":{"scale":9}}])";

/// An experiment "drought" of nodes n* with sensors of all kinds, config "house", version 1.
struct Site {
  ApiWorld world;

  Site() {
    ask("POST", "/api/v1/sensor_configs",
        std::string(R"({"name":"house","sensors":)") + kSensors + "}");
    ask("POST", "/api/v1/experiments", R"({"name":"drought","config":"house","nodes":["n*"]})");
  }
  void ask(const char* method, const std::string& path, const std::string& body) {
    const auto& response = world.ask(method, path, {}, body).response;
    REQUIRE(response.has_value());
    INFO(response->body);
    REQUIRE(response->status < 300);
  }
  json items(const std::string& question, const std::string& by = "calibrated=drought") {
    return world.get("/api/v1/readings" + question + "&times=ns&" + by).at("items");
  }
  /// Of the one series: values, in order.
  json values(const std::string& question, const std::string& by = "calibrated=drought") {
    const json found = items(question, by);
    json out = json::array();
    for (const json& pair : found.at(0).at("readings")) out.push_back(pair.at(1));
    return out;
  }
  /// [count, min, max, mean, first, last] of one bucket over all.
  json bucket(const std::string& question, const std::string& by = "calibrated=drought") {
    const json found = items("/aggregate" + question + "&width=1d", by);
    json out = found.at(0).at("buckets").at(0);
    out.erase(0);
    return out;
  }
};

}  // namespace

TEST_CASE("readings are calibrated by an experiment's sensors, and say so") {
  Site site;
  site.world.add_series("n1", "air t f F", {{1, 1.0}, {2, 2.5}});
  const json items = site.items("?series=1");
  REQUIRE(items.size() == 1);
  CHECK(items.at(0).at("unit") == "°C");
  CHECK(items.at(0).at("type") == "f64");
  CHECK(items.at(0).at("calibration") == json{1, 2});
  CHECK(items.at(0).at("readings") == json::parse("[[1000000000,3],[2000000000,6]]"));
  const json raw = site.world.get("/api/v1/readings?series=1&times=ns").at("items").at(0);
  CHECK(raw.at("unit") == "F");
  CHECK_FALSE(raw.contains("calibration"));
  CHECK(raw.at("readings").at(1).at(1) == 2.5);
  const std::string id = site.world.get("/api/v1/experiments/drought").at("id");
  CHECK(site.values("?series=1", "calibrated=" + id) == json{3, 6});
}

TEST_CASE("buckets are of calibrated values, before compaction and after it") {
  Site site;
  site.world.add_series("n1", "well p f m", {{1, 2.0}, {2, 8.0}, {3, 4.0}});
  site.world.add_series("n1", "flow x f", {{1, -2.0}, {2, 1.0}, {3, 4.0}});
  for (int round = 0; round < 2; ++round) {
    INFO("round ", round);
    // A negative scale turns least and greatest round.
    CHECK(site.bucket("?series=1") == json{3, 6, 9, (9.0 + 6.0 + 8.0) / 3, 9, 8});
    // The square of a mean is not the mean of squares; the least is inside.
    CHECK(site.bucket("?series=2") == json{3, 1.5, 9, (3.0 + 1.5 + 9.0) / 3, 3, 9});
    CHECK(site.items("/aggregate?series=1").at(0).at("unit") == "m");
    CHECK(site.items("/aggregate?series=1").at(0).at("calibration") == json{10, -0.5});
    CHECK(site.items("/aggregate?series=2").at(0).at("unit") == "l/s");
    site.world.store.compact();
  }
}

TEST_CASE("changes a second are those of calibrated values") {
  Site site;
  site.world.add_series("n1", "well p f", {{0, 2.0}, {10, 8.0}, {20, 4.0}});
  CHECK(site.bucket("?series=1&of=derivative") == json{2, -0.3, 0.2, (-0.3 + 0.2) / 2, -0.3, 0.2});
  // What falls there began again at 0, whatever the calibration makes of that.
  CHECK(site.bucket("?series=1&of=rate") == json{2, -0.3, -0.2, (-0.3 - 0.2) / 2, -0.3, -0.2});
}

TEST_CASE("integers and booleans become doubles, texts stay as they are") {
  Site site;
  const auto node = site.world.store.add_node("n1");
  wire::Columns columns;
  columns.columns.resize(4);
  for (wire::Column& column : columns.columns) column.times = {1, 2};
  columns.columns[0].values = {static_cast<std::uint64_t>(-3), 4};
  columns.columns[1].values = {1, 0};
  columns.columns[2].values = {0, 1};
  columns.columns[2].strings = {"cold", "warm"};
  columns.columns[3].values = {1, 7};
  site.world.store.add(make_batch(
      node, {1, 1}, make_set({"air t i F", "door open b", "air t s note", "well p u"}), columns));
  CHECK(site.values("?series=1") == json{-5, 9});
  CHECK(site.values("?series=2") == json{1, 0});
  CHECK(site.items("?series=2").at(0).at("calibration") == json{0, 1});
  CHECK(site.items("?series=2").at(0).at("type") == "f64");
  CHECK(site.values("?series=3") == json{"cold", "warm"});
  CHECK_FALSE(site.items("?series=3").at(0).contains("calibration"));
  CHECK(site.items("?series=3").at(0).at("unit") == "note");
  CHECK(site.values("?series=4") == json{9.5, 6.5});
  CHECK(site.bucket("?series=2") == json{2, 0, 1, 0.5, 1, 0});
  CHECK(site.values("?series=2", "limit=5") == json{true, false});
}

TEST_CASE("series that no sensor means come as they are, and so do other nodes'") {
  Site site;
  site.world.add_series("n1", "rain x f mm", {{1, 3.0}});
  site.world.add_series("n1", "off x f", {{1, 4.0}});
  site.world.add_series("far", "air t f", {{1, 5.0}});
  site.world.add_series("n1", "air t f", {{1, 6.0}});
  const json items = site.items("?series=1,2,3,4");
  REQUIRE(items.size() == 4);
  const json expected = {3, 4, 5, 13};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(items.at(i).at("readings").at(0).at(1) == expected.at(i));
    CHECK(items.at(i).contains("calibration") == (i == 3));
  }
  CHECK(items.at(0).at("unit") == "mm");
  // A config is of all nodes.
  CHECK(site.values("?series=3", "calibrated_by=house") == json::array({11}));
}

TEST_CASE("an experiment keeps its version of a config, a config alone means its newest") {
  Site site;
  site.world.add_series("n1", "air t f", {{1, 1.0}});
  site.ask("PUT", "/api/v1/sensor_configs/house",
           R"({"sensors":[{"name":"air","measurement":"air","field":"t",)"
           R"("calibration":{"scale":100}}]})");
  CHECK(site.values("?series=1") == json::array({3}));
  CHECK(site.values("?series=1", "calibrated_by=house") == json::array({100}));
  CHECK(site.values("?series=1", "calibrated_by=house@1") == json::array({3}));
  CHECK(site.values("?series=1", "calibrated_by=house@2") == json::array({100}));
}

TEST_CASE("the last reading and groups are calibrated, too") {
  Site site;
  site.world.add_series("n1", "air t f", {{1, 1.0}, {2, 2.0}});
  site.world.add_series("n2", "air t f", {{1, 10.0}});
  site.world.add_series("n2", "rain x f °C", {{1, 7.0}});
  for (int round = 0; round < 2; ++round) {
    INFO("round ", round);
    const json last = site.items("/last?node=n1");
    CHECK(last.at(0).at("value") == 5);
    CHECK(last.at(0).at("calibration") == json{1, 2});
    const json both = site.items("/aggregate?field=t&width=1d&group_by=measurement").at(0);
    CHECK(both.at("unit") == "°C");
    CHECK(both.at("calibrations") == json{{1, 2}, {1, 2}});
    CHECK(both.at("buckets").at(0).at(3) == 21);
    const json mixed = site.items("/aggregate?node=n2&width=1d&group_by=node").at(0);
    CHECK(mixed.at("calibrations") == json::array({{1, 2}, nullptr}));
    site.world.store.compact();
  }
  const json raw = site.world.get("/api/v1/readings/aggregate?field=t&group_by=field").at("items");
  CHECK_FALSE(raw.at(0).contains("calibrations"));
}

TEST_CASE("a live stream is calibrated, with the last reading that it begins with") {
  Site site;
  site.world.add_series("n1", "air t f", {{1, 1.0}});
  site.world.add_series("n1", "rain x f", {{1, 7.0}});
  FakeAnswer& answer =
      site.world.ask("GET", "/api/v1/live?last=true&times=ns&series=1,2&calibrated=drought");
  site.world.settle();
  const auto event = [](const char* series, const char* time, const char* value) {
    return std::string("event: reading\ndata: {\"series\":") + series + ",\"time\":" + time +
           ",\"value\":" + value + "}\n\n";
  };
  CHECK(answer.text.ends_with(event("1", "1000000000", "3") + event("2", "1000000000", "7")));
  answer.text.clear();
  site.world.view.subscriptions.begin()->second.on_readings(
      {{1, wire::ValueType::kF64, 2'000'000'000, std::bit_cast<std::uint64_t>(2.5), {}},
       {2, wire::ValueType::kF64, 2'000'000'000, std::bit_cast<std::uint64_t>(4.0), {}}});
  CHECK(answer.text == event("1", "2000000000", "6") + event("2", "2000000000", "4"));
}

TEST_CASE("CSV of calibrated readings has a column that tells how they are") {
  Site site;
  site.world.add_series("n1", "air t f", {{1, 1.0}});
  site.world.add_series("n1", "rain x f", {{1, 3.0}});
  FakeAnswer& answer =
      site.world.ask("GET", "/api/v1/readings?series=1,2&format=csv&times=ns&calibrated=drought");
  for (int i = 0; i < 100 && !answer.ended; ++i) {
    answer.drain();
    site.world.settle();
  }
  CHECK(answer.text ==
        "time,series,node,measurement,tags,field,unit,calibration,value\r\n"
        "1000000000,1,n1,air,,t,°C,1;2,3\r\n"
        "1000000000,2,n1,rain,,x,,,3\r\n");
}

TEST_CASE("what calibrates nothing is refused with what is missing") {
  Site site;
  site.world.add_series("n1", "air t f", {{1, 1.0}});
  site.ask("POST", "/api/v1/experiments", R"({"name":"bare"})");
  for (const std::string path : {"?series=1", "/last?series=1", "/aggregate?series=1", "live"}) {
    INFO(path);
    const auto problem = [&](const std::string& by, int status) {
      const bool is_live = path == "live";
      const std::string target = is_live ? "/api/v1/live?" : "/api/v1/readings" + path + "&";
      return site.world.problem(target + by, status);
    };
    CHECK(problem("calibrated=flood", 404) == R"(no experiment "flood")");
    CHECK(problem("calibrated_by=hut", 404) == R"(no sensor config "hut")");
    CHECK(problem("calibrated_by=house@7", 404) == R"(no version 7 of sensor config "house")");
    CHECK(problem("calibrated_by=house@", 404) == R"(no sensor config "house@")");
    CHECK(problem("calibrated_by=house@x", 404) == R"(no sensor config "house@x")");
    CHECK(problem("calibrated=bare", 409) == R"(experiment "bare" has no sensor config yet)");
    CHECK(problem("calibrated=drought&calibrated_by=house", 400) ==
          "parameter calibrated_by: expected either calibrated or calibrated_by");
    CHECK(problem("calibrated=", 400) ==
          "parameter calibrated: expected an experiment's id or name");
    CHECK(problem("calibrated_by=", 400) ==
          "parameter calibrated_by: expected the name of a sensor config");
  }
}

}  // namespace fieldpost::test

#include "coordinator/experiments/sensor_config.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

std::string wrong_with(const std::string& sensor) {
  const auto sensors = parse_sensors(R"({"sensors":[)" + sensor + "]}");
  return sensors ? "nothing" : sensors.error().message;
}

SeriesInfo series(const std::string& node, const std::string& key) {
  SeriesInfo info;
  info.node = node;
  info.key = wire::SeriesKey::parse(key).value();
  return info;
}

TEST_CASE("what is known of a sensor is written so that it reads back as the same") {
  const auto sensors = parse_sensors(R"({"sensors":[
      {"name":"soil left","type":"soil","enabled":false,"node":"green-*","measurement":"soil",
       "field":"raw","tags":{"side":"left"},"unit":"%","calibration":{"polynomial":[1,-2.5,0.125]},
       "rate_hz":0.2,"min":0,"max":100,"silent_after_s":60,"stuck_after_s":600,
       "sample_every_s":0.5},
      {"name":"air","measurement":"air","field":"t"}]})");
  REQUIRE(sensors.has_value());
  REQUIRE(sensors->size() == 2);
  const auto again = parse_sensors(R"({"sensors":)" + sensors_json(*sensors) + "}");
  REQUIRE(again.has_value());
  CHECK(*again == *sensors);
  const Sensor& soil = sensors->front();
  CHECK(soil.type == "soil");
  CHECK_FALSE(soil.enabled);
  CHECK(soil.calibration.coefficients == std::vector<double>{1, -2.5, 0.125});
  CHECK(soil.max == 100);
  CHECK(soil.sample_every_s == 0.5);
  const Sensor& air = sensors->back();
  CHECK(air.type == "air");
  CHECK(air.enabled);
  CHECK(air.node == "*");
  CHECK(air.calibration.is_none());
  CHECK_FALSE(air.rate_hz.has_value());
  CHECK_FALSE(air.sample_every_s.has_value());
}

TEST_CASE("a calibration is applied in doubles, also to what is infinite or no number") {
  const double inf = std::numeric_limits<double>::infinity();
  CHECK(Calibration{}.apply(-0.5) == -0.5);
  CHECK(Calibration{{3}}.apply(7) == 3);
  CHECK(Calibration{{1, -2, 0.5}}.apply(4) == 1);
  CHECK(Calibration{{1, -2}}.apply(inf) == -inf);
  CHECK(Calibration{{1, 0, 2}}.apply(-inf) == inf);
  CHECK(std::isnan(Calibration{{1, 2}}.apply(NAN)));
  CHECK(Calibration{{1, 2}}.is_linear());
  CHECK_FALSE(Calibration{{1, 2, 3}}.is_linear());
}

TEST_CASE("a calibration is linear, a polynomial, or nothing") {
  const auto of = [](const std::string& text) {
    return parse_sensors(R"({"sensors":[{"name":"a","measurement":"m","field":"f","calibration":)" +
                         text + "}]}")
        .value()
        .front()
        .calibration;
  };
  CHECK(of(R"({"scale":2,"offset":1})").apply(10) == 21);
  CHECK(of(R"({"scale":2})").apply(10) == 20);
  CHECK(of(R"({"offset":-3})").apply(10) == 7);
  CHECK(of(R"({"polynomial":[1,2,3]})").apply(10) == 321);
  CHECK(of("{}").apply(10) == 10);
  CHECK(std::isnan(of(R"({"scale":2})").apply(NAN)));
}

TEST_CASE("what is wrong with a sensor is told with its place") {
  const std::string good = R"("name":"a","measurement":"m","field":"f")";
  CHECK(wrong_with("{" + good + "}") == "nothing");
  CHECK(wrong_with("{}").find(R"("sensors/0/name": expected a string of 1)") == 0);
  CHECK(wrong_with("{" + good + R"(,"rate":1})").find(R"("sensors/0/rate": nothing has)") == 0);
  CHECK(wrong_with("{" + good + R"(,"rate_hz":0})").find("above 0") != std::string::npos);
  CHECK(wrong_with("{" + good + R"(,"min":2,"max":1})").find(R"("sensors/0/max")") == 0);
  CHECK(wrong_with("{" + good + R"(,"type":"a/b"})").find("it names files") != std::string::npos);
  CHECK(wrong_with("{" + good + R"(,"calibration":{"scale":1,"polynomial":[1]}})")
            .find(R"("sensors/0/calibration/polynomial")") == 0);
  CHECK(
      wrong_with("{" + good + R"(,"calibration":{"polynomial":["1"]}})").find("list of numbers") !=
      std::string::npos);
  CHECK(wrong_with("{" + good + "},{" + good + "}").find(R"("sensors/1/name")") == 0);
  CHECK(wrong_with("7").find("list of objects") != std::string::npos);
  CHECK(parse_sensors("[]").error().message.find("expected a JSON object") == 0);
  CHECK(parse_sensors(R"({"sensors":[],"x":1})").error().message.find(R"("x")") == 0);
  std::string deep = R"({"sensors":)";
  for (int i = 0; i < 10'000; ++i) deep += '[';
  CHECK(parse_sensors(deep).error().message.find("expected a JSON object") == 0);
}

TEST_CASE("how often to measure is above nothing and at most a day") {
  const auto wrong = [](const std::string& seconds, std::size_t name_bytes = 1) {
    return wrong_with(R"({"name":"a","field":"f","type":"t","measurement":")" +
                      std::string(name_bytes, 'm') + R"(","sample_every_s":)" + seconds + "}");
  };
  CHECK(wrong("0.001") == "nothing");
  CHECK(wrong("86400") == "nothing");
  CHECK(wrong("1", 200) == "nothing");
  CHECK(wrong("0").find(R"("sensors/0/sample_every_s": expected a number above 0)") == 0);
  CHECK(wrong("-1").find("above 0") != std::string::npos);
  CHECK(wrong("86400.5").find("at most a day") != std::string::npos);
  CHECK(wrong("\"1\"").find("sample_every_s") != std::string::npos);
  CHECK(wrong("1", 201).find("a measurement of at most 200 bytes") != std::string::npos);
}

TEST_CASE("a series belongs to the first sensor that is on and matches it") {
  const auto sensors = parse_sensors(R"({"sensors":[
      {"name":"off","measurement":"soil","field":"raw","enabled":false},
      {"name":"left","measurement":"soil","field":"raw","tags":{"side":"left"}},
      {"name":"green","measurement":"soil","field":"raw","node":"green-?"}]})")
                           .value();
  const auto name_of = [&](const std::string& node, const std::string& key) -> std::string {
    const Sensor* sensor = sensor_of(sensors, series(node, key));
    return sensor == nullptr ? "none" : sensor->name;
  };
  CHECK(name_of("green-1", "soil,pot=1,side=left raw f") == "left");
  CHECK(name_of("green-1", "soil,side=right raw f") == "green");
  CHECK(name_of("red-1", "soil,side=right raw f") == "none");
  CHECK(name_of("green-12", "soil raw f") == "none");
  CHECK(name_of("green-1", "soil wet f") == "none");
  CHECK(name_of("green-1", "soil raw i") == "green");
}

TEST_CASE("how long a sensor may be silent follows from its rate") {
  Sensor sensor;
  CHECK_FALSE(silence_allowed_s(sensor).has_value());
  sensor.rate_hz = 0.1;
  CHECK(silence_allowed_s(sensor).value() == doctest::Approx(30));
  sensor.rate_hz = 100;
  CHECK(silence_allowed_s(sensor) == 2);
  sensor.silent_after_s = 5;
  CHECK(silence_allowed_s(sensor) == 5);
}

}  // namespace
}  // namespace fieldpost::test

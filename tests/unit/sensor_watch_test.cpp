#include "coordinator/experiments/sensor_watch.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

rt::Instant at(double seconds) {
  return {std::chrono::duration_cast<rt::Nanos>(std::chrono::duration<double>(seconds))};
}

/// "+silent -slow" of what changed.
std::string changes(SensorWatch& watch, double seconds) {
  std::string out;
  for (const HealthChange& change : watch.look(at(seconds))) {
    out += (out.empty() ? "" : " ") + std::string(change.is_wrong ? "+" : "-") +
           std::string(to_string(change.kind));
  }
  return out;
}

Sensor sensor(std::optional<double> rate_hz) {
  Sensor out;
  out.rate_hz = rate_hz;
  return out;
}

TEST_CASE("a sensor without expectations is never wrong") {
  SensorWatch watch(Sensor{}, at(0));
  CHECK(changes(watch, 1e6) == "");
  watch.on_reading(NAN, true, at(1e6));
  CHECK(changes(watch, 2e6) == "");
}

TEST_CASE("a sensor is silent after three readings were missed, until one comes") {
  SensorWatch watch(sensor(0.5), at(0));
  CHECK(changes(watch, 6) == "");
  CHECK(changes(watch, 6.1) == "+silent");
  CHECK(changes(watch, 100) == "");
  watch.on_reading(1, true, at(100));
  CHECK(changes(watch, 100) == "-silent +slow");
}

TEST_CASE("a text counts as a sign of life") {
  Sensor expects = sensor(1);
  expects.max = 0;
  SensorWatch watch(expects, at(0));
  watch.on_reading(7, false, at(4));
  CHECK(changes(watch, 5) == "");
}

TEST_CASE("a sensor is slow below four fifths of its rate, once there was time to tell") {
  for (const double share : {0.7, 0.9}) {
    SensorWatch watch(sensor(10), at(0));
    std::string seen;
    for (int i = 1; i < 300; ++i) {
      const double now = i / (10 * share);
      watch.on_reading(i, true, at(now));
      const std::string change = changes(watch, now);
      if (now < 10) CHECK(change == "");
      seen += change;
    }
    CHECK(seen == (share < 0.8 ? "+slow" : ""));
  }
}

TEST_CASE("a sensor that recovers its rate is slow no more") {
  SensorWatch watch(sensor(2), at(0));
  std::string seen;
  for (int i = 1; i < 60; ++i) {
    watch.on_reading(i, true, at(i));
    seen += changes(watch, i);
  }
  CHECK(seen == "+slow");
  for (int i = 1; i < 60; ++i) {
    watch.on_reading(i, true, at(60 + i * 0.5));
    seen += changes(watch, 60 + i * 0.5);
  }
  CHECK(seen == "+slow-slow");
}

TEST_CASE("a value out of range is told with its bound, after calibration") {
  Sensor expects;
  expects.min = 0;
  expects.max = 10;
  expects.calibration = {{1, 2}};
  SensorWatch watch(expects, at(0));
  watch.on_reading(4.5, true, at(1));
  CHECK(changes(watch, 1) == "");
  watch.on_reading(4.6, true, at(2));
  const auto above = watch.look(at(2));
  REQUIRE(above.size() == 1);
  CHECK(above[0].detail == "10.2 is not at most 10");
  watch.on_reading(-0.6, true, at(3));
  CHECK(changes(watch, 3) == "");  // wrong all the while
  watch.on_reading(0, true, at(4));
  CHECK(changes(watch, 4) == "-out_of_range");
  watch.on_reading(NAN, true, at(5));
  CHECK(changes(watch, 5) == "+out_of_range");
}

TEST_CASE("what is no number is out of a range with one bound, whichever it is") {
  Sensor least, most;
  least.min = 0;
  most.max = 0;
  for (const Sensor& expects : {least, most}) {
    SensorWatch watch(expects, at(0));
    watch.on_reading(NAN, true, at(1));
    CHECK(changes(watch, 1) == "+out_of_range");
  }
}

TEST_CASE("a value that does not change for too long is stuck, and a silent sensor is not") {
  Sensor expects = sensor(1);
  expects.stuck_after_s = 5;
  SensorWatch watch(expects, at(0));
  std::string seen;
  for (int i = 1; i <= 7; ++i) {
    watch.on_reading(3, true, at(i));
    seen += changes(watch, i);
  }
  CHECK(seen == "+stuck");
  CHECK(changes(watch, 20) == "+silent -stuck");
  watch.on_reading(4, true, at(21));
  CHECK(changes(watch, 21) == "-silent +slow");
}

}  // namespace
}  // namespace fieldpost::test

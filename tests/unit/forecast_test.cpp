#include "agent/spool/forecast.h"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost::agent;      // NOLINT
using fieldpost::rt::Instant;

namespace {

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;

SpoolRecord record_of(std::size_t bytes, int class_of) {
  SpoolRecord record;
  record.record_class = readings_class(class_of);
  record.body = std::make_shared<const std::string>(bytes, 'x');
  return record;
}

SpoolTotals holding(std::size_t index, std::uint64_t bytes) {
  SpoolTotals totals;
  totals.bytes_held = bytes;
  totals.classes_held[index].bytes = bytes;
  return totals;
}

const ShedOptions kTwoClasses{.bytes_max = 1'000'000,
                              .age_max_ms = 90 * kDayMs,
                              .policies = {ShedPolicy::kDropOldest, ShedPolicy::kThin}};

}  // namespace

TEST_CASE("the spool is full when the room is used up at the rate of arrival") {
  ClassBytes inflow{};
  inflow[0] = 100;
  const auto empty = forecast({}, {}, 0, inflow, kTwoClasses);
  REQUIRE(empty.has_value());
  CHECK(empty->seconds == 10'000);
  CHECK(empty->class_index == 0);
  CHECK(forecast(holding(0, 400'000), {}, 0, inflow, kTwoClasses)->seconds == 6'000);
  CHECK(forecast(holding(0, 2'000'000), {}, 0, inflow, kTwoClasses)->seconds == 1);
}

TEST_CASE("the class that will hold most then sheds first, unless it may not be shed") {
  ClassBytes inflow{};
  inflow[0] = 90;
  inflow[1] = 10;
  CHECK(forecast(holding(1, 100'000), {}, 0, inflow, kTwoClasses)->class_index == 0);
  CHECK(forecast(holding(1, 800'000), {}, 0, inflow, kTwoClasses)->class_index == 1);
  ShedOptions options = kTwoClasses;
  options.policies[0] = ShedPolicy::kDropNewest;
  CHECK(forecast(holding(1, 100'000), {}, 0, inflow, options)->class_index == 1);
  options.policies[1] = ShedPolicy::kDropNewest;
  CHECK(forecast(holding(1, 100'000), {}, 0, inflow, options)->class_index == 0);
}

TEST_CASE("the age bound comes first when little arrives") {
  ClassBytes inflow{};
  inflow[0] = 0.001;
  const OldestHeld oldest{readings_class(1), 10 * kDayMs};
  const auto aged = forecast(holding(1, 100), oldest, 40 * kDayMs, inflow, kTwoClasses);
  REQUIRE(aged.has_value());
  CHECK(aged->seconds == 60 * kDayMs / 1000);
  CHECK(aged->class_index == 1);
  CHECK(forecast(holding(1, 100), oldest, 200 * kDayMs, {}, kTwoClasses)->seconds == 1);
  CHECK_FALSE(forecast({}, {}, 40 * kDayMs, {}, kTwoClasses).has_value());
}

TEST_CASE("a rate is the mean at first, and forgets what was long ago") {
  Inflow inflow(Instant{0s}, 2s);
  for (int second = 1; second <= 10; ++second) {
    inflow.add(record_of(744, 1), true);
    inflow.update(Instant{std::chrono::seconds(second)});
  }
  CHECK(inflow.bytes_per_second()[1] == doctest::Approx(1000));
  CHECK(inflow.bytes_per_second()[0] == 0);
  inflow.update(Instant{24h});
  CHECK(inflow.bytes_per_second()[1] < 1);
}

TEST_CASE("sampled readings count as the fuller records that they make without a link") {
  Inflow inflow(Instant{0s}, 2s);
  for (int i = 0; i < 100; ++i) inflow.add(record_of(10, 0), false);
  inflow.update(Instant{10s});
  CHECK(inflow.bytes_per_second()[0] == doctest::Approx((1000 + 5 * 256) / 10.0));
}

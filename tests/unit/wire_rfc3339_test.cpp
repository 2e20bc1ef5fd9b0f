#include <doctest/doctest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "proto/wire/rfc3339.h"

using fieldpost::rt::UnixTime;
using fieldpost::wire::format_rfc3339;
using fieldpost::wire::parse_rfc3339;

TEST_CASE("times of RFC 3339 are read to the nanosecond, whatever their zone") {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01t00:00:01.5z", 1'500'000'000},
      {"1970-01-01 00:00:00.000000001Z", 1},
      {"2023-11-14T22:13:20.123456789Z", 1'700'000'000'123'456'789},
      {"2023-11-15T00:13:20+02:00", 1'700'000'000'000'000'000},
      {"2023-11-15T00:13:20 02:00", 1'700'000'000'000'000'000},
      {"2023-11-14T17:43:20-04:30", 1'700'000'000'000'000'000},
      {"2024-02-29", 1'709'164'800'000'000'000},
      {"1969-12-31T23:59:59.9Z", -100'000'000},
      {"2016-12-31T23:59:60Z", 1'483'228'800'000'000'000},
  };
  for (const auto& [text, ns] : cases) {
    INFO("text ", text);
    const auto time = parse_rfc3339(text);
    REQUIRE(time.has_value());
    CHECK(time->ns == ns);
  }
}

TEST_CASE("what is not a time of RFC 3339 is refused") {
  for (const std::string text :
       {"", "now", "2023", "2023-13-01", "2023-02-29", "2023-11-14T22:13:20", "2023-11-14T22:13Z",
        "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1234567890Z",
        "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20+0200", "1500-01-01", "2500-01-01",
        "23-11-14T22:13:20Z"}) {
    INFO("text ", text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("what is written is read back") {
  for (const std::int64_t ns : {INT64_MIN + 1'000'000'000, -1L, 0L, 1'700'000'000'123'456'789L}) {
    CHECK(parse_rfc3339(format_rfc3339({ns})).value().ns == ns);
  }
}

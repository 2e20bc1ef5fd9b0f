// Sentences of receivers for satellite positions.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <string>

#include "firmware-bridge/protocols/nmea.h"
#include "proto/wire/rfc3339.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using bridge::Nmea;

/// The sentence with its checksum.
std::string sentence(const std::string& body) {
  unsigned sum = 0;
  for (const char c : body) sum ^= static_cast<unsigned char>(c);
  return fmt::format("${}*{:02X}", body, sum);
}

std::string shown(Nmea& nmea, const std::string& line) {
  const auto found = nmea.take(line);
  if (!found) return found.error().message;
  std::string out;
  for (const auto& each : found->values) {
    const bool is_count = each.value.type == wire::ValueType::kI64;
    out += fmt::format("{}{}={}{} ", each.talker.empty() ? "" : each.talker + ":", each.field,
                       is_count ? std::to_string(static_cast<std::int64_t>(each.value.bits))
                                : fmt::format("{:.6g}", std::bit_cast<double>(each.value.bits)),
                       each.unit.empty() ? "" : " " + std::string(each.unit));
  }
  return out + (found->time ? "@" + wire::format_rfc3339(rt::UnixTime{*found->time}) : "");
}
std::string shown(const std::string& line) {
  Nmea nmea;
  return shown(nmea, line);
}

TEST_CASE("sentences say what the standard's examples say") {
  Nmea nmea;
  CHECK(shown(nmea, "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n") ==
        "latitude=48.1173 lat longitude=11.5167 lon fix=1 satellites=8 hdop=0.9 altitude=545.4 m ");
  CHECK(shown(nmea, sentence("GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230304,003.1,W")) ==
        "latitude=48.1173 lat longitude=11.5167 lon speed=11.5236 m/s course=84.4 deg "
        "@2004-03-23T12:35:19.000000000Z");
  CHECK(shown(nmea, "$GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1*39") ==
        "fix_dimensions=3 pdop=2.5 vdop=2.1 ");
  CHECK(shown(nmea, sentence("GPGSV,2,1,08,01,40,083,46,02,17,308,41,12,07,344,39,14,22,228,45")) ==
        "GP:satellites_in_view=8 ");
  CHECK(shown(nmea, sentence("GPGSV,2,2,08,15,40,083,46")).empty());
  CHECK(shown(nmea, sentence("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K")) ==
        "speed=2.82944 m/s course=54.7 deg ");
  CHECK(shown(nmea, sentence("GNZDA,201530.50,04,07,2026,00,00")) ==
        "@2026-07-04T20:15:30.500000000Z");
  CHECK(shown(nmea, sentence("GPGLL,4916.45,N,12311.12,W,225444,A")).empty());
  CHECK(shown(nmea, sentence("PGRME,15.0,M,45.0,M,25.0,M")).empty());
}

TEST_CASE("south and west are negative") {
  CHECK(shown(sentence("GPGGA,1,3351.000,S,15112.000,W,1,,,,,,")).find("NMEA:") == 0);
  CHECK(shown(sentence("GPGGA,000001,3351.000,S,15112.000,W,1,,,,,,")) ==
        "latitude=-33.85 lat longitude=-151.2 lon fix=1 ");
}

TEST_CASE("without a fix there is no position or altitude, and its date is not believed") {
  CHECK(shown(sentence("GPGGA,123519,4807.038,N,01131.000,E,0,00,,,M,,M,,")) ==
        "fix=0 satellites=0 ");
  CHECK(shown(sentence("GPGGA,123519,4807.038,N,01131.000,E,0,00,,545.4,M,46.9,M,,")) ==
        "fix=0 satellites=0 ");
  CHECK(shown(sentence("GPRMC,123519,V,4807.038,N,01131.000,E,022.4,084.4,060180,,")).empty());
}

TEST_CASE(
    "a time without a date is of the day that was told last, and of the next after midnight") {
  Nmea nmea;
  CHECK(shown(nmea, sentence("GPGGA,235959,,,,,1,,,,,,")) == "fix=1 ");
  CHECK(shown(nmea, sentence("GPRMC,235959,A,,,,,,,311225,,")) ==
        "@2025-12-31T23:59:59.000000000Z");
  CHECK(shown(nmea, sentence("GPGGA,000000.2,,,,,1,,,,,,")) ==
        "fix=1 @2026-01-01T00:00:00.200000000Z");
  CHECK(shown(nmea, sentence("GPRMC,000000.2,A,,,,,,,010126,,")) ==
        "@2026-01-01T00:00:00.200000000Z");
  CHECK(shown(nmea, sentence("GPGGA,000001,,,,,1,,,,,,")) ==
        "fix=1 @2026-01-01T00:00:01.000000000Z");
}

TEST_CASE("each talker has a number of satellites in view of its own") {
  CHECK(shown(sentence("GPGSV,3,1,11,01,40,083,46")) == "GP:satellites_in_view=11 ");
  CHECK(shown(sentence("GLGSV,1,1,05,65,40,083,46")) == "GL:satellites_in_view=5 ");
  CHECK(shown(sentence("G!GSV,1,1,05,65,40,083,46")).empty());
}

TEST_CASE("days go on at every midnight while there is no fix, and the next fix says the date") {
  Nmea nmea;
  shown(nmea, sentence("GPRMC,120000,A,,,,,,,301225,,"));
  std::string last;
  for (int hours = 13; hours <= 12 + 5 * 24; ++hours) {
    last = shown(nmea, sentence(fmt::format("GPRMC,{:02}0000,V,,,,,,,010180,,", hours % 24)));
    const int day = 30 + hours / 24;
    const std::string date =
        day <= 31 ? fmt::format("2025-12-{:02}", day) : fmt::format("2026-01-{:02}", day - 31);
    REQUIRE(last == fmt::format("@{}T{:02}:00:00.000000000Z", date, hours % 24));
  }
  CHECK(last == "@2026-01-04T12:00:00.000000000Z");
  CHECK(shown(nmea, sentence("GPRMC,120001,A,,,,,,,050126,,")) ==
        "@2026-01-05T12:00:01.000000000Z");
  CHECK(shown(nmea, sentence("GPGGA,120001,,,,,1,,,,,,")) ==
        "fix=1 @2026-01-05T12:00:01.000000000Z");
}

TEST_CASE("a sentence from just before midnight that comes behind the new date is of the old one") {
  Nmea nmea;
  shown(nmea, sentence("GPRMC,000000,A,,,,,,,010126,,"));
  CHECK(shown(nmea, sentence("GPGGA,235959.9,,,,,1,,,,,,")) ==
        "fix=1 @2025-12-31T23:59:59.900000000Z");
}

TEST_CASE("a date without a time is of the sentences behind it") {
  Nmea nmea;
  CHECK(shown(nmea, sentence("GPRMC,,A,,,,,,,010126,,")).empty());
  CHECK(shown(nmea, sentence("GPGGA,200000,,,,,1,,,,,,")) ==
        "fix=1 @2026-01-01T20:00:00.000000000Z");
}

TEST_CASE("a receiver that had no fix for a hundred days knows no date") {
  Nmea nmea;
  shown(nmea, sentence("GPGGA,000000,,,,,1,,,,,,"));
  CHECK(shown(nmea, sentence("GPZDA,000000,31,12,2261,,")) == "@2261-12-31T00:00:00.000000000Z");
  for (int i = 1; i <= 400; ++i) {
    const std::string line = sentence(fmt::format("GPGGA,{:02}0000,,,,,0,,,,,,", i * 6 % 24));
    REQUIRE(shown(nmea, line).find("fix=0 @") == 0);
  }
  CHECK(shown(nmea, sentence("GPGGA,060000,,,,,0,,,,,,")).find("fix=0 @") == 0);
  CHECK(shown(nmea, sentence("GPGGA,120000,,,,,0,,,,,,")) == "fix=0 ");
}

TEST_CASE("the date of ZDA is believed once there was a fix") {
  const std::string zda = sentence("GNZDA,201530,04,07,2026,00,00");
  for (const char* body : {"GPRMC,201530,A,,,,,,,,,", "GPGGA,201530,,,,,1,,,,,,"}) {
    INFO("fix: ", body);
    Nmea nmea;
    CHECK(shown(nmea, zda).empty());
    shown(nmea, sentence("GPGGA,201530,,,,,0,,,,,,"));
    shown(nmea, sentence("GPRMC,201530,V,,,,,,,040726,,"));
    CHECK(shown(nmea, sentence("GPRMC,201530,A,,,,,1e5,,,,")).find("NMEA:") == 0);
    CHECK(shown(nmea, zda).empty());
    shown(nmea, sentence(body));
    CHECK(shown(nmea, zda) == "@2026-07-04T20:15:30.000000000Z");
    shown(nmea, sentence("GPGGA,201530,,,,,0,,,,,,"));
    CHECK(shown(nmea, zda) == "@2026-07-04T20:15:30.000000000Z");
  }
}

TEST_CASE("what is no sentence is refused with what is wrong") {
  const std::pair<std::string, std::string> lines[] = {
      {"", "NMEA: no sentence"},
      {"GPGGA,1*00", "NMEA: no sentence"},
      {"$GPGGA,123519,4807.038", "NMEA: a sentence without a checksum"},
      {"$GPGGA,123519*4", "NMEA: a sentence without a checksum"},
      {"$GPGGA,123519*00", "NMEA: a wrong checksum"},
      {"$GP\x80GA*00", "NMEA: a byte that no sentence has"},
      {"$" + std::string(200, 'x') + "*00", "NMEA: a line that is too long"},
      {sentence("GPGGA,123519,4807.038,X,01131.000,E,1,,,,,,"),
       "NMEA: a field of GPGGA that is not one"},
      {sentence("GPGGA,123519,9907.038,N,01131.000,E,1,,,,,,"),
       "NMEA: a field of GPGGA that is not one"},
      {sentence("GPGGA,126019,,,,,1,,,,,,"), "NMEA: a field of GPGGA that is not one"},
      {sentence("GPGGA,123519,,,,,1,8x,,,,,"), "NMEA: a field of GPGGA that is not one"},
      {sentence("GPRMC,123519,A,,,,,1e5,,230304,,"), "NMEA: a field of GPRMC that is not one"},
      {sentence("GPRMC,123519,A,,,,,,,300204,,"), "NMEA: a field of GPRMC that is not one"},
      {sentence("GPRMC,123519,A,,,,,,,3002,,"), "NMEA: a date that is none"},
      {sentence("GPZDA,123519,01,01,9999,,"), "NMEA: a field of GPZDA that is not one"}};
  for (const auto& [line, expected] : lines) {
    INFO(line);
    CHECK(shown(line) == expected);
  }
}

TEST_CASE("any bytes may come") {
  sim::Dice dice(5);
  Nmea nmea;
  for (int round = 0; round < 20'000; ++round) {
    std::string line = "$GPRMC,123519,A,4807.038,N,01131.000,E,022.4,084.4,230304,003.1,W*6F";
    for (std::uint64_t hits = 1 + dice.below(4); hits > 0; --hits) {
      line[dice.below(line.size())] = static_cast<char>(dice.below(256));
    }
    static_cast<void>(nmea.take(line.substr(0, dice.below(line.size() + 1))));
  }
}

}  // namespace
}  // namespace fieldpost::test

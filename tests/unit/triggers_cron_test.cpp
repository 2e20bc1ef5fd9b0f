#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/triggers/cron.h"
#include "coordinator/triggers/cron_walk.h"
#include "coordinator/triggers/time_zone.h"
#include "proto/wire/rfc3339.h"

using namespace fieldpost;  // NOLINT
using coordinator::CronRule;
using coordinator::CronWalk;
using coordinator::TimeZone;
using Texts = std::vector<std::string>;

namespace {

constexpr std::size_t kMinuteSize = 16;  // of "2024-03-31T01:00"

rt::UnixTime at(const std::string& minute) {
  const auto time = wire::parse_rfc3339(minute + ":00Z");
  REQUIRE(time.has_value());
  return *time;
}

TimeZone zone_of(const std::string& name) {
  const auto zone = TimeZone::find(name);
  INFO(name, " needs the package tzdata");
  REQUIRE(zone.has_value());
  return *zone;
}

CronRule rule_of(const std::string& text) {
  const auto rule = CronRule::parse(text);
  INFO(text, rule ? "" : rule.error().message);
  REQUIRE(rule.has_value());
  return *rule;
}

/// The next `count` moments in UTC, to the minute.
Texts dues(const std::string& rule, const std::string& zone, const std::string& after,
           std::size_t count) {
  CronWalk walk(rule_of(rule), zone_of(zone), at(after));
  Texts out;
  while (out.size() < count) {
    const auto due = walk.next();
    out.push_back(due ? wire::format_rfc3339(*due).substr(0, kMinuteSize) : "never");
  }
  return out;
}

std::string refusal(const std::string& text) {
  const auto rule = CronRule::parse(text);
  INFO(text);
  REQUIRE_FALSE(rule.has_value());
  CHECK(rule.error().code == rt::Errc::kInvalid);
  return rule.error().message;
}

bool says(const std::string& message, const std::string& what) {
  return message.find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("a cron rule is due at its minutes, hours and days, strictly after the time asked for") {
  CHECK(dues("5 4 * * *", "UTC", "2024-01-01T04:05", 2) ==
        Texts{"2024-01-02T04:05", "2024-01-03T04:05"});
  CHECK(dues("*/20 23 * * *", "UTC", "2024-12-31T23:15", 3) ==
        Texts{"2024-12-31T23:20", "2024-12-31T23:40", "2025-01-01T23:00"});
  CHECK(dues("10-30/10,45 6 1 7 *", "UTC", "2024-07-01T06:20", 3) ==
        Texts{"2024-07-01T06:30", "2024-07-01T06:45", "2025-07-01T06:10"});
  CHECK(dues("20/15 0 1 1 *", "UTC", "2024-01-01T00:00", 4) ==
        Texts{"2024-01-01T00:20", "2024-01-01T00:35", "2024-01-01T00:50", "2025-01-01T00:20"});
  CHECK(dues("0 0 31 * *", "UTC", "2024-03-31T00:00", 2) ==
        Texts{"2024-05-31T00:00", "2024-07-31T00:00"});
  CHECK(dues("30 23 * * *", "UTC", "1969-12-31T12:00", 1) == Texts{"1969-12-31T23:30"});
}

TEST_CASE("of restricted days of month and of week either is enough, and with a star both count") {
  CHECK(dues("0 0 13 * 5", "UTC", "2024-09-06T00:00", 3) ==
        Texts{"2024-09-13T00:00", "2024-09-20T00:00", "2024-09-27T00:00"});
  CHECK(dues("0 0 13 * 5", "UTC", "2024-10-11T00:00", 1) == Texts{"2024-10-13T00:00"});
  CHECK(dues("0 0 */2 * 1", "UTC", "2024-09-01T12:00", 2) ==
        Texts{"2024-09-09T00:00", "2024-09-23T00:00"});
  CHECK(dues("0 0 * * MON", "UTC", "2024-09-01T12:00", 1) == Texts{"2024-09-02T00:00"});
}

TEST_CASE("Sunday is 0 and 7, and names stand for months and days in any case") {
  CHECK(rule_of("0 0 * * 7") == rule_of("0 0 * * SUN"));
  CHECK(rule_of("0 0 * * 0") == rule_of("0 0 * * sun"));
  CHECK(rule_of("0 0 * * 5-7") == rule_of("0 0 * * Fri-Sun"));
  CHECK(rule_of("0 0 * * 5-7") == rule_of("0 0 * * 0,5,6"));
  CHECK(rule_of("0 0 1 jan,MAR-May *") == rule_of("0 0 1 1,3,4,5 *"));
  CHECK(rule_of("0 0 * * 1/2") == rule_of("0 0 * * 1,3,5"));
}

TEST_CASE("the short forms stand for five fields") {
  CHECK(rule_of("@hourly") == rule_of("0 * * * *"));
  CHECK(rule_of("@daily") == rule_of(" 0\t0  * * * "));
  CHECK(rule_of("@midnight") == rule_of("@daily"));
  CHECK(rule_of("@weekly") == rule_of("0 0 * * 0"));
  CHECK(rule_of("@monthly") == rule_of("0 0 1 * *"));
  CHECK(rule_of("@yearly") == rule_of("0 0 1 1 *"));
  CHECK(rule_of("@annually") == rule_of("@yearly"));
}

TEST_CASE("the 29th of February is waited for, over a century without one too") {
  CHECK(dues("0 0 29 2 *", "UTC", "2024-03-01T00:00", 2) ==
        Texts{"2028-02-29T00:00", "2032-02-29T00:00"});
  CHECK(dues("0 0 29 2 *", "UTC", "2096-03-01T00:00", 1) == Texts{"2104-02-29T00:00"});
  // On a Sunday: 2088 is followed by 2128.
  CHECK(dues("0 0 29 2 */7", "UTC", "2032-02-28T00:00", 2) ==
        Texts{"2032-02-29T00:00", "2060-02-29T00:00"});
  CHECK(dues("0 0 29 2 */7", "UTC", "2088-03-01T00:00", 1) == Texts{"2128-02-29T00:00"});
}

TEST_CASE("a wrong cron rule is refused with its field and what was expected") {
  CHECK(says(refusal("60 * * * *"), "minute: \"60\" is wrong: expected 0 to 59"));
  CHECK(says(refusal("* 24 * * *"), "hour: \"24\""));
  CHECK(says(refusal("* * 0 * *"), "day of month: \"0\" is wrong: expected 1 to 31"));
  CHECK(says(refusal("* * 32 * *"), "day of month: \"32\""));
  CHECK(says(refusal("* * * 13 *"), "month: \"13\" is wrong: expected 1 to 12 or JAN to DEC"));
  CHECK(says(refusal("* * * * 8"), "day of week: \"8\" is wrong: expected 0 to 7 or SUN to SAT"));
  CHECK(says(refusal("* * * MON *"), "month: \"MON\""));
  CHECK(says(refusal("* * * * MONDAY"), "day of week: \"MONDAY\""));
  CHECK(
      says(refusal("30-10 * * * *"), "minute: \"30-10\" is wrong: expected a range that goes up"));
  CHECK(says(refusal("*/0 * * * *"), "minute: \"*/0\" is wrong: expected a step of 1 to 59"));
  CHECK(says(refusal("* */24 * * *"), "hour: \"*/24\" is wrong: expected a step of 1 to 23"));
  CHECK(says(refusal("1,,2 * * * *"), "minute: \"\""));
  CHECK(says(refusal("1, * * * *"), "minute: \"\""));
  for (const std::string minute : {"-1", "1-", "**", "*-5", "+1", "001", "1.5", "*/", "/5", "1//2",
                                   "1-2-3", "a", "?", "L", "*5", "*/*"}) {
    CHECK(says(refusal(minute + " * * * *"), "minute: "));
  }
}

TEST_CASE("a cron rule has five fields, or is one of the short forms") {
  CHECK(says(refusal(""), "found 0"));
  CHECK(says(refusal("* * * *"), "expected five fields"));
  CHECK(says(refusal("* * * * * *"), "found 6"));
  CHECK(says(refusal("@reboot"), "expected @hourly"));
  CHECK(says(refusal("@daily 1"), "found 2"));
  CHECK(says(refusal(std::string(CronRule::kTextBytesMax + 1, ' ')), "longer than 256 bytes"));
}

TEST_CASE("a cron rule that is never due is refused") {
  CHECK(says(refusal("30 2 31 2 *"), "never"));
  CHECK(says(refusal("0 0 30 2 *"), "never"));
  CHECK(says(refusal("0 0 31 4,6,9,11 *"), "never"));
  CHECK(says(refusal("0 0 30 2 */2"), "never"));
  CHECK(dues("0 0 31 2 1", "UTC", "2024-02-27T00:00", 1) == Texts{"2025-02-03T00:00"});
  CHECK(dues("0 0 31 2,3 *", "UTC", "2024-02-27T00:00", 1) == Texts{"2024-03-31T00:00"});
}

TEST_CASE("a time of day that the clocks leave out is due at the first moment after the jump") {
  CHECK(dues("30 2 * * *", "Europe/Vienna", "2024-03-30T12:00", 2) ==
        Texts{"2024-03-31T01:00", "2024-04-01T00:30"});
  // Several at once are one, and so are those and the one that is due at that moment anyway.
  CHECK(dues("0,30 2 * * *", "Europe/Vienna", "2024-03-30T12:00", 3) ==
        Texts{"2024-03-31T01:00", "2024-04-01T00:00", "2024-04-01T00:30"});
  CHECK(dues("0 2,3 * * *", "Europe/Vienna", "2024-03-30T12:00", 2) ==
        Texts{"2024-03-31T01:00", "2024-04-01T00:00"});
  CHECK(dues("30 2 * * *", "Europe/Vienna", "2024-03-31T01:00", 1) == Texts{"2024-04-01T00:30"});
  // Half an hour is left out there.
  CHECK(dues("15 2 * * *", "Australia/Lord_Howe", "2024-10-05T12:00", 2) ==
        Texts{"2024-10-05T15:30", "2024-10-06T15:15"});
  // Samoa left out a day.
  CHECK(dues("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00", 2) ==
        Texts{"2011-12-30T10:00", "2012-12-29T22:00"});
}

TEST_CASE("a time of day that the clocks show twice is due the first time only") {
  CHECK(dues("30 2 * * *", "Europe/Vienna", "2024-10-26T12:00", 2) ==
        Texts{"2024-10-27T00:30", "2024-10-28T01:30"});
  CHECK(dues("30 2 * * *", "Europe/Vienna", "2024-10-27T00:30", 1) == Texts{"2024-10-28T01:30"});
  CHECK(dues("*/30 2 * * *", "Europe/Vienna", "2024-10-26T12:00", 3) ==
        Texts{"2024-10-27T00:00", "2024-10-27T00:30", "2024-10-28T01:00"});
  CHECK(dues("45 1 * * *", "Australia/Lord_Howe", "2024-04-06T12:00", 2) ==
        Texts{"2024-04-06T14:45", "2024-04-07T15:15"});
  // The end of what is shown twice is shown once.
  CHECK(dues("0 2 * * *", "Australia/Lord_Howe", "2024-04-06T12:00", 1) ==
        Texts{"2024-04-06T15:30"});
}

TEST_CASE("a rule of every hour is due whenever the clocks show its time") {
  CHECK(dues("*/30 * * * *", "Europe/Vienna", "2024-10-26T23:59", 5) ==
        Texts{"2024-10-27T00:00", "2024-10-27T00:30", "2024-10-27T01:00", "2024-10-27T01:30",
              "2024-10-27T02:00"});
  CHECK(dues("30 */2 * * *", "Europe/Vienna", "2024-10-27T00:00", 3) ==
        Texts{"2024-10-27T00:30", "2024-10-27T01:30", "2024-10-27T03:30"});
  CHECK(dues("30 */2 * * *", "Europe/Vienna", "2024-03-30T23:00", 2) ==
        Texts{"2024-03-30T23:30", "2024-03-31T02:30"});
  CHECK(dues("*/15 * * * *", "Australia/Lord_Howe", "2024-04-06T14:29", 5) ==
        Texts{"2024-04-06T14:30", "2024-04-06T14:45", "2024-04-06T15:00", "2024-04-06T15:15",
              "2024-04-06T15:30"});
  CHECK(dues("0 * * * *", "Australia/Lord_Howe", "2024-10-05T14:00", 2) ==
        Texts{"2024-10-05T14:30", "2024-10-05T16:00"});
}

TEST_CASE("a rule that is not due any more before time ends says so, again and again") {
  CHECK(dues("0 0 1 1 *", "UTC", "2261-06-01T00:00", 3) ==
        Texts{"2262-01-01T00:00", "never", "never"});
}

TEST_CASE("a time zone has a name of the database") {
  CHECK(TimeZone().name() == "UTC");
  CHECK(TimeZone().span_at({0}).offset == rt::Seconds{0});
  CHECK(zone_of("Europe/Vienna").name() == "Europe/Vienna");
  CHECK(zone_of("Europe/Vienna").span_at(at("2024-07-01T00:00")).offset == rt::Seconds{7200});
  CHECK(zone_of("Europe/Vienna").span_at(at("2036-07-01T00:00")).offset == rt::Seconds{7200});
  CHECK(TimeZone::find("Europe/Atlantis").error().code == rt::Errc::kNotFound);
  for (const std::string name : {"", "../../etc/passwd", "Europe/Wien\n", "Zürich"}) {
    INFO(name);
    const auto zone = TimeZone::find(name);
    REQUIRE_FALSE(zone.has_value());
    CHECK(zone.error().code == rt::Errc::kInvalid);
  }
  CHECK(TimeZone::find(std::string(TimeZone::kNameBytesMax + 1, 'a')).error().code ==
        rt::Errc::kInvalid);
}

#include "coordinator/nodes/alarms.h"

#include <doctest/doctest.h>

#include <initializer_list>

namespace fieldpost::test {
namespace {

using coordinator::alarms_of;
using coordinator::kIgnoredMany;
using coordinator::NodeLive;
using coordinator::NodeRecord;

/// Whether there is one alarm, and it says all of these.
bool is_alarm(const std::vector<std::string>& alarms, std::initializer_list<const char*> words) {
  if (alarms.size() != 1) return false;
  for (const char* word : words) {
    if (alarms.front().find(word) == std::string::npos) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a node of which nothing is wrong has no alarms") {
  NodeLive live;
  live.ignored_lately = kIgnoredMany - 1;
  CHECK(alarms_of({}, nullptr).empty());
  CHECK(alarms_of({}, &live).empty());
}

TEST_CASE("each thing that is wrong with a node is an alarm of it") {
  NodeLive live;
  NodeRecord record;
  SUBCASE("envelopes") {
    live.undecodable = 3;
    CHECK(is_alarm(alarms_of(record, &live), {"3 envelopes", "not of the protocol"}));
  }
  SUBCASE("the quarantine") {
    live.no_room = 2;
    CHECK(is_alarm(alarms_of(record, &live), {"quarantine is full", "2 times"}));
  }
  SUBCASE("numbers") {
    live.numbers_refused = 1;
    CHECK(is_alarm(alarms_of(record, &live), {"1 ordinals or command marks"}));
  }
  SUBCASE("what it ignores") {
    live.ignored_lately = kIgnoredMany;
    CHECK(is_alarm(alarms_of(record, &live), {"ignored 10 messages"}));
  }
  SUBCASE("damage") {
    record.damaged = 70;
    CHECK(is_alarm(alarms_of(record, nullptr), {"70 stored readings", "damaged"}));
  }
  SUBCASE("a store that was set back") {
    record.unheard_since = 1'000'000'000;
    CHECK(is_alarm(alarms_of(record, nullptr), {"set back to 1970-01-01T00:00:01"}));
  }
  SUBCASE("two machines") {
    record.run_twice = true;
    CHECK(is_alarm(alarms_of(record, nullptr), {"two machines"}));
  }
  SUBCASE("two machines, just now") {
    record.run_twice = true;
    live.alarm = "neither is welcomed";
    CHECK(is_alarm(alarms_of(record, &live), {"neither is welcomed"}));
  }
}

}  // namespace fieldpost::test

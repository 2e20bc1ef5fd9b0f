#include <doctest/doctest.h>

#include "proto/wire/topics.h"

using namespace fieldpost::wire;  // NOLINT: a test

TEST_CASE("every topic of the protocol is parsed and formatted again [topic-1]") {
  const std::string base = "fieldpost/v1/lab/greenhouse-3/";
  const auto expect = [&](const char* leaf, TopicKind kind, Lane lane = Lane::kEvent) {
    const std::string text = base + leaf;
    INFO(text);
    const Topic topic{"lab", "greenhouse-3", kind, lane};
    CHECK(parse_topic(text) == topic);
    CHECK(format_topic(topic) == text);
  };
  expect("hello", TopicKind::kHello);
  expect("answer", TopicKind::kAnswer);
  expect("up/event", TopicKind::kUp, Lane::kEvent);
  expect("up/live", TopicKind::kUp, Lane::kLive);
  expect("up/log", TopicKind::kUp, Lane::kLog);
  expect("up/backfill", TopicKind::kUp, Lane::kBackfill);
  expect("up/bulk", TopicKind::kUp, Lane::kBulk);
  expect("state", TopicKind::kState);
  expect("challenge", TopicKind::kChallenge);
  expect("welcome", TopicKind::kWelcome);
  expect("receipt", TopicKind::kReceipt);
  expect("cmd", TopicKind::kCommand);
}

TEST_CASE("the coordinator's presence has a topic of its own") {
  const Topic presence{"lab", "_coordinator", TopicKind::kPresence};
  CHECK(format_topic(presence) == "fieldpost/v1/lab/_coordinator/state");
  CHECK(parse_topic("fieldpost/v1/lab/_coordinator/state") == presence);
  CHECK(format_topic({"lab", "", TopicKind::kPresence}) == "fieldpost/v1/lab/_coordinator/state");
}

TEST_CASE("topics that are not of the protocol are not parsed") {
  for (const char* text : {"",
                           "/",
                           "fieldpost",
                           "fieldpost/v1/",
                           "fieldpost/v1/lab",
                           "fieldpost/v1/lab/a",
                           "fieldpost/v1/lab/a/",
                           "fieldpost/v1/lab/a/up",
                           "fieldpost/v1/lab/a/up/",
                           "fieldpost/v1/lab/a/up/other",
                           "fieldpost/v1/lab/a/up/live/x",
                           "fieldpost/v1/lab/a/hello/",
                           "fieldpost/v1//a/hello",
                           "fieldpost/v1/lab//hello",
                           "fieldpost/v1/Lab/a/hello",
                           "fieldpost/v1/lab/A/hello",
                           "fieldpost/v1/lab/_coordinator/hello",
                           "fieldpost/v1/_lab/_coordinator/state",
                           "fieldpost/v2/lab/a/hello",
                           "/fieldpost/v1/lab/a/hello",
                           "fieldpost/v1/lab/a/Hello",
                           "fieldpost/v1/+/a/hello",
                           "fieldpost/v1/lab/#"}) {
    INFO(text);
    CHECK(!parse_topic(text));
  }
}

TEST_CASE("names of sites and nodes are short and plain") {
  CHECK(is_valid_id("a"));
  CHECK(is_valid_id("0"));
  CHECK(is_valid_id("green_house-3"));
  CHECK(is_valid_id(std::string(63, 'a')));
  for (const std::string& bad :
       {std::string(), std::string(64, 'a'), std::string("-a"), std::string("_a"), std::string("A"),
        std::string("a/b"), std::string("a+"), std::string("a#"), std::string("a b"),
        std::string("a.b"), std::string("a\0b", 3), std::string("gr\xc3\xbcn")}) {
    INFO(bad);
    CHECK(!is_valid_id(bad));
  }
}

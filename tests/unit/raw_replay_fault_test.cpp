// Replays that cannot be, or that a disk or a power cut ends.
#include <doctest/doctest.h>

#include "tests/support/replay_site.h"

using namespace fieldpost;             // NOLINT
using namespace fieldpost::test;       // NOLINT
using namespace std::chrono_literals;  // NOLINT

TEST_CASE("rules that are gone hinder only who needs them") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1})", kFirst + 1min);
  site.use(rules("u", "/a"));
  site.take(R"({"a": 2})", kFirst + 10min);
  const std::string id = mapping::rules_id(mapping::encode_rules(rules("t", "/a")));
  const auto gone =
      site.world.number("SELECT id FROM series WHERE key LIKE 'fieldpost_rules%rules=" + id + "%'");
  REQUIRE(gone);
  for (const char* table : {"chunk", "batch"}) {
    REQUIRE(site.world.store().database().execute(
        std::string("DELETE FROM ") + table +
        (std::string(table) == "chunk" ? " WHERE series_id = " + std::to_string(*gone)
                                       : " WHERE no = (SELECT min(no) FROM batch)")));
  }
  Replay all = site.make_replay(rules("v", "/a"));
  CHECK_FALSE(site.run(all).has_value());
  Replay later = site.make_replay(rules("v", "/a"), minutes(5, 20));
  CHECK(site.run(later).has_value());
}

TEST_CASE("a text that is no raw message is counted, and the others are replayed") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  const std::string id = mapping::rules_id(mapping::encode_rules(rules("t", "/a")));
  wire::LineParser parser;
  site.deliver(parser.parse(fmt::format("fieldpost_raw,rules={},source={} message=\"x\" {}\n", id,
                                        "mqtt_topics:site/{room}", kFirst.ns),
                            {}));
  site.replay(rules("u", "/a"));
  CHECK(site.progress.messages == 6);
  CHECK(site.progress.unmapped == 1);
  CHECK(site.readings() == "u=1 u=2 u=3 u=4 u=5");
}

TEST_CASE("a replay says what it cannot do") {
  ReplaySite site;
  const auto why_not = [&](const std::string& source) {
    Replay replay = site.make_replay(rules("t", "/a"), {}, source);
    const auto done = site.run(replay);
    return done ? std::string() : done.error().message;
  };
  CHECK(why_not("") == "node n1 has no raw messages in that time: is keep_raw set at the source?");
  site.use(rules("t", "/a"));
  take_five(site);
  CHECK(why_not("other") ==
        "node n1 has no raw messages of source other in that time: is keep_raw set at the source?");
  CHECK(why_not(kReplaySource) == "");
  SUBCASE("several sources") {
    auto second = mapping::RawKeeper::make("exec:prog", rules("t", "/a")).value();
    wire::ParsedLines lines;
    REQUIRE(second.add({"site/hall", "1", false}, kFirst, lines).has_value());
    site.deliver(std::move(lines));
    CHECK(why_not("").find("several sources") != std::string::npos);
    CHECK(why_not(kReplaySource) == "");
  }
  SUBCASE("rules that are gone") {
    REQUIRE(
        site.world.store()
            .delete_readings({.node = "n1", .measurement = std::string(mapping::kRulesMeasurement)},
                             kStoreNow)
            .has_value());
    CHECK(why_not("").find("not stored any more") != std::string::npos);
  }
  CHECK_FALSE(
      site.world.store().replace_readings({.record = {.node = "nobody"}}, kStoreNow).has_value());
}

TEST_CASE("a replay that a power cut ends at any write has replaced all or nothing") {
  int whole = 0, nothing = 0;
  for (std::uint64_t calls = 1; nothing + whole + 1 == static_cast<int>(calls); ++calls) {
    ReplaySite site;
    site.use(rules("t", "/a"));
    take_five(site);
    Replay replay = site.make_replay(rules("u", "/b"));
    REQUIRE(site.run(replay).has_value());
    site.close_query();
    site.world.disk().stop_at(calls);
    const bool done =
        site.world.store().replace_readings(replay.take_replacement(), kStoreNow).has_value();
    if (!site.world.disk().is_stopped()) break;
    site.world.power_cut(kStoreNow + 1s);
    site.open_query();
    const std::string now = site.readings();
    CAPTURE(calls);
    CAPTURE(now);
    const bool is_whole = now == "u=10 u=20 u=30 u=40 u=50";
    CHECK((is_whole || (!done && now == "t=1 t=2 t=3 t=4 t=5")));
    (is_whole ? whole : nothing) += 1;
  }
  CHECK(nothing > 5);
}

TEST_CASE("a replay that the disk refuses has replaced nothing, and can be tried again") {
  for (std::uint64_t calls = 1;; ++calls) {
    REQUIRE(calls < 1000);
    ReplaySite site;
    site.use(rules("t", "/a"));
    take_five(site);
    Replay replay = site.make_replay(rules("u", "/b"));
    REQUIRE(site.run(replay).has_value());
    const coordinator::Replacement replacement = replay.take_replacement();
    site.world.disk().fail({.at = calls});
    const bool done = site.world.store().replace_readings(replacement, kStoreNow).has_value();
    const bool fired = site.world.disk().failure_fired();
    site.world.disk().heal();
    CAPTURE(calls);
    if (!done) CHECK(site.readings() == "t=1 t=2 t=3 t=4 t=5");
    REQUIRE(site.world.store().replace_readings(replacement, kStoreNow).has_value());
    CHECK(site.readings() == "u=10 u=20 u=30 u=40 u=50");
    if (!fired) break;
  }
}

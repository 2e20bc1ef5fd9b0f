// Raw messages made into readings anew, from the store back into the store.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "tests/support/replay_site.h"

using namespace fieldpost;             // NOLINT
using namespace fieldpost::test;       // NOLINT
using namespace std::chrono_literals;  // NOLINT

TEST_CASE("readings made anew take the place of the old ones, in the range and nowhere else") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  CHECK(site.readings() == "t=1 t=2 t=3 t=4 t=5");
  SUBCASE("another value") {
    const Replaced replaced = site.replay(rules("t", "/b"), minutes(2, 4));
    CHECK(replaced.removed == 2);
    CHECK(replaced.added == 2);
    CHECK(site.readings() == "t=1 t=20 t=30 t=4 t=5");
  }
  SUBCASE("another series") {
    site.replay(rules("u", "/a"), minutes(2, 4));
    CHECK(site.readings() == "t=1 u=2 u=3 t=4 t=5");
  }
  SUBCASE("all of it") {
    site.replay(rules("u", "/a"));
    CHECK(site.readings() == "u=1 u=2 u=3 u=4 u=5");
  }
  SUBCASE("the same rules change nothing") {
    const Replaced replaced = site.replay(rules("t", "/a"));
    CHECK(replaced.removed == 5);
    CHECK(site.readings() == "t=1 t=2 t=3 t=4 t=5");
  }
  CHECK(site.progress.unmapped == 0);
  site.world.restart(kStoreNow + 1s);
  CHECK(site.world.number("SELECT count(*) FROM replay") == 1);
}

TEST_CASE("a later replay takes back what an earlier one made") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  site.replay(rules("u", "/a"), minutes(2, 5));
  CHECK(site.readings() == "t=1 u=2 u=3 u=4 t=5");
  site.replay(rules("v", "/a"), minutes(1, 4));
  CHECK(site.readings() == "v=1 v=2 v=3 u=4 t=5");
  site.replay(rules("t", "/a"));
  CHECK(site.readings() == "t=1 t=2 t=3 t=4 t=5");
}

TEST_CASE("messages that came under different rules lose what their own rules made") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1, "b": 10})", kFirst + 1min);
  site.use(rules("b", "/b"));
  site.take(R"({"a": 2, "b": 20})", kFirst + 2min);
  CHECK(site.readings() == "t=1 b=20");
  site.replay(rules("x", "/a"));
  CHECK(site.readings() == "x=1 x=2");
}

TEST_CASE("only what was made of the messages goes, where others wrote to the same series") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  wire::LineParser parser;
  const std::string line = fmt::format("air,room=hall t=99 {}\n", (kFirst + 150s).ns);
  site.deliver(parser.parse(line, {}));
  CHECK(site.readings() == "t=1 t=2 t=99 t=3 t=4 t=5");
  site.replay(rules("u", "/a"));
  CHECK(site.readings() == "u=1 u=2 t=99 u=3 u=4 u=5");
}

TEST_CASE("what a later message said of the same time stays, whether it is replayed or not") {
  ReplaySite site;
  site.use(rules("t", "/a", "/at"));
  site.take(R"({"a": 5, "b": 50, "at": 100})", kFirst + 1min);
  site.take(R"({"a": 9, "b": 90, "at": 100})", kFirst + 2min);
  CHECK(site.readings() == "t=9");
  SUBCASE("the same rules over the first message change nothing") {
    const Replaced replaced = site.replay(rules("t", "/a", "/at"), minutes(1, 2));
    CHECK(replaced.removed == 0);
    CHECK(site.readings() == "t=9");
  }
  SUBCASE("both are replayed") {
    site.replay(rules("t", "/b", "/at"));
    CHECK(site.readings() == "t=90");
  }
  SUBCASE("only the last is replayed") {
    site.replay(rules("u", "/b", "/at"), minutes(2, 3));
    CHECK(site.readings() == "u=90");
  }
  SUBCASE("and what comes after the replay wins") {
    site.replay(rules("t", "/b", "/at"));
    site.take(R"({"a": 11, "at": 100})", kFirst + 3min);
    CHECK(site.readings() == "t=11");
  }
}

TEST_CASE("what was deleted does not come back with a replay") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  const auto range = minutes(2, 4);
  REQUIRE(site.world.store()
              .delete_readings({.node = "n1",
                                .measurement = "air",
                                .first_time = range.from,
                                .last_time = range.to - 1},
                               kStoreNow)
              .has_value());
  CHECK(site.readings() == "t=1 t=4 t=5");
  site.take(R"({"a": 6, "b": 60})", kFirst + 150s);  // after the deletion
  site.replay(rules("t", "/b"));
  CHECK(site.readings() == "t=10 t=60 t=40 t=50");
}

TEST_CASE("the same replay again does not count what it made as old once more") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  for (int i = 0; i < 3; ++i) {
    site.replay(rules("u", "/a"));
    CHECK(site.progress.old_readings == (i == 0 ? 5 : 10));
  }
  site.replay(rules("t", "/a"));
  site.replay(rules("t", "/a"));
  CHECK(site.progress.old_readings == 10);
}

TEST_CASE("messages that the rules are not for are told") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  MappingRules typo = rules("t", "/a");
  typo.topic = "sites/{room}";
  site.replay(typo);
  CHECK(site.progress.unmapped == 5);
  CHECK(site.progress.first_error.starts_with("the rules are not for topic \"site/hall\" ("));
  CHECK(site.readings() == "");
}

TEST_CASE("messages of different rules are taken in the order in which they came") {
  ReplaySite site;
  site.use(rules("t", "/a", "/at"));
  site.take(R"({"a": 1, "at": 100})", kFirst + 1min);
  site.use(rules("t", "/b", "/at"));
  site.take(R"({"a": 2, "b": 20, "at": 100})", kFirst + 2min);
  site.use(rules("t", "/a", "/at"));
  site.take(R"({"a": 3, "at": 100})", kFirst + 3min);
  CHECK(site.readings() == "t=3");
  site.replay(rules("u", "/a", "/at"));
  CHECK(site.readings() == "u=3");
}

TEST_CASE("times of the devices' own are followed, wherever they are") {
  ReplaySite site;
  site.use(rules("t", "/a", "/at"));
  site.take(R"({"a": 1, "at": 300})", kFirst + 1min);
  site.take(R"({"a": 2, "at": 100})", kFirst + 2min);
  site.take(R"({"a": 3, "at": 200})", kFirst + 3min);
  site.replay(rules("u", "/a", "/at"), minutes(1, 3));
  CHECK(site.readings() == "u=2 t=3 u=1");
}

TEST_CASE("readings that a wrong clock stamped stay of their boot") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1})", rt::UnixTime{1000}, kBoot);
  site.take(R"({"a": 2})", kFirst);
  CHECK(site.readings() == "t=1* t=2");
  site.replay(rules("u", "/a"));
  CHECK(site.readings() == "u=1* u=2");
}

TEST_CASE("messages of which nothing can be made are counted, and lose what they had") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1})", kFirst + 1min);
  site.take("no JSON", kFirst + 2min);
  site.take(R"({"a": 3, "b": 30})", kFirst + 3min);
  CHECK(site.readings() == "t=1 t=3");
  site.replay(rules("t", "/b"));
  CHECK(site.readings() == "t=30");
  CHECK(site.progress.messages == 3);
  CHECK(site.progress.messages_total == 3);
  CHECK(site.progress.unmapped == 2);
  CHECK(site.progress.first_error.starts_with("none of the fields is there ("));
}

TEST_CASE("what was compacted and what waits are replaced alike") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  coordinator::CompactionLimits all{.batches_min = 1, .age_max_ns = 0, .readings_max = 500'000};
  while (site.world.store().readings().compact_step(all, kStoreNow).value()) {
  }
  for (int i = 6; i <= 8; ++i) {
    site.take(fmt::format(R"({{"a": {}, "b": {}}})", i, 10 * i), kFirst + i * 1min);
  }
  site.replay(rules("t", "/b"), minutes(3, 8));
  CHECK(site.readings() == "t=1 t=2 t=30 t=40 t=50 t=60 t=70 t=8");
  while (site.world.store().readings().compact_step(all, kStoreNow).value()) {
  }
  CHECK(site.readings() == "t=1 t=2 t=30 t=40 t=50 t=60 t=70 t=8");
}

TEST_CASE(
    "messages that come later keep what the node made, and the fresh ones of their time win") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  Replay replay = site.make_replay(rules("t", "/b"));
  REQUIRE(site.run(replay).has_value());
  site.take(R"({"a": 6, "b": 60})", kFirst + 6min);  // between its steps and its end
  REQUIRE(site.world.store().replace_readings(replay.take_replacement(), kStoreNow).has_value());
  CHECK(site.readings() == "t=10 t=20 t=30 t=40 t=50 t=6");
}

TEST_CASE("a replay without an end is not one of messages that come after it") {
  ReplaySite site;
  site.use(rules("t", "/a"));
  take_five(site);
  site.replay(rules("u", "/a"));
  wire::LineParser parser;
  const rt::UnixTime later = kFirst + 6min;
  site.deliver(parser.parse(fmt::format("air,room=hall u=99 {}\n", later.ns), {}));
  site.take(R"({"a": 6})", later);
  site.replay(rules("v", "/a"));
  CHECK(site.readings() == "v=1 v=2 v=3 v=4 v=5 u=99 v=6");
}

TEST_CASE("a birth holds for what comes after it, whatever the rules were") {
  const auto payload = [](const std::string& name) {
    std::ifstream in(FIELDPOST_TEST_DATA_DIR "/sparkplug/" + name + ".bin", std::ios::binary);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  const auto sparkplug = [](const std::string& measurement) {
    return MappingRules{.format = mapping::RuleFormat::kSparkplug,
                        .topic = "spBv1.0/#",
                        .measurement = measurement};
  };
  ReplaySite site;
  site.use(sparkplug("a"));
  site.take(payload("ndata_alias"), kFirst + 1min, {}, "spBv1.0/plant/NDATA/edge");
  site.use(sparkplug("b"));
  site.take(payload("nbirth"), kFirst + 2min, {}, "spBv1.0/plant/NBIRTH/edge");
  site.use(sparkplug("a"));
  site.take(payload("ndata_alias"), kFirst + 3min, {}, "spBv1.0/plant/NDATA/edge");
  site.replay(sparkplug("c"));
  CHECK(site.readings().find("float=1.5 ") != std::string::npos);  // of the birth
  CHECK(site.readings().find("float=2.25") != std::string::npos);  // of the data after it
  CHECK(site.progress.messages == 3);
}

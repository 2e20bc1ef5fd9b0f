// Raw messages made into readings anew, from the store back into the store.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/sources/raw_keeper.h"
#include "coordinator/replay/replay.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/store_records.h"

using namespace fieldpost;             // NOLINT
using namespace fieldpost::test;       // NOLINT
using namespace std::chrono_literals;  // NOLINT
using coordinator::Reading;
using coordinator::Replaced;
using coordinator::Replay;
using coordinator::ReplayRequest;
using mapping::MappingRules;

namespace {

constexpr const char* kSource = "mqtt_topics:site/{room}";
const rt::UnixTime kFirst = kStoreNow + -1h;
const wire::Id128 kBoot{3, 4};

MappingRules rules(const std::string& field, const std::string& pointer,
                   const std::string& time_pointer = "") {
  return {.format = mapping::RuleFormat::kJson,
          .topic = "site/{room}",
          .measurement = "air",
          .json = {.measurement = "air",
                   .fields = {{field, pointer}},
                   .time_pointer = time_pointer,
                   .time_precision = wire::Precision::kS}};
}

/// A node with a source that keeps its messages, and the coordinator's store.
class Site {
 public:
  Site() { open_query(); }
  void open_query() { query_.emplace(world.make_reading_query().value()); }
  void close_query() { query_.reset(); }

  void use(const MappingRules& by) {
    keeper_.emplace(agent::RawKeeper::make(kSource, by).value());
    mapper_.emplace(mapping::Mapper::make(by).value());
    sim::FakeIntake intake;
    keeper_->make_teller().tell(intake, kFirst);
    deliver(std::move(intake.sampled.at(0)));
  }
  /// The agent takes it at `now`.
  void take(const std::string& payload, rt::UnixTime now, const wire::Id128& boot = {},
            const std::string& topic = "site/hall") {
    const mapping::Message message{topic, payload, false};
    const rt::UnixTime stamp = keeper_->stamp(now);
    auto lines = mapper_->map(message, stamp, {}).lines;
    REQUIRE(keeper_->add(message, stamp, lines).has_value());
    deliver(std::move(lines), boot);
  }
  void deliver(wire::ParsedLines lines, const wire::Id128& boot = {}) {
    wire::ReadingsBatch batch;
    const std::string bytes = boot.bytes();
    std::ranges::copy(bytes, batch.stamp.boot.begin());
    batch.stamp.synchronised = boot == wire::Id128();
    (boot == wire::Id128() ? batch.pieces : batch.boot_pieces).push_back(std::move(lines));
    const auto encoded = encoder_.encode(std::move(batch)).value();
    for (const wire::EncodedReadings& each : encoded) {
      auto record = arrival(++seq_, each.record);
      record.envelope.definitions = {each.set->encode()};
      const auto settled = world.ingest().commit({record}, kStoreNow);
      REQUIRE(settled.has_value());
      REQUIRE(settled->at(0).verdict == wire::Verdict::kStored);
    }
  }
  [[nodiscard]] Replay make_replay(const MappingRules& by, coordinator::TimeRange range = {},
                                   const std::string& source = "") {
    return Replay::make({"n1", source, range, by, "127.0.0.1"}).value();
  }
  rt::Status run(Replay& replay) {
    for (;;) {
      const auto more = replay.step(*query_);
      if (!more) return more.error();
      if (!*more) return rt::ok();
    }
  }
  Replaced replay(const MappingRules& by, coordinator::TimeRange range = {}) {
    Replay replay = make_replay(by, range);
    REQUIRE(run(replay).has_value());
    progress = replay.progress();
    const auto replaced = world.store().replace_readings(replay.take_replacement(), kStoreNow);
    REQUIRE(replaced.has_value());
    return *replaced;
  }
  /// "t=1 t=2 u=3": field and value, by time, of every series but those of raw messages.
  std::string readings() {
    std::multimap<std::pair<std::int64_t, std::string>, std::string> all;
    const auto series = query_->series({}, 0, 1000).value();
    for (const auto& each : series) {
      if (each.key.measurement.starts_with("fieldpost_")) continue;
      const auto page = query_->readings(each.id, {}, 1000).value();
      for (const Reading& reading : page) {
        if (each.key.type != wire::ValueType::kF64) continue;
        const auto value = std::bit_cast<double>(reading.value);
        all.emplace(std::pair(reading.time, each.key.field),
                    fmt::format("{}={}{}", each.key.field, value,
                                reading.boot == wire::Id128() ? "" : "*"));
      }
    }
    std::string out;
    for (const auto& [at, text] : all) out += (out.empty() ? "" : " ") + text;
    return out;
  }

  StoreWorld world;
  coordinator::ReplayProgress progress;

 private:
  std::optional<coordinator::ReadingQuery> query_;
  std::optional<agent::RawKeeper> keeper_;
  std::optional<mapping::Mapper> mapper_;
  wire::BatchEncoder encoder_{wire::EncoderOptions{}};
  std::uint64_t seq_ = 0;
};

/// Five messages a minute apart: {"a": i, "b": 10 i}.
void take_five(Site& site) {
  for (int i = 1; i <= 5; ++i) {
    site.take(fmt::format(R"({{"a": {}, "b": {}}})", i, 10 * i), kFirst + i * 1min);
  }
}

coordinator::TimeRange minutes(int from, int to) {
  return {(kFirst + from * 1min).ns, (kFirst + to * 1min).ns};
}

}  // namespace

TEST_CASE("readings made anew take the place of the old ones, in the range and nowhere else") {
  Site site;
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
  Site site;
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
  Site site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1, "b": 10})", kFirst + 1min);
  site.use(rules("b", "/b"));
  site.take(R"({"a": 2, "b": 20})", kFirst + 2min);
  CHECK(site.readings() == "t=1 b=20");
  site.replay(rules("x", "/a"));
  CHECK(site.readings() == "x=1 x=2");
}

TEST_CASE("only what was made of the messages goes, where others wrote to the same series") {
  Site site;
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
  Site site;
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
  Site site;
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
  Site site;
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
  Site site;
  site.use(rules("t", "/a"));
  take_five(site);
  MappingRules typo = rules("t", "/a");
  typo.topic = "sites/{room}";
  site.replay(typo);
  CHECK(site.progress.unmapped == 5);
  CHECK(site.progress.first_error.starts_with("the rules are not for topic \"site/hall\" ("));
  CHECK(site.readings() == "");
}

TEST_CASE("rules that are gone hinder only who needs them") {
  Site site;
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
  Site site;
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

TEST_CASE("messages of different rules are taken in the order in which they came") {
  Site site;
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
  Site site;
  site.use(rules("t", "/a", "/at"));
  site.take(R"({"a": 1, "at": 300})", kFirst + 1min);
  site.take(R"({"a": 2, "at": 100})", kFirst + 2min);
  site.take(R"({"a": 3, "at": 200})", kFirst + 3min);
  site.replay(rules("u", "/a", "/at"), minutes(1, 3));
  CHECK(site.readings() == "u=2 t=3 u=1");
}

TEST_CASE("readings that a wrong clock stamped stay of their boot") {
  Site site;
  site.use(rules("t", "/a"));
  site.take(R"({"a": 1})", rt::UnixTime{1000}, kBoot);
  site.take(R"({"a": 2})", kFirst);
  CHECK(site.readings() == "t=1* t=2");
  site.replay(rules("u", "/a"));
  CHECK(site.readings() == "u=1* u=2");
}

TEST_CASE("messages of which nothing can be made are counted, and lose what they had") {
  Site site;
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
  Site site;
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
  Site site;
  site.use(rules("t", "/a"));
  take_five(site);
  Replay replay = site.make_replay(rules("t", "/b"));
  REQUIRE(site.run(replay).has_value());
  site.take(R"({"a": 6, "b": 60})", kFirst + 6min);  // between its steps and its end
  REQUIRE(site.world.store().replace_readings(replay.take_replacement(), kStoreNow).has_value());
  CHECK(site.readings() == "t=10 t=20 t=30 t=40 t=50 t=6");
}

TEST_CASE("a replay without an end is not one of messages that come after it") {
  Site site;
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
  Site site;
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

TEST_CASE("a replay says what it cannot do") {
  Site site;
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
  CHECK(why_not(kSource) == "");
  SUBCASE("several sources") {
    auto second = agent::RawKeeper::make("exec:prog", rules("t", "/a")).value();
    wire::ParsedLines lines;
    REQUIRE(second.add({"site/hall", "1", false}, kFirst, lines).has_value());
    site.deliver(std::move(lines));
    CHECK(why_not("").find("several sources") != std::string::npos);
    CHECK(why_not(kSource) == "");
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
    Site site;
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
    Site site;
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

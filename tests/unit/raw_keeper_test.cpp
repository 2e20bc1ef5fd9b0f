#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "agent/sources/exec.h"
#include "agent/sources/file_tail.h"
#include "agent/sources/mqtt_topics.h"
#include "agent/sources/rules_teller.h"
#include "proto/mapping/mapper.h"
#include "proto/mapping/raw_keeper.h"
#include "tests/support/fakes/fake_files.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_spawner.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using mapping::RawKeeper;

namespace {

const mapping::MappingRules kRules{.topic = "site/{field}"};
constexpr rt::UnixTime kNow{1'700'000'000'000'000'000};

struct Raw {
  std::int64_t time = 0;
  mapping::RawMessage message;
};

/// What was kept of these, and how often rules were told.
struct Kept {
  std::vector<Raw> messages;
  std::vector<std::string> rules;
  std::size_t others = 0;  ///< readings that were made

  explicit Kept(const std::vector<wire::ParsedLines>& batches) {
    for (const wire::ParsedLines& lines : batches) take(lines);
  }
  void take(const wire::ParsedLines& lines) {
    for (std::size_t c = 0; c < lines.columns.size(); ++c) {
      const wire::Column& column = lines.columns[c];
      const auto key = wire::SeriesKey::parse(lines.keys[c]).value();
      for (std::size_t i = 0; i < column.count(); ++i) {
        if (key.measurement == mapping::kRawMeasurement) {
          messages.push_back(
              {column.times[i], mapping::decode_raw(column.strings[column.values[i]]).value()});
        } else if (key.measurement == mapping::kRulesMeasurement) {
          rules.push_back(column.strings[column.values[i]]);
        } else {
          others += 1;
        }
      }
    }
  }
};

struct Field {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimRandom random{world.dice("random")};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeIntake intake;
  [[nodiscard]] agent::LinePorts ports() { return {loop, clock, worker, intake}; }
};

}  // namespace

TEST_CASE("a message is kept beside what was made of it") {
  auto keeper = RawKeeper::make("mqtt_topics:site/{field}", kRules).value();
  auto mapper = mapping::Mapper::make(kRules).value();
  std::vector<wire::ParsedLines> batches;
  const auto take = [&](const std::string& payload, rt::UnixTime now) {
    const mapping::Message message{"site/t", payload, false};
    const rt::UnixTime stamp = keeper.stamp(now);
    auto lines = mapper.map(message, stamp, {}).lines;
    REQUIRE(keeper.add(message, stamp, lines).has_value());
    CHECK(lines.readings == lines.readings_stamped);
    CHECK(lines.stamp_ns == stamp.ns);
    batches.push_back(std::move(lines));
  };
  take("1", kNow);
  take("not a number", kNow + 1s);
  take("3", kNow + 23h);
  take("4", kNow + 24h);
  const Kept kept(batches);
  CHECK(kept.others == 3);
  REQUIRE(kept.messages.size() == 4);
  CHECK(kept.messages[1].message.payload == "not a number");
}

TEST_CASE("the rules are told at the beginning and once an hour, by the id in the messages' tag") {
  auto keeper = RawKeeper::make("s", kRules).value();
  agent::RulesTeller teller(keeper);
  sim::FakeIntake intake;
  for (const auto after : {0min, 1min, 59min, 60min, 61min, -60min}) {
    teller.tell(intake, kNow + after);
  }
  const Kept kept(intake.sampled);
  REQUIRE(kept.rules.size() == 3);
  CHECK(kept.rules[0] == mapping::encode_rules(kRules));
  wire::ParsedLines lines;
  REQUIRE(keeper.add({"site/t", "1", false}, kNow, lines).has_value());
  const auto raw = wire::SeriesKey::parse(lines.keys.at(0)).value();
  const auto rules = wire::SeriesKey::parse(intake.sampled[0].keys.at(0)).value();
  CHECK(raw.tags == rules.tags);
  CHECK(raw.tags.at(0).second == mapping::rules_id(kept.rules[0]));
}

TEST_CASE("no two messages of a burst have one time, and a clock that was set back is followed") {
  auto keeper = RawKeeper::make("s", kRules).value();
  CHECK(keeper.stamp(kNow) == kNow);
  CHECK(keeper.stamp(kNow) == kNow + 1ns);
  CHECK(keeper.stamp(kNow + -1us) == kNow + 2ns);
  CHECK(keeper.stamp(kNow + 1s) == kNow + 1s);
  CHECK(keeper.stamp(kNow + -1h) == kNow + -1h);
}

TEST_CASE("a message that is too long is told, and what was made of it stays") {
  auto keeper = RawKeeper::make("s", kRules).value();
  auto lines = mapping::Mapper::make(kRules).value().map({"site/t", "1", false}, kNow, {}).lines;
  const std::string payload(mapping::kRawTextBytesMax, 'x');
  const auto kept = keeper.add({"site/t", payload, false}, kNow, lines);
  REQUIRE_FALSE(kept.has_value());
  CHECK(kept.error().message == "a message of 65542 bytes is too long to be kept raw");
  CHECK(lines.readings == 1);
}

TEST_CASE("a source whose name no series can have keeps nothing") {
  CHECK_FALSE(RawKeeper::make(std::string(5000, 'x'), kRules).has_value());
  CHECK_FALSE(RawKeeper::make("\xff", kRules).has_value());
}

TEST_CASE("messages on topics are kept as they came, those that make nothing, too") {
  Field field;
  sim::SimBroker broker{field.world};
  sim::SimMqtt mqtt{field.loop, broker};
  agent::MqttTopicsConfig config;
  config.rules = kRules;
  config.keep_raw = true;
  config.broker = {.url = "mqtt://broker:1883", .client_id = "source"};
  broker.inject({.topic = "site/old", .payload = "7", .retain = true});
  const auto source =
      agent::MqttTopics::make({field.loop, field.clock, field.random, mqtt, field.intake}, config);
  REQUIRE(source.has_value());
  field.world.run_for(100ms);
  for (const char* payload : {"1", "on", "2"}) {
    broker.inject({.topic = "site/t", .payload = payload, .retain = false});
  }
  field.world.run_for(100ms);
  const Kept kept(field.intake.sampled);
  REQUIRE(kept.messages.size() == 4);
  CHECK(kept.messages[0].message == mapping::RawMessage{"site/old", "7", true});
  CHECK(kept.messages[2].message == mapping::RawMessage{"site/t", "on", false});
  CHECK(kept.others == 2);
  CHECK(kept.rules.size() == 1);
  CHECK((*source)->health().readings == 2);
  CHECK((*source)->health().errors == 1);
  CHECK(std::ranges::is_sorted(kept.messages, std::ranges::less_equal{}, &Raw::time));
}

TEST_CASE("what a program prints is kept in blocks of whole lines") {
  Field field;
  sim::SimSpawner spawner{field.loop};
  std::string text;
  std::size_t lines = 0;
  while (text.size() < 3 * mapping::kRawBlockBytesMax) {
    text += fmt::format("m,t=a v={} {}\n", lines, lines);
    lines += 1;
  }
  text += "bad\n";
  spawner.install("prog", {.steps = {{1ms, text, ""}}, .exit = {}});
  for (const bool durable : {false, true}) {
    INFO("durable ", durable);
    field.intake.sampled.clear();
    agent::Exec source(field.ports(), spawner,
                       {.argv = {"prog"}, .durable = durable, .keep_raw = true});
    field.world.run_for(1s);
    const Kept kept(durable ? field.intake.durable : field.intake.sampled);
    CHECK(Kept(field.intake.sampled).rules.size() == 1);
    std::string joined;
    for (const Raw& each : kept.messages) {
      CHECK(each.message.payload.ends_with("\n"));
      CHECK(each.message.payload.size() <= mapping::kRawBlockBytesMax);
      joined += each.message.payload;
    }
    CHECK(joined == text);
    CHECK(kept.messages.size() >= 3);
    CHECK(kept.others == lines);
    CHECK(source.health().readings == lines);
    CHECK(source.health().errors == 1);
  }
}

TEST_CASE("lines of a file are kept, one that is too long for it is told and still read") {
  Field field;
  sim::FakeFiles files;
  const std::string line = "m s=\"" + std::string(64 * 1024 - 100, 'x') + "\" 1\n";
  const std::string text = "m v=1 1\n" + line + "m v=2 2\n";
  files.put("/log/data", text);
  agent::FileTailConfig config{.reader = {.path = "/log/data",
                                          .position_path = "/state/tail",
                                          .from_beginning = true,
                                          .keep_raw = true}};
  auto source = agent::FileTail::make(field.ports(), files, config);
  REQUIRE(source.has_value());
  field.world.run_for(2s);
  const Kept kept(field.intake.durable);
  CHECK(Kept(field.intake.sampled).rules.size() == 1);
  std::string joined;
  for (const Raw& each : kept.messages) joined += each.message.payload;
  CHECK(joined == text);  // 64 KiB less a little still goes, in a block of its own
  CHECK(kept.messages.size() == 3);
  CHECK(kept.others == 3);
  CHECK((*source)->health().readings == 3);
  CHECK((*source)->health().errors == 0);
  files.append("/log/data", "m s=\"" + std::string(64 * 1024, 'y') + "\" 3\n");
  field.world.run_for(2s);
  CHECK((*source)->health().errors == 1);
  CHECK((*source)->health().last_error == "a message of 65545 bytes is too long to be kept raw");
  CHECK((*source)->health().readings == 4);
}

TEST_CASE("lines read again after a crash are not kept twice") {
  Field field;
  sim::FakeFiles files;
  files.put("/log/data", "m v=1 1\n");
  agent::FileTailConfig config{.reader = {.path = "/log/data",
                                          .position_path = "/state/tail",
                                          .from_beginning = true,
                                          .keep_raw = true}};
  field.intake.answer_at_once = false;
  auto source = agent::FileTail::make(field.ports(), files, config);
  field.world.run_for(1s);
  REQUIRE(field.intake.waiting.size() == 1);
  const std::string key = field.intake.waiting[0].options.idempotency_key;
  CHECK(key != "");
  source->reset();
  field.intake.waiting.clear();
  source = agent::FileTail::make(field.ports(), files, config);
  field.world.run_for(1s);
  REQUIRE(field.intake.waiting.size() == 1);
  CHECK(field.intake.waiting[0].options.idempotency_key == key);
}

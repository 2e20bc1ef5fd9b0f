#include "agent/sources/mqtt_topics.h"

#include <doctest/doctest.h>

#include <chrono>
#include <fstream>
#include <iterator>

#include "proto/mapping/protobuf.h"
#include "proto/mapping/readings_builder.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using agent::MqttTopics;
using mapping::RuleFormat;
using mapping::Sparkplug;
using mapping::TopicPattern;

namespace {

std::string recorded(const std::string& name) {
  std::ifstream in(FIELDPOST_TEST_DATA_DIR "/sparkplug/" + name + ".bin", std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// A payload of one metric, a UInt64.
std::string birth_of(const std::string& name, bool timed = true) {
  std::string metric;
  mapping::append_protobuf_bytes(metric, 1, name);
  mapping::append_protobuf_varint(metric, 2, 5);  // alias
  if (timed) mapping::append_protobuf_varint(metric, 3, 1'700'000'000'000);
  mapping::append_protobuf_varint(metric, 4, 8);  // UInt64
  mapping::append_protobuf_varint(metric, 11, 7);
  std::string payload;
  mapping::append_protobuf_bytes(payload, 2, metric);
  return payload;
}

struct Field {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimRandom random{world.dice("random")};
  sim::SimBroker broker{world};
  sim::SimMqtt mqtt{loop, broker};
  sim::FakeIntake intake;
  std::unique_ptr<MqttTopics> source;
  std::vector<rt::MqttMessage> published;  ///< by the source

  Field() {
    broker.set_tap([this](const std::string& client, const rt::MqttMessage& message) {
      if (client == "source") published.push_back(message);
      return true;
    });
  }
  void start(agent::MqttTopicsConfig config) {
    config.broker = {.url = "mqtt://broker:1883", .client_id = "source"};
    auto made = MqttTopics::make({loop, clock, random, mqtt, intake}, std::move(config));
    REQUIRE(made.has_value());
    source = *std::move(made);
    world.run_for(100ms);
  }
  void publish(const std::string& topic, const std::string& payload, bool retain = false) {
    broker.inject({.topic = topic, .payload = payload, .retain = retain});
    world.run_for(100ms);
  }
  /// Readings since the last call, without their times.
  std::vector<std::string> values() {
    std::vector<std::string> out = sim::readings_of(intake.sampled);
    for (std::string& text : out) text.erase(text.find(" @"));
    intake.sampled.clear();
    return out;
  }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a topic pattern names levels and knows its filter") {
  const auto pattern = TopicPattern::parse("site/{room}/+/{field}").value();
  CHECK(pattern.filter() == "site/+/+/+");
  CHECK(pattern.match("site/a/x/t").value() == TopicPattern::Names{{"room", "a"}, {"field", "t"}});
  CHECK_FALSE(pattern.match("site/a/x").has_value());
  CHECK_FALSE(pattern.match("site/a/x/t/more").has_value());
  CHECK_FALSE(pattern.match("other/a/x/t").has_value());
  const auto all = TopicPattern::parse("a/{b}/#").value();
  CHECK(all.filter() == "a/+/#");
  CHECK(all.match("a/1/2/3").has_value());
  CHECK(all.match("a/1").has_value());
  for (const char* bad : {"", "a/#/b", "a+/b", "x{y}", "{", "a/{}"}) {
    INFO("pattern ", std::string(bad));
    CHECK_FALSE(TopicPattern::parse(bad).has_value());
  }
}

TEST_CASE("plain numbers become readings named by their topic") {
  Field field;
  field.start({.rules = {.topic = "site/{room}/{field}", .measurement = "climate", .unit = "°C"}});
  field.publish("site/hall/temp", "21.5");
  field.publish("site/hall/temp", std::string(" +4e1\n\0", 7));
  field.publish("site/hall/door", "true");
  CHECK(field.values() == Texts{"climate,room=hall temp f °C = 21.5",
                                "climate,room=hall temp f °C = 40",
                                "climate,room=hall door b °C = true"});
  CHECK(field.source->health().readings == 3);
}

TEST_CASE("what is not a number is counted and named") {
  Field field;
  field.start({.rules = {.topic = "site/{field}"}});
  for (const char* bad : {"", "on", "1 2", "nan", "inf", "0x10"}) field.publish("site/x", bad);
  field.publish("site/", "1");
  field.publish("site/x", std::string(MqttTopics::kPayloadBytesMax + 1, '1'));
  CHECK(field.values().empty());
  CHECK(field.source->health().errors == 8);
  CHECK(field.source->health().last_error == "a payload over 262144 bytes at site/x");
}

TEST_CASE("a retained value is left out, for nobody knows how old it is") {
  Field field;
  field.publish("site/x", "1", true);
  field.start({.rules = {.topic = "site/{field}"}});
  field.publish("site/x", "2");
  CHECK(field.values() == Texts{"mqtt x f = 2"});
  CHECK(field.source->retained_left_out() == 1);
}

TEST_CASE("JSON objects become readings by pointers") {
  Field field;
  field.start({.rules = {.format = RuleFormat::kJson,
                         .topic = "z2m/{device}",
                         .measurement = "z2m",
                         .json = {.tag_pointers = {{"kind", "/a~1b/0"}},
                                  .fields = {{"t", "/climate/t"},
                                             {"n", "/n", wire::ValueType::kI64},
                                             {"on", "/on"},
                                             {"s", "/s"}},
                                  .time_pointer = "/at"}}});
  field.publish(
      "z2m/one",
      R"({"at": 5.25, "a/b": ["k"], "climate": {"t": 20}, "n": 7, "on": true, "s": "x"})");
  CHECK(sim::readings_of(field.intake.sampled) ==
        Texts{"z2m,device=one,kind=k t f = 20 @5250000000",
              "z2m,device=one,kind=k n i = 7i @5250000000",
              "z2m,device=one,kind=k on b = true @5250000000",
              "z2m,device=one,kind=k s s = \"x\" @5250000000"});
  field.intake.sampled.clear();
  const std::pair<const char*, const char*> bad[] = {
      {"{", "this is not JSON"},
      {R"({"a/b": ["k"], "n": 1})", "there is no time at /at"},
      {R"({"at": "noon", "a/b": ["k"], "n": 1})", "there is no time at /at"},
      {R"({"at": 9223372037, "a/b": ["k"], "n": 1})", "there is no time at /at"},
      {R"({"at": 1, "n": 1})", "there is no tag at /a~1b/0"},
      {R"({"at": 1, "a/b": ["k"], "n": 1.5})", "the value at \"/n\" is number, not i64"},
      {R"({"at": 1, "a/b": ["k"], "on": {}})", "the value at \"/on\" is object, not a scalar"},
      {R"({"at": 1, "a/b": ["k"], "n": null})", "none of the fields is there"},
      {R"({"at": 1, "a/b": [""], "n": 1})", "no value can be stored under these names and tags"}};
  for (const auto& [payload, what] : bad) {
    INFO("payload ", std::string(payload));
    field.publish("z2m/one", payload);
    CHECK(field.source->health().last_error == "z2m/one: " + std::string(what));
  }
  CHECK(field.values().empty());
}

TEST_CASE("values without a time of their own are counted as stamped, for clocks that are wrong") {
  agent::MqttTopicsConfig config;
  config.rules.topic = "m/{field}";
  config.rules.measurement = "m";
  config.rules.json.fields = {{"v", "/v"}};
  const auto stamped = [](const agent::MqttTopicsConfig& of, const std::string& payload) {
    Field field;
    field.start(of);
    field.publish("m/a", payload);
    REQUIRE(field.intake.sampled.size() == 1);
    const wire::ParsedLines& lines = field.intake.sampled[0];
    return lines.readings_stamped == 1 && lines.stamp_ns == lines.columns[0].times[0];
  };
  CHECK(stamped(config, "1"));
  config.rules.format = RuleFormat::kJson;
  CHECK(stamped(config, R"({"v": 1, "at": 5})"));
  config.rules.json.time_pointer = "/at";
  CHECK_FALSE(stamped(config, R"({"v": 1, "at": 5})"));
}

TEST_CASE("a wrong topic or mapping is refused") {
  Field field;
  const auto make = [&](agent::MqttTopicsConfig config) {
    return MqttTopics::make({field.loop, field.clock, field.random, field.mqtt, field.intake},
                            std::move(config))
        .has_value();
  };
  CHECK_FALSE(make({.rules = {.topic = "a+"}}));
  CHECK_FALSE(make({.rules = {.format = RuleFormat::kJson, .topic = "a"}}));
  CHECK_FALSE(make(
      {.rules = {
           .format = RuleFormat::kJson, .topic = "a", .json = {.fields = {{"x", "no slash"}}}}}));
}

TEST_CASE("the connection is made again, with growing pauses") {
  Field field;
  field.start({.rules = {.topic = "site/{field}"}});
  field.broker.crash(sim::Retained::kWiped);
  field.world.run_for(5min);
  const std::uint64_t tries = field.source->health().errors;
  CHECK(tries > 5);
  CHECK(tries < 20);
  field.broker.start();
  field.world.run_for(2min);
  field.publish("site/x", "1");
  CHECK(field.values() == Texts{"mqtt x f = 1"});
}

TEST_CASE("Sparkplug values of every scalar type are taken, control metrics are not") {
  Field field;
  field.start(
      {.rules = {.format = RuleFormat::kSparkplug, .topic = "spBv1.0/#", .measurement = "sp"}});
  field.publish("spBv1.0/plant/NBIRTH/edge", recorded("nbirth"));
  const std::string at = "sp,group=plant,node=edge ";
  CHECK(sim::readings_of(field.intake.sampled).at(0) == at + "i8 i = -5i @1700000000000000000");
  CHECK(field.values() ==
        Texts{at + "i8 i = -5i", at + "i16 i = -300i", at + "i32 i = -70000i",
              at + "i64 i = -5000000000i", at + "u8 u = 200u", at + "u16 u = 60000u",
              at + "u32 u = 4000000000u", at + "u64 u = 9000000000000000u", at + "float f = 1.5",
              at + "double f = -0.1", at + "bool b = true", at + "string s = \"grün\"",
              at + "when u = 1700000000000u", at + "text s = \"long text\""});
  CHECK(field.source->health().errors == 0);
}

TEST_CASE("Sparkplug data is named by the aliases of the birth, per device") {
  Field field;
  field.start(
      {.rules = {.format = RuleFormat::kSparkplug, .topic = "spBv1.0/#", .measurement = "sp"}});
  field.publish("spBv1.0/plant/NBIRTH/edge", recorded("nbirth"));
  field.values();
  field.publish("spBv1.0/plant/NDATA/edge", recorded("ndata_alias"));
  CHECK(sim::readings_of(field.intake.sampled) ==
        Texts{"sp,group=plant,node=edge float f = 2.25 @1700000000900000000"});
  field.values();
  field.publish("spBv1.0/plant/DBIRTH/edge/oven", recorded("dbirth"));
  field.publish("spBv1.0/plant/DDATA/edge/oven", recorded("ddata_name"));
  CHECK(field.values() == Texts{"sp,device=oven,group=plant,node=edge temp f = 20.5",
                                "sp,device=oven,group=plant,node=edge temp f = 21.5"});
  CHECK(field.source->sparkplug_counts().seq_gaps == 0);
  CHECK(field.source->sparkplug_counts().unknown_metrics == 0);
}

TEST_CASE("a gap in the sequence is counted and asks for a rebirth, if allowed, once in a while") {
  for (const bool allowed : {false, true}) {
    INFO("allowed ", allowed);
    Field field;
    field.start({.rules = {.format = RuleFormat::kSparkplug, .topic = "spBv1.0/#"},
                 .request_rebirth = allowed});
    field.publish("spBv1.0/plant/NBIRTH/edge", recorded("nbirth"));
    field.publish("spBv1.0/plant/DDATA/edge/oven", recorded("ddata_skipped_seq"));
    field.publish("spBv1.0/plant/DDATA/edge/oven", recorded("ddata_name"));
    CHECK(field.source->sparkplug_counts().seq_gaps == 2);
    REQUIRE(field.published.size() == (allowed ? 1 : 0));
    if (!allowed) continue;
    CHECK(field.published[0].topic == "spBv1.0/plant/NCMD/edge");
    const auto asked = mapping::decode_sparkplug(field.published[0].payload).value();
    CHECK(asked.metrics.at(0).name == "Node Control/Rebirth");
    CHECK(mapping::value_of(asked.metrics[0], asked.metrics[0].datatype)->bits == 1);
    field.world.run_for(mapping::Sparkplug::kRebirthPause);
    field.publish("spBv1.0/plant/DDATA/edge/oven", recorded("ddata_name"));
    CHECK(field.published.size() == 2);
  }
}

TEST_CASE("data before any birth is left out, but for what it names itself") {
  Field field;
  field.start(
      {.rules = {.format = RuleFormat::kSparkplug, .topic = "spBv1.0/#"}, .request_rebirth = true});
  field.publish("spBv1.0/plant/NDATA/edge", recorded("ndata_alias"));
  CHECK(field.values().empty());
  CHECK(field.source->sparkplug_counts().unknown_metrics == 1);
  CHECK(field.published.size() == 1);
  field.publish("spBv1.0/plant/NBIRTH/edge", recorded("nbirth"));
  field.publish("spBv1.0/plant/NDEATH/edge", recorded("ndeath"));
  field.values();
  field.publish("spBv1.0/plant/NBIRTH/edge", recorded("nbirth"));
  field.publish("spBv1.0/plant/NDATA/edge", recorded("ndata_alias"));
  CHECK(field.source->sparkplug_counts().seq_gaps == 0);
  CHECK(field.values().size() == 15);
}

TEST_CASE("a broken Sparkplug payload is an error and changes nothing") {
  const std::string whole = recorded("nbirth");
  mapping::ReadingsBuilder builder;
  mapping::Sparkplug sparkplug("m");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto taken = mapping::decode_sparkplug(std::string_view(whole).substr(0, size));
    if (!taken) CHECK(taken.error().code == rt::Errc::kInvalid);
  }
  CHECK_FALSE(mapping::decode_sparkplug("\x0f").has_value());
  CHECK_FALSE(mapping::decode_sparkplug(std::string(12, '\xff')).has_value());
  CHECK_FALSE(mapping::decode_sparkplug(whole.substr(0, whole.size() / 2)).has_value());
  const auto taken = sparkplug.take({"spBv1.0/g/NBIRTH/n", "\x0f", {}, {}}, builder);
  CHECK_FALSE(taken.has_value());
  CHECK(builder.readings() == 0);
  CHECK(sparkplug.take({"spBv1.0/g/STATE/n", "\x0f", {}, {}}, builder).has_value());
  CHECK(sparkplug.take({"spBv1.0/g/NBIRTH/n/d/e", "\x0f", {}, {}}, builder).has_value());
}

TEST_CASE("a text has one place in its column, also in one that is gone on with") {
  const auto add = [](mapping::ReadingsBuilder& builder, const char* field, const char* text) {
    wire::SeriesKey key;
    key.measurement = "door";
    key.field = field;
    REQUIRE(builder.add(key, 1, mapping::DeviceValue::of(std::string(text))));
  };
  mapping::ReadingsBuilder first;
  for (const char* text : {"open", "shut", "open"}) add(first, "a", text);
  add(first, "b", "shut");
  mapping::ReadingsBuilder second(first.lines());
  for (const char* text : {"shut", "ajar", "open"}) add(second, "a", text);
  add(second, "b", "open");
  const auto& columns = second.lines().columns;
  REQUIRE(columns.size() == 2);
  CHECK(columns[0].strings == std::vector<std::string>{"open", "shut", "ajar"});
  CHECK(columns[0].values == std::vector<std::uint64_t>{0, 1, 0, 1, 2, 0});
  CHECK(columns[1].strings == std::vector<std::string>{"shut", "open"});
  CHECK(columns[1].values == std::vector<std::uint64_t>{0, 1});
}

TEST_CASE("edge nodes over the bound are refused, unless one that died or was silent can go") {
  mapping::ReadingsBuilder builder;
  mapping::Sparkplug sparkplug("m");
  rt::Instant now;
  const auto take = [&](const std::string& topic, const std::string& payload) {
    return sparkplug.take({"spBv1.0/g/" + topic, payload, {}, now}, builder);
  };
  const std::string birth = recorded("nbirth");
  for (std::size_t i = 0; i < Sparkplug::kNodesMax; ++i) {
    REQUIRE(take("NBIRTH/n" + std::to_string(i), birth).has_value());
  }
  const auto more = take("NBIRTH/more", birth);
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == rt::Errc::kFull);
  CHECK(take("NDEATH/stranger", recorded("ndeath")).has_value());
  CHECK(take("NBIRTH/n0", birth).has_value());
  SUBCASE("a dead one goes") {
    REQUIRE(take("NDEATH/n7", recorded("ndeath")).has_value());
    CHECK(take("NBIRTH/more", birth).has_value());
    CHECK_FALSE(take("NBIRTH/n7", birth).has_value());
  }
  SUBCASE("the one that was silent for longest goes") {
    now = now + Sparkplug::kSilentMax;
    for (std::size_t i = 1; i < Sparkplug::kNodesMax; ++i) {
      REQUIRE(take("NDATA/n" + std::to_string(i), recorded("ndata_alias")).has_value());
    }
    CHECK(take("NBIRTH/more", birth).has_value());
    CHECK_FALSE(take("NBIRTH/n0", birth).has_value());
  }
}

TEST_CASE("the names of one edge node and of all are bounded in bytes") {
  mapping::ReadingsBuilder builder;
  mapping::Sparkplug sparkplug("m");
  const auto take = [&](const std::string& topic, const std::string& payload) {
    return sparkplug.take({"spBv1.0/g/" + topic, payload, {}, {}}, builder);
  };
  const std::string birth = birth_of(std::string(200'000, 'x'));
  for (int device = 0; device < 100; ++device) {
    REQUIRE(take("DBIRTH/n0/d" + std::to_string(device), birth).has_value());
  }
  CHECK(sparkplug.bytes() <= Sparkplug::kNodeBytesMax);
  CHECK(sparkplug.bytes() > Sparkplug::kNodeBytesMax / 2);
  for (int node = 1; node < 20; ++node) {
    for (int device = 0; device < 10; ++device) {
      const std::string topic = "DBIRTH/n" + std::to_string(node) + "/d" + std::to_string(device);
      REQUIRE(take(topic, birth).has_value());
    }
  }
  CHECK(sparkplug.bytes() <= Sparkplug::kBytesMax);
  for (int node = 0; node < 20; ++node) {
    REQUIRE(take("NBIRTH/n" + std::to_string(node), birth_of("y")).has_value());
  }
  CHECK(sparkplug.bytes() < 20 * 1024);
}

TEST_CASE("a retained Sparkplug value without a time is left out, one with a time is taken") {
  for (const bool timed : {false, true}) {
    INFO("timed ", timed);
    mapping::ReadingsBuilder builder;
    mapping::Sparkplug sparkplug("m");
    const std::string birth = birth_of("v", timed);
    REQUIRE(sparkplug.take({"spBv1.0/g/NBIRTH/n", birth, {}, {}, true}, builder).has_value());
    CHECK(builder.readings() == (timed ? 1 : 0));
    CHECK(sparkplug.counts().retained_left_out == (timed ? 0 : 1));
    REQUIRE(sparkplug.take({"spBv1.0/g/NBIRTH/n", birth, {}, {}, false}, builder).has_value());
    CHECK(builder.readings() == (timed ? 2 : 1));
  }
}

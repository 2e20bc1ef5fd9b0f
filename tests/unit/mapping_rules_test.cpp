#include <doctest/doctest.h>

#include <string>

#include "proto/mapping/mapper.h"
#include "proto/mapping/raw_message.h"
#include "proto/mapping/rules.h"

using namespace fieldpost;           // NOLINT
using namespace fieldpost::mapping;  // NOLINT

namespace {

const MappingRules kNumber{.topic = "site/{room}/{field}", .measurement = "climate", .unit = "Cel"};
const MappingRules kLines{
    .format = RuleFormat::kLineProtocol, .measurement = "", .precision = wire::Precision::kMs};
const MappingRules kObjects{
    .format = RuleFormat::kJson,
    .topic = "z2m/{device}",
    .measurement = "z2m",
    .json = {.measurement = "z2m",
             .tags = {{"site", "roof"}},
             .tag_pointers = {{"kind", "/a~1b/0"}},
             .fields = {{"n", "/n", wire::ValueType::kI64, "pcs"}, {"t", "/climate/t"}},
             .time_pointer = "/at",
             .time_precision = wire::Precision::kMs}};
const MappingRules kSparkplug{.format = RuleFormat::kSparkplug, .topic = "spBv1.0/#"};

std::string why_not(const std::string& text) {
  const auto rules = parse_rules(text);
  return rules ? "" : rules.error().message;
}

}  // namespace

TEST_CASE("rules come back from their text, and equal rules have equal text") {
  for (const MappingRules* rules : {&kNumber, &kLines, &kObjects, &kSparkplug}) {
    const std::string text = encode_rules(*rules);
    INFO(text);
    const auto again = parse_rules(text);
    REQUIRE(again.has_value());
    CHECK(encode_rules(*again) == text);
    CHECK(again->format == rules->format);
    CHECK(again->topic == rules->topic);
  }
  const auto objects = parse_rules(encode_rules(kObjects));
  CHECK(objects->json.measurement == "z2m");
  CHECK(objects->json.fields.at(0).type == wire::ValueType::kI64);
  CHECK(objects->json.fields.at(0).unit == "pcs");
  CHECK(objects->json.time_precision == wire::Precision::kMs);
  CHECK(encode_rules(kLines) == R"({"format":"line_protocol","precision":"ms"})");
}

TEST_CASE("what is missing has the default of the configuration") {
  const auto rules = parse_rules(R"({"topic": "a/{field}"})");
  REQUIRE(rules.has_value());
  CHECK(rules->format == RuleFormat::kNumber);
  CHECK(rules->measurement == "mqtt");
  CHECK(rules->field == "value");
}

TEST_CASE("rules that are wrong are refused in words") {
  CHECK(why_not("[]") == "rules are a JSON object");
  CHECK(why_not("{") == "rules are a JSON object");
  CHECK(why_not(std::string(kRulesBytesMax + 1, ' ')) == "rules of more than 65536 bytes");
  CHECK(why_not(R"({"topic": "a", "feild": "x"})") == "there is no rule \"feild\" for this format");
  CHECK(why_not(R"({"topic": "a", "precision": "s"})") ==
        "there is no rule \"precision\" for this format");
  CHECK(why_not(R"({"topic": 5})") == "\"topic\": expected a string");
  CHECK(why_not(R"({"format": "xml"})").starts_with("\"format\": expected"));
  CHECK(why_not(R"({"format": "number"})") == "the topic is missing");
  CHECK(why_not(R"({"format": "line_protocol", "topic": "a"})").starts_with("line protocol comes"));
  CHECK(why_not(R"({"topic": "a+"})") != "");
  CHECK(why_not(R"({"format": "json", "topic": "a"})") == "there are no fields");
  CHECK(why_not(R"({"format": "json", "topic": "a", "fields": {"x": "no slash"}})") != "");
  CHECK(why_not(
            R"({"format": "json", "topic": "a", "fields": {"x": "/x"}, "types": {"y": "f64"}})") ==
        "no field y");
  CHECK(why_not(
            R"({"format": "json", "topic": "a", "fields": {"x": "/x"}, "types": {"x": "f32"}})") ==
        "expected f64, i64, u64, bool or string, got f32");
}

TEST_CASE("a rule's id changes with its text") {
  CHECK(rules_id("{}").size() == 16);
  CHECK(rules_id("{}") == rules_id("{}"));
  CHECK(rules_id("{}") != rules_id("{ }"));
}

TEST_CASE("a raw message comes back as it was, whatever its bytes") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (const RawMessage& message :
       {RawMessage{"a/b", "21.5", false}, RawMessage{"", "m v=1 1\nm v=2 2\n", false},
        RawMessage{"a/\"\xc3\xbc\"", "", true}, RawMessage{"spBv1.0/g/NDATA/n", bytes, false},
        RawMessage{"t", "{}\n{}", true}, RawMessage{"", bytes + bytes, true}}) {
    const auto text = encode_raw(message.view());
    REQUIRE(text.has_value());
    const auto again = decode_raw(*text);
    REQUIRE(again.has_value());
    CHECK(*again == message);
  }
  CHECK(encode_raw({"a/b", "21.5", false}) == "{\"topic\":\"a/b\"}\n21.5");
}

TEST_CASE("a message is kept raw up to the bound of a string, no further") {
  const std::string head = "{}\n";
  const std::string text(kRawTextBytesMax - head.size(), 'x');
  CHECK(encode_raw({"", text, false}).has_value());
  CHECK_FALSE(encode_raw({"", text + "x", false}).has_value());
  CHECK_FALSE(encode_raw({"", std::string(kRawTextBytesMax - 100, '\xff'), false}).has_value());
  CHECK(encode_raw({"", std::string(kRawBlockBytesMax, '\xff'), false}).has_value());
}

TEST_CASE("what is no raw message is refused") {
  for (const char* text : {"", "no head", "[]\nx", "{\"topic\":5}\nx", "{\"base64\":true}\n***",
                           "{\"base64\":true}\nQUJD x"}) {
    INFO(std::string(text));
    CHECK_FALSE(decode_raw(text).has_value());
  }
}

TEST_CASE("the same rules make the same readings of lines and of objects, a line each") {
  auto lines = Mapper::make(kLines).value();
  const rt::UnixTime now{5'000'000};
  auto mapped = lines.map({"", "m v=1 2\nm v=2\nbad\n", false}, now, {});
  CHECK(mapped.lines.readings == 2);
  CHECK(mapped.lines.lines_bad == 1);
  CHECK(mapped.lines.columns.at(0).times == std::vector<std::int64_t>{2'000'000, 5'000'000});
  MappingRules rules = kObjects;
  rules.topic.clear();
  auto objects = Mapper::make(rules).value();
  mapped = objects.map({"", "{\"at\": 1, \"a/b\": [\"k\"], \"n\": 3}\nno\n", false}, now, {});
  CHECK(mapped.lines.readings == 1);
  CHECK(mapped.lines.lines_bad == 1);
  CHECK(mapped.lines.keys.at(0) == "z2m,kind=k,site=roof n i pcs");
}

TEST_CASE("a message on another topic gives nothing, and is no error") {
  auto mapper = Mapper::make(kNumber).value();
  const auto mapped = mapper.map({"other/hall/t", "1", false}, {}, {});
  CHECK(mapped.status.has_value());
  CHECK_FALSE(mapped.is_meant);
  CHECK(mapped.lines.readings == 0);
  CHECK(mapper.map({"site/hall/t", "x", false}, {}, {}).is_meant);
}

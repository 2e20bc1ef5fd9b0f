#include <doctest/doctest.h>

#include <string>

#include "proto/mapping/mapper.h"
#include "proto/rt/http_text.h"
#include "tests/support/fakes/fake_intake.h"

using namespace fieldpost;           // NOLINT
using namespace fieldpost::mapping;  // NOLINT

namespace {

constexpr rt::UnixTime kNow{5'000'000'000};

MappingRules rules_of(const std::string& text) {
  auto rules = parse_rules(text);
  INFO(text);
  REQUIRE(rules.has_value());
  return *std::move(rules);
}

std::string why_not(const std::string& text) {
  const auto rules = parse_rules(text);
  return rules ? "" : rules.error().message;
}

const std::string kJson =
    R"({"path": "/door/{door}/event", "measurement": "door", "fields": {"open": "/open", "v": "/v"},
        "tag_pointers": {"kind": "/kind"}, "types": {"v": "i64"}, "units": {"v": "mV"}})";
const std::string kForm =
    R"({"path": "/door/{door}", "body": "form", "measurement": "door", "tags": {"site": "roof"},
        "tag_pointers": {"kind": "k"}, "fields": {"t": "temp", "n": "n", "open": "open", "s": "s"},
        "types": {"n": "u64", "open": "bool", "s": "string"}, "time_pointer": "at"})";

/// "key = value @time" of each reading, or what does not fit.
std::string map(const std::string& rules, const std::string& target, const std::string& payload) {
  auto mapper = Mapper::make(rules_of(rules)).value();
  auto mapped = mapper.map({target, payload, false}, kNow, {});
  if (!mapped.is_meant) return "not meant";
  if (!mapped.status) {
    CHECK(mapped.lines.readings == 0);
    return mapped.status.error().message;
  }
  std::string out;
  for (const std::string& each : sim::readings_of(mapped.lines)) out += each + "\n";
  return out;
}

}  // namespace

TEST_CASE("rules of requests come back from their text, and have the keys of an http_route") {
  for (const std::string& text :
       {kJson, kForm, std::string(R"({"path": "/a", "body": "query", "measurement": "m",
                                      "fields": {"v": "v"}})")}) {
    const std::string written = encode_rules(rules_of(text));
    CHECK(encode_rules(rules_of(written)) == written);
    CHECK(written.find("\"format\"") == std::string::npos);
  }
  CHECK(rules_of(kJson).format == RuleFormat::kRequestJson);
  CHECK(rules_of(kForm).format == RuleFormat::kRequestForm);
  CHECK(encode_rules(rules_of(kForm)).starts_with(R"({"body":"form","fields":{)"));
}

TEST_CASE("rules of requests that are wrong are refused in words") {
  const std::string rest = R"("measurement": "m", "fields": {"v": "/v"}})";
  CHECK(why_not(R"({"path": "a", )" + rest).starts_with("\"a\" is no path: expected one such as"));
  CHECK(why_not(R"({"path": "/a/+", )" + rest).starts_with("\"/a/+\" is no path"));
  CHECK(why_not(R"({"path": "/a/#", )" + rest).starts_with("\"/a/#\" is no path"));
  CHECK(why_not(R"({"path": "/a?b", )" + rest).starts_with("\"/a?b\" is no path"));
  CHECK(why_not(R"({"path": "/a{b", )" + rest).starts_with("\"/a{b\" is no path"));
  CHECK(why_not(R"({"body": "xml", "path": "/a", )" + rest) == "\"body\": expected another word");
  CHECK(why_not(R"({"path": "/a", "topic": "a", )" + rest) ==
        "there is no rule \"topic\" for this format");
  CHECK(why_not(R"({"path": "/a", "fields": {"v": "/v"}})") == "the measurement is missing");
  CHECK(why_not(R"({"path": "/a", "measurement": "m"})") == "there are no fields");
  CHECK(why_not(R"({"path": "/a", "measurement": "m", "fields": {"v": "v"}})") ==
        "\"v\" is no JSON pointer: it has to begin with a slash");
  CHECK(why_not(R"({"path": "/a", "body": "form", "measurement": "m", "fields": {"v": ""}})") ==
        "field v has no parameter");
  CHECK(why_not(R"({"path": "/a", "body": "form", "measurement": "m", "fields": {"v": "v"},
                    "tag_pointers": {"k": ""}})") == "tag k has no parameter");
  const std::string twice = "field v cannot be a series: a tag is empty or given twice";
  CHECK(why_not(R"({"path": "/{a}/{a}", )" + rest).starts_with(twice));
  CHECK(why_not(R"({"path": "/{a}", "tags": {"a": "x"}, )" + rest).starts_with(twice));
  CHECK(why_not(R"({"path": "/{a}", "tag_pointers": {"a": "/x"}, )" + rest).starts_with(twice));
  CHECK(why_not(R"({"path": "/a", "tags": {"a": ""}, )" + rest).starts_with(twice));
}

TEST_CASE("an object becomes readings with the path's segments as tags") {
  CHECK(map(kJson, "/door/front/event", R"({"open": true, "v": 2900, "kind": "reed", "x": 1})") ==
        "door,door=front,kind=reed open b = true @5000000000\n"
        "door,door=front,kind=reed v i mV = 2900i @5000000000\n");
  CHECK(map(kJson, "/door/front%20left/event?node=a", R"({"v": 1, "kind": "k"})") ==
        "door,door=front\\ left,kind=k v i mV = 1i @5000000000\n");
  CHECK(map(kJson, "/door/front", "{}") == "not meant");
  CHECK(map(kJson, "door/front/event", "{}") == "not meant");
  CHECK(map(kJson, "/door/%zz/event", "{}") == "not meant");
  CHECK(map(R"({"path": "/{measurement}/x", "measurement": "m", "fields": {"v": "/v"}})", "/air/x",
            R"({"v": 1})") == "air v f = 1 @5000000000\n");
}

TEST_CASE("an array of objects is a reading object each, or does not fit as a whole") {
  const std::string batch =
      R"({"path": "/b", "measurement": "m", "fields": {"v": "/v"}, "time_pointer": "/at",
          "time_precision": "ms"})";
  CHECK(map(batch, "/b", R"([{"v": 1, "at": 10}, {"v": 2, "at": 20}])") ==
        "m v f = 1 @10000000\nm v f = 2 @20000000\n");
  CHECK(map(batch, "/b", "[]") == "");
  CHECK(map(batch, "/b", R"([{"v": 1, "at": 10}, {"v": 2}])") ==
        "element /1: there is no time at /at");
  CHECK(map(batch, "/b", R"([{"v": 1, "at": 10}, 7])") ==
        "element /1: this is number, not an object");
  const std::string stamped =
      R"({"path": "/b", "measurement": "m", "fields": {"v": "/v"}, "tag_pointers": {"k": "/k"}})";
  CHECK(map(stamped, "/b", R"([{"v": 1, "k": "a"}, {"v": 2, "k": "b"}])") ==
        "m,k=a v f = 1 @5000000000\nm,k=b v f = 2 @5000000000\n");
  CHECK(map(stamped, "/b", R"([{"v": 1, "k": "a"}, {"v": 2, "k": "a"}])")
            .starts_with("several elements are readings of one series without a time"));
}

TEST_CASE("a pointer into an array finds its elements, and nothing behind them") {
  for (const int count : {1, 2, 4, 8, 16, 32}) {
    std::string elements = "0";
    for (int i = 1; i < count; ++i) elements += "," + std::to_string(i);
    const auto at = [&](int index) {
      return map(R"({"path": "/a", "measurement": "m", "fields": {"v": "/x/)" +
                     std::to_string(index) + R"("}})",
                 "/a", R"({"x": [)" + elements + "]}");
    };
    INFO(count);
    CHECK(at(count - 1) == "m v f = " + std::to_string(count - 1) + " @5000000000\n");
    CHECK(at(count) == "none of the fields is there");
  }
}

TEST_CASE("an object that does not fit says where") {
  const std::string path = "/door/a/event";
  CHECK(map(kJson, path, "{\"open\": tru}") == "this is not JSON: byte 13");
  CHECK(map(kJson, path, "") == "this is not JSON: byte 1");
  CHECK(map(kJson, path, R"({"open": true})") == "there is no tag at /kind");
  CHECK(map(kJson, path, R"({"kind": [], "open": true})") ==
        "the tag at /kind is array, not a scalar");
  CHECK(map(kJson, path, R"({"kind": "k", "v": 1.5})") == "the value at \"/v\" is number, not i64");
  CHECK(map(kJson, path, R"({"kind": "k"})") == "none of the fields is there");
  CHECK(map(kJson, path, R"({"kind": "", "v": 1})").starts_with("field v cannot be stored"));
  const std::string big = "{\"kind\": \"k\", \"v\": 1, \"open\": \"" + std::string(70'000, 'x');
  CHECK(map(kJson, path, big + "\"}").starts_with("field open cannot be stored"));
}

TEST_CASE("a form becomes readings by the names of its parameters") {
  CHECK(map(kForm, "/door/front", "k=reed&temp=+21.5+&n=7&open=on&s=a+b%26c&at=100&other=1") ==
        "door,door=front,kind=reed,site=roof n u = 7u @100000000000\n"
        "door,door=front,kind=reed,site=roof open b = true @100000000000\n"
        "door,door=front,kind=reed,site=roof s s = \"a b&c\" @100000000000\n"
        "door,door=front,kind=reed,site=roof t f = 21.5 @100000000000\n");
  CHECK(map(kForm, "/door/a", "k=x&temp=1&temp=2&n=&at=2024-05-01T12:00:00Z\r\n") ==
        "door,door=a,kind=x,site=roof t f = 1 @1714564800000000000\n");
  CHECK(map(kForm, "/door/a", "k=x&s=&at=1.5") ==
        "door,door=a,kind=x,site=roof s s = \"\" @1500000000\n");
}

TEST_CASE("a form that does not fit says which parameter") {
  const auto form = [](const std::string& text) { return map(kForm, "/door/a", text); };
  CHECK(form("k=x&temp=warm&at=1") == "parameter \"temp\" is \"warm\", not f64");
  CHECK(form("k=x&temp=1x&at=1") == "parameter \"temp\" is \"1x\", not f64");
  CHECK(form("k=x&n=-1&at=1") == "parameter \"n\" is \"-1\", not u64");
  CHECK(form("k=x&open=ajar&at=1") == "parameter \"open\" is \"ajar\", not bool");
  CHECK(form("temp=1&at=1") == "there is no tag in parameter \"k\"");
  CHECK(form("k=&temp=1&at=1") == "there is no tag in parameter \"k\"");
  CHECK(form("k=x&temp=1") == "there is no time in parameter \"at\"");
  CHECK(form("k=x&temp=1&at=soon") == "there is no time in parameter \"at\"");
  CHECK(form("k=x&at=1&temp=") == "none of the fields is there");
  CHECK(form("k=x&temp=nan&at=1").starts_with("field t cannot be stored"));
  CHECK(form("k=x&s=%ff&at=1").starts_with("field s cannot be stored"));
  CHECK(form("k=x&temp=%&at=1").starts_with("percent sign at 1"));
}

TEST_CASE("words of switches are bools in any case") {
  const std::string rules =
      R"({"path": "/s", "body": "form", "measurement": "m", "fields": {"on": "on"},
          "types": {"on": "bool"}})";
  for (const char* yes : {"true", "TRUE", "On", "yes", "1"}) {
    CHECK(map(rules, "/s", "on=" + std::string(yes)) == "m on b = true @5000000000\n");
  }
  for (const char* no : {"false", "OFF", "no", "0"}) {
    CHECK(map(rules, "/s", "on=" + std::string(no)) == "m on b = false @5000000000\n");
  }
}

TEST_CASE("the parameters of a URL are as those of a form, and its body counts for nothing") {
  const std::string rules =
      R"({"path": "/w/{id}", "body": "query", "measurement": "w", "fields": {"t": "tempf"}})";
  CHECK(map(rules, "/w/7?tempf=70.1&x=%41", "tempf=1") == "w,id=7 t f = 70.1 @5000000000\n");
  CHECK(map(rules, "/w/7", "tempf=1") == "none of the fields is there");
}

TEST_CASE("a target comes back from its text, whatever is in it") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (const rt::HttpTarget& target :
       {rt::HttpTarget{"/", {}}, rt::HttpTarget{"/a b/c?d#e", {{"x", "1"}, {"", "&="}}},
        rt::HttpTarget{"/" + bytes + "/", {{bytes, bytes}}}}) {
    const std::string text = rt::format_http_target(target);
    INFO(text);
    const auto again = rt::parse_http_target(text);
    REQUIRE(again.has_value());
    CHECK(again->path == target.path);
    CHECK(again->query == target.query);
  }
}

TEST_CASE("times of objects may be text, too") {
  const std::string rules =
      R"({"path": "/a", "measurement": "m", "fields": {"v": "/v"}, "time_pointer": "/at"})";
  CHECK(map(rules, "/a", R"({"v": 1, "at": "2024-05-01T12:00:00.5+02:00"})") ==
        "m v f = 1 @1714557600500000000\n");
  CHECK(map(rules, "/a", R"({"v": 1, "at": "17"})") == "m v f = 1 @17000000000\n");
  CHECK(map(rules, "/a", R"({"v": 1, "at": "noon"})") == "there is no time at /at");
}

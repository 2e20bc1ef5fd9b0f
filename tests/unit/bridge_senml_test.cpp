// SenML as the examples of RFC 8428 have it, and what is none.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <string>

#include "firmware-bridge/protocols/senml.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested
using namespace std::string_literals;

/// "name=value unit @time;", one behind the other; what is wrong.
std::string shown(const rt::Result<std::vector<SenmlReading>>& pack) {
  if (!pack) return pack.error().message;
  std::string out;
  for (const SenmlReading& each : *pack) {
    const mapping::DeviceValue& value = each.value;
    const std::string text = value.type == wire::ValueType::kString ? "'" + value.text + "'"
                             : value.type == wire::ValueType::kBool
                                 ? std::string(value.bits != 0 ? "true" : "false")
                                 : fmt::format("{}", std::bit_cast<double>(value.bits));
    out += fmt::format("{}={}{} @{}{};", each.name, text, each.unit.empty() ? "" : " " + each.unit,
                       each.is_absolute ? "" : "now+", each.time);
  }
  return out;
}

std::string json(const std::string& text) {
  return shown(parse_senml_json(text));
}
std::string cbor(const std::string& bytes) {
  return shown(parse_senml_cbor(bytes));
}

TEST_CASE("the examples of RFC 8428 say what it says") {
  // Section 5.1.1
  CHECK(json(R"([{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}])") ==
        "urn:dev:ow:10e2073a01080063=23.1 Cel @now+0;");
  // Section 5.1.2, shortened
  CHECK(json(R"([{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,
      "n":"voltage","u":"V","v":120.1},{"n":"current","t":-5,"v":1.2},{"n":"current","v":1.7}])") ==
        "urn:dev:ow:10e2073a0108006:voltage=120.1 V @1276020076001000000;"
        "urn:dev:ow:10e2073a0108006:current=1.2 A @1276020071001000000;"
        "urn:dev:ow:10e2073a0108006:current=1.7 A @1276020076001000000;");
  // Section 5.1.4
  CHECK(json(R"([{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},
      {"n":"label","vs":"Machine Room"},{"n":"open","vb":false}])") ==
        "urn:dev:ow:10e2073a01080063:temp=23.1 Cel @now+0;"
        "urn:dev:ow:10e2073a01080063:label='Machine Room' @now+0;"
        "urn:dev:ow:10e2073a01080063:open=false @now+0;");
  // Section 6: the CBOR of the second example's first and last record.
  CHECK(
      cbor("\x82\xa7\x21\x78\x1burn:dev:ow:10e2073a0108006:\x22\xfb\x41\xd3\x03\xa1\x5b\x00\x10\x62"
           "\x23\x61\x41\x20\x05\x00\x67voltage\x01\x61V\x02\xfb\x40\x5e\x06\x66\x66\x66\x66\x66"
           "\xa2\x00\x67"s +
           "current\x02\xfb\x3f\xfb\x33\x33\x33\x33\x33\x33"s) ==
      "urn:dev:ow:10e2073a0108006:voltage=120.1 V @1276020076001000000;"
      "urn:dev:ow:10e2073a0108006:current=1.7 A @1276020076001000000;");
}

TEST_CASE("bases hold from their record on, and times before 2^28 are relative") {
  CHECK(json(R"([{"bv":20,"n":"a","v":1.5},{"n":"b","v":2},{"bv":0,"n":"c","v":3}])") ==
        "a=21.5 @now+0;b=22 @now+0;c=3 @now+0;");
  CHECK(json(R"([{"bn":"x/"},{"n":"a","v":1,"t":-2.5}])") == "x/a=1 @now+-2500000000;");
  CHECK(json(R"([{"n":"a","v":1,"t":268435456}])") == "a=1 @268435456000000000;");
  CHECK(json("[]").empty());
  CHECK(cbor("\x9f\xff"s).empty());
}

TEST_CASE("a relative time in the future is that of the arrival") {
  CHECK(
      json(R"([{"n":"a","v":1,"t":5},{"bt":-1,"n":"b","v":2,"t":0.5},{"n":"c","v":3,"t":1.5}])") ==
      "a=1 @now+0;b=2 @now+-500000000;c=3 @now+0;");
  CHECK(json(R"([{"n":"a","v":1,"t":268435455}])") == "a=1 @now+0;");
}

TEST_CASE("a number that is not finite is for the reader to leave out, and refuses no others") {
  CHECK(cbor("\x82\xa2\x00\x61"
             "a\x02\xf9\x7e\x00\xa2\x00\x61"
             "b\x02\x07"s) == "a=nan @now+0;b=7 @now+0;");
  CHECK(json(R"([{"bv":1e308,"n":"a","v":1e308},{"bv":0,"n":"b","v":7}])") ==
        "a=inf @now+0;b=7 @now+0;");
}

TEST_CASE("labels may be texts in CBOR, and those that nobody knows are passed over") {
  CHECK(cbor("\x81\xa2\x61n\x61"
             "a\x61v\x07"s) == "a=7 @now+0;");
  CHECK(cbor("\x81\xa3\x00\x61"
             "a\x02\x26\x18\x63\xf6"s) == "a=-7 @now+0;");
  CHECK(json(R"([{"n":"a","v":1,"colour":"red"}])") == "a=1 @now+0;");
}

TEST_CASE("what is no SenML, or none that is understood, is refused with the record") {
  const std::pair<const char*, const char*> texts[] = {
      {"{}", "SenML: expected a JSON array"},
      {"[{\"n\":\"a\"", "SenML: expected a JSON array"},
      {"[1]", "SenML: record 1: expected an object"},
      {R"([{"v":1}])", "SenML: record 1: no name, or not one of SenML"},
      {R"([{"n":"a b","v":1}])", "SenML: record 1: no name, or not one of SenML"},
      {R"([{"n":"a","v":1},{"n":"b","v":"1"}])", "SenML: record 2: \"v\" is of a wrong type"},
      {R"([{"n":"a","v":1,"vb":true}])", "SenML: record 1: more than one value"},
      {R"([{"n":"a","v":1,"t":1e18}])", "SenML: record 1: a time that cannot be"},
      {R"([{"n":"a","bver":11,"v":1}])", "SenML: record 1: a version of SenML above 10"},
      {R"([{"n":"a","v":1,"must_":1}])", "SenML: record 1: must_ is not understood"},
      {R"([{"n":"a","s":1}])", "SenML: record 1: s is not understood"},
      {R"([{"n":"a","v":1e400}])", "SenML: expected a JSON array"}};
  for (const auto& [text, expected] : texts) {
    INFO(text);
    CHECK(json(text) == expected);
  }
  CHECK(cbor("\xa0"s) == "CBOR: expected an array");
  CHECK(cbor("\x81\x01"s) == "CBOR: expected a map");
  CHECK(cbor("\x81\xa1\x00"s) == "CBOR: it ends too early");
  CHECK(cbor("\x9f"s) == "CBOR: it ends too early");
  CHECK(cbor("\x80\x80"s) == "SenML: more than a pack");
  CHECK(cbor("\x81\xa2\x00\x61"
             "a\x02\x81\x01"s) == "SenML: record 1: a value of a wrong type");
  CHECK(cbor("\x81\xa3\x00\x61"
             "a\x02\x01\x65must_\x01"s) == "SenML: record 1: must_ is not understood");
  CHECK(cbor("\x81\xa2\x00\x61"
             "a\x05\x01"s) == "SenML: record 1: s is not understood");
  std::string many = "\x99\x04\x01"s;
  for (int i = 0; i < 1025; ++i)
    many +=
        "\xa2\x00\x61"
        "a\x02\x01"s;
  CHECK(cbor(many) == "SenML: record 1025: a pack has at most 1024");
}

}  // namespace
}  // namespace fieldpost::test

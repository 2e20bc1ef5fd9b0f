#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "proto/wire/describe.h"
#include "proto/wire/rfc3339.h"
#include "tests/support/sample_messages.h"

namespace {

using namespace fieldpost;        // NOLINT: a test
using namespace fieldpost::test;  // NOLINT
using Json = nlohmann::json;

SampleMessage sample(std::string_view name) {
  for (SampleMessage& message : sample_messages()) {
    if (message.name == name) return std::move(message);
  }
  FAIL("no sample ", name);
  return {};
}

Json described(std::string_view topic, std::string_view bytes, const wire::PublicKey* key) {
  Json json = Json::parse(wire::describe_message(topic, bytes, key));
  REQUIRE(!json.contains("error"));
  return json;
}

Json described(std::string_view name, const wire::PublicKey* key = nullptr) {
  const SampleMessage message = sample(name);
  return described(message.topic, message.bytes, key);
}

}  // namespace

TEST_CASE("every message is described on one line, with its topic, type and size") {
  for (const SampleMessage& message : sample_messages()) {
    if (message.topic.empty()) continue;
    INFO(message.name);
    const std::string line = wire::describe_message(message.topic, message.bytes);
    CHECK(line.find('\n') == std::string::npos);
    const Json json = Json::parse(line);
    REQUIRE(!json.contains("error"));
    CHECK(json["topic"] == message.topic);
    CHECK(json["type"] == message.name);
    CHECK(json["bytes"] == message.bytes.size());
  }
}

TEST_CASE("an envelope is described with its name, its record and the record's gaps") {
  const Json json = described("envelope");
  CHECK(json["name"] == Json{{"spool", "11111111111111112222222222222222"},
                             {"incarnation", "00000000000000b1"},
                             {"seq", 42}});
  CHECK(json["lane"] == "backfill");
  CHECK(json["sent"]["wall"] == "2023-11-14T22:13:20.123456789Z");
  CHECK(json["record"]["kind"] == "readings");
  CHECK(json["record"]["codec"] == "zstd");
  CHECK(json["record"]["payload_bytes"] == 10);
  CHECK(json["record"]["times"][0] == "2023-11-14T22:13:20.123456589Z");

  wire::Envelope envelope = sample_envelope();
  envelope.record = wire::encode(sample_renamed_record());
  const Json renamed = described("fieldpost/v1/lab/a/up/live", wire::encode(envelope), nullptr);
  const Json& gaps = renamed["record"]["gaps"];
  CHECK(renamed["record"]["first_name"]["seq"] == 17);
  CHECK(renamed["record"]["event"]["type"] == "shed");
  CHECK(gaps[0]["cause"] == "shed");
  CHECK(gaps[0]["names"][0]["seqs"] == Json::array({5, 9}));
  CHECK(gaps[0]["names"][0]["readings_each"] == 4);
  CHECK(gaps[0]["sets"].size() == 2);
  CHECK(gaps[1]["names"][0]["readings_each"].is_null());
  CHECK(gaps[1]["sets"].is_null());
  CHECK(gaps[1]["times"].is_null());
}

TEST_CASE("an envelope with a record that cannot be decoded is described all the same") {
  wire::Envelope envelope = sample_envelope();
  envelope.record = "from the future";
  const Json json = described("fieldpost/v1/lab/a/up/live", wire::encode(envelope), nullptr);
  CHECK(json["name"]["seq"] == 42);
  CHECK(json["record"]["error"] == "decoding record: not a message of this kind");
  CHECK(json["record"]["bytes"] == 15);
}

TEST_CASE("an event that is damaged or no JSON is described as null") {
  for (const std::uint32_t raw_size : {14U, 15U}) {
    wire::Record record = sample_renamed_record();
    record.payload.back() = '?';
    record.raw_size = raw_size;
    wire::Envelope envelope = sample_envelope();
    envelope.record = wire::encode(record);
    const Json json = described("fieldpost/v1/lab/a/up/event", wire::encode(envelope), nullptr);
    CHECK(json["record"]["event"].is_null());
  }
}

TEST_CASE("a fragment is described by its body and place, and a broken one as null") {
  wire::Envelope envelope = sample_envelope();
  wire::Record record = sample_fragment_record();
  envelope.record = wire::encode(record);
  const Json json = described("fieldpost/v1/lab/a/up/bulk", wire::encode(envelope), nullptr);
  CHECK(json["record"]["kind"] == "fragment");
  CHECK(json["record"]["fragment"] == Json{{"body", sample_fragment().body.hex()},
                                           {"size", 98'310},
                                           {"type", "image/jpeg"},
                                           {"offset", 98'304},
                                           {"bytes", 6}});
  record.payload.resize(record.payload.size() / 2);
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  envelope.record = wire::encode(record);
  const Json broken = described("fieldpost/v1/lab/a/up/bulk", wire::encode(envelope), nullptr);
  CHECK(broken["record"]["fragment"].is_null());
}

TEST_CASE("a signed message is opened, and verified only with a key") {
  const wire::PublicKey key = sample_key().public_key();
  const wire::PublicKey other{1};
  CHECK(described("receipt")["signed"] == true);
  CHECK(!described("receipt").contains("verified"));
  CHECK(described("receipt", &key)["verified"] == true);
  CHECK(described("receipt", &other)["verified"] == false);
  CHECK(described("receipt", &other)["verdicts"][0]["verdict"] == "stored");
  CHECK(described("command")["arguments"]["why"] == "new configuration");
}

TEST_CASE("what cannot be decoded is described by topic, error and size") {
  const auto error = [](std::string_view topic, std::string_view payload) {
    return Json::parse(wire::describe_message(topic, payload));
  };
  CHECK(error("fieldpost/v1/lab/a/hello", "abc") ==
        Json{{"topic", "fieldpost/v1/lab/a/hello"},
             {"error", "decoding hello: not a message of this kind"},
             {"bytes", 3}});
  CHECK(error("other/topic", "")["error"] == "not a topic of fieldpost");
  CHECK(error("\xff\xfe", "")["bytes"] == 0);
  CHECK(error("fieldpost/v1/lab/a/cmd", "")["error"] ==
        "decoding signed message: not a message of this kind");
  CHECK(error("fieldpost/v1/lab/a/up/live", "FPE1xxxxyyyy")["error"] ==
        "decoding envelope: its CRC does not match");
}

TEST_CASE("text that is not UTF-8 is shown as far as it goes") {
  wire::NodeState state = sample_node_state();
  state.sources[0].last_error = "bad \xff byte";
  const Json json = described("fieldpost/v1/lab/a/state", wire::encode(state), nullptr);
  CHECK(json["sources"][0]["last_error"] == "bad \xef\xbf\xbd byte");
}

TEST_CASE("times are formatted over the whole range of nanoseconds") {
  CHECK(wire::format_rfc3339({0}) == "1970-01-01T00:00:00.000000000Z");
  CHECK(wire::format_rfc3339({-1}) == "1969-12-31T23:59:59.999999999Z");
  CHECK(wire::format_rfc3339({951'782'399'000'000'001}) == "2000-02-28T23:59:59.000000001Z");
  CHECK(wire::format_rfc3339({951'782'400'000'000'000}) == "2000-02-29T00:00:00.000000000Z");
  CHECK(wire::format_rfc3339({std::numeric_limits<std::int64_t>::max()}) ==
        "2262-04-11T23:47:16.854775807Z");
  CHECK(wire::format_rfc3339({std::numeric_limits<std::int64_t>::min()}) ==
        "1677-09-21T00:12:43.145224192Z");
}

// Golden files pin what was released: a decoder reads them for ever, an encoder makes the same.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/sample_messages.h"

namespace {

using namespace fieldpost;        // NOLINT: a test
using namespace fieldpost::test;  // NOLINT

std::string golden(const std::string& name) {
  std::ifstream file(FIELDPOST_GOLDEN_DIR "/v1/" + name + ".bin", std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "no golden file ", name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string golden_body(const std::string& name, std::string_view leaf) {
  const std::string topic = std::string("fieldpost/v1/lab/greenhouse-3/").append(leaf);
  return *wire::open_signed(topic, golden(name), sample_key().public_key());
}

}  // namespace

TEST_CASE("messages released with version 1 are decoded") {
  CHECK(*wire::decode_record(golden("record")) == sample_record());
  CHECK(*wire::decode_record(golden("record_renamed")) == sample_renamed_record());
  CHECK(*wire::decode_record(golden("record_fragment")) == sample_fragment_record());
  CHECK(*wire::decode_record(golden("record_log_piece")) == sample_log_record());
  CHECK(*wire::decode_record(golden("record_body_gap")) == sample_body_gap_record());
  CHECK(*wire::decode_envelope(golden("envelope")) == sample_envelope());
  CHECK(*wire::decode_hello(golden("hello")) == sample_hello());
  CHECK(*wire::decode_answer(golden("answer")) == sample_answer());
  CHECK(*wire::decode_node_state(golden("node_state")) == sample_node_state());
  CHECK(*wire::decode_challenge(golden_body("challenge", "challenge")) == sample_challenge());
  CHECK(*wire::decode_welcome(golden_body("welcome", "welcome")) == sample_welcome());
  CHECK(*wire::decode_receipt(golden_body("receipt", "receipt")) == sample_receipt());
  CHECK(*wire::decode_command(golden_body("command", "cmd")) == sample_command());
  const std::string body = *wire::open_signed("fieldpost/v1/lab/_coordinator/state",
                                              golden("presence"), sample_key().public_key());
  CHECK(*wire::decode_presence(body) == sample_presence());
}

TEST_CASE("messages are encoded to the bytes that were released") {
  for (const SampleMessage& message : sample_messages()) {
    INFO(message.name);
    const bool same = message.bytes == golden(message.name);
    CHECK(same);
  }
}

// Any bytes into every decoder of messages. What is decoded must survive being encoded again.
#include <cstddef>
#include <cstdint>

#include "proto/rt/result.h"
#include "proto/wire/body.h"
#include "proto/wire/build.h"
#include "proto/wire/describe.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"
#include "proto/wire/topics.h"

namespace {

using namespace fieldpost;  // NOLINT: a test

template <typename Decode>
void round_trip(Decode decode, std::string_view bytes) {
  const auto first = decode(bytes);
  if (!first) return;
  const std::string again = wire::encode(*first);
  if (again.size() > wire::kEnvelopeBytesMax) return;  // its tables were shared
  const auto second = decode(again);
  FP_CHECK(second.has_value() && *second == *first);
}

/// Only a right check sum leads a fuzzer to the decoder behind it.
std::string as_envelope(std::string_view body) {
  std::string bytes = "FPE1";
  const std::uint32_t crc = wire::crc32c(body);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((crc >> shift) & 0xff);
  return bytes.append(body);
}

/// The payload of a record that is one; other bytes as they are.
std::string payload_of(std::string_view bytes) {
  const auto record = wire::decode_record(bytes);
  return record ? record->payload : std::string(bytes);
}

std::string_view without_prefix(std::string_view bytes) {
  return bytes.starts_with("FPE1") && bytes.size() >= 8 ? bytes.substr(8) : bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  round_trip(wire::decode_record, bytes);
  round_trip(wire::decode_envelope, as_envelope(without_prefix(bytes)));
  round_trip(wire::decode_hello, bytes);
  round_trip(wire::decode_answer, bytes);
  round_trip(wire::decode_node_state, bytes);
  round_trip(wire::decode_challenge, bytes);
  round_trip(wire::decode_welcome, bytes);
  round_trip(wire::decode_receipt, bytes);
  round_trip(wire::decode_command, bytes);
  round_trip(wire::decode_presence, bytes);
  round_trip(wire::decode_fragment, payload_of(bytes));
  round_trip(wire::decode_log_piece, payload_of(bytes));
  round_trip(wire::decode_build_fact, payload_of(bytes));
  const auto reference = wire::decode_body_reference(bytes);
  FP_CHECK(!reference || wire::encode(*reference) == bytes);
  for (const char* topic : {"fieldpost/v1/l/n/up/live", "fieldpost/v1/l/n/receipt"}) {
    FP_CHECK(!wire::describe_message(topic, bytes).empty());
  }
  const auto topic = wire::parse_topic(bytes);
  FP_CHECK(!topic || wire::format_topic(*topic) == bytes);
  return 0;
}

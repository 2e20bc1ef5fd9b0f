#include <doctest/doctest.h>

#include "proto/schema/wire_generated.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"
#include "tests/support/sample_messages.h"

namespace {

using namespace fieldpost;        // NOLINT: a test
using namespace fieldpost::test;  // NOLINT

constexpr std::string_view kNotOfKind = "not a message of this kind";

template <typename T>
std::string error_of(const rt::Result<T>& result) {
  if (result) return "decoded";
  return std::string(rt::to_string(result.error().code)) + ": " + result.error().message;
}

template <typename Edit>
std::string envelope_error(Edit edit) {
  wire::Envelope envelope = sample_envelope();
  edit(envelope);
  return error_of(wire::decode_envelope(wire::encode(envelope)));
}

template <typename Edit>
std::string record_error(Edit edit) {
  wire::Record record = sample_renamed_record();
  edit(record);
  return error_of(wire::decode_record(wire::encode(record)));
}

template <typename Edit>
std::string hello_error(Edit edit) {
  wire::Hello hello = sample_hello();
  edit(hello);
  return error_of(wire::decode_hello(wire::encode(hello)));
}

template <typename Edit>
std::string welcome_error(Edit edit) {
  wire::Welcome welcome = sample_welcome();
  edit(welcome);
  return error_of(wire::decode_welcome(wire::encode(welcome)));
}

std::string finished(flatbuffers::FlatBufferBuilder& builder) {
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::string with_prefix(const std::string& body) {
  std::string bytes = "FPE1";
  const std::uint32_t crc = wire::crc32c(body);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>((crc >> shift) & 0xff);
  return bytes + body;
}

/// Runs every decoder over `bytes`; only what a sanitizer says matters.
void decode_all(std::string_view bytes) {
  static_cast<void>(wire::decode_record(bytes).has_value());
  static_cast<void>(wire::decode_envelope(bytes).has_value());
  static_cast<void>(wire::decode_hello(bytes).has_value());
  static_cast<void>(wire::decode_answer(bytes).has_value());
  static_cast<void>(wire::decode_node_state(bytes).has_value());
  static_cast<void>(wire::decode_challenge(bytes).has_value());
  static_cast<void>(wire::decode_welcome(bytes).has_value());
  static_cast<void>(wire::decode_receipt(bytes).has_value());
  static_cast<void>(wire::decode_command(bytes).has_value());
  static_cast<void>(wire::decode_presence(bytes).has_value());
}

constexpr std::uint64_t kSeqPast = wire::kSeqMax + 1;

}  // namespace

TEST_CASE("every message comes back as it was encoded") {
  CHECK(*wire::decode_record(wire::encode(sample_record())) == sample_record());
  CHECK(*wire::decode_record(wire::encode(sample_renamed_record())) == sample_renamed_record());
  CHECK(*wire::decode_envelope(wire::encode(sample_envelope())) == sample_envelope());
  CHECK(*wire::decode_hello(wire::encode(sample_hello())) == sample_hello());
  CHECK(*wire::decode_answer(wire::encode(sample_answer())) == sample_answer());
  CHECK(*wire::decode_node_state(wire::encode(sample_node_state())) == sample_node_state());
  const wire::NodeState grown{.online = true, .messages_ignored = 20};  // since version 1
  CHECK(*wire::decode_node_state(wire::encode(grown)) == grown);
  CHECK(*wire::decode_challenge(wire::encode(sample_challenge())) == sample_challenge());
  CHECK(*wire::decode_welcome(wire::encode(sample_welcome())) == sample_welcome());
  CHECK(*wire::decode_receipt(wire::encode(sample_receipt())) == sample_receipt());
  CHECK(*wire::decode_command(wire::encode(sample_command())) == sample_command());
  wire::Command of_session = sample_command();
  of_session.nonce = 0xfedcba9876543210;
  CHECK(*wire::decode_command(wire::encode(of_session)) == of_session);
  CHECK(*wire::decode_presence(wire::encode(sample_presence())) == sample_presence());
}

TEST_CASE("a message with nothing optional in it comes back as it was encoded") {
  const wire::Record empty;
  CHECK(*wire::decode_record(wire::encode(empty)) == empty);
  const wire::Envelope envelope{.name = {{{1, 2}, 3}, 4}, .record = wire::encode(empty)};
  CHECK(*wire::decode_envelope(wire::encode(envelope)) == envelope);
  const wire::Hello hello{.spool = {1, 2}};
  CHECK(*wire::decode_hello(wire::encode(hello)) == hello);
  CHECK(*wire::decode_node_state(wire::encode(wire::NodeState{})) == wire::NodeState{});
  CHECK(*wire::decode_welcome(wire::encode(wire::Welcome{})) == wire::Welcome{});
  CHECK(*wire::decode_receipt(wire::encode(wire::Receipt{})) == wire::Receipt{});
  CHECK(*wire::decode_presence(wire::encode(wire::Presence{})) == wire::Presence{});
}

TEST_CASE("records of kinds and codecs that we do not know are decoded, for quarantine [env-5]") {
  wire::Record record = sample_record();
  record.kind = 65'535;
  record.codec = 255;
  CHECK(*wire::decode_record(wire::encode(record)) == record);
}

TEST_CASE("bytes may start anywhere in memory") {
  for (std::size_t shift = 1; shift < 8; ++shift) {
    INFO("shifted by ", shift);
    const std::string bytes = std::string(shift, 'x') + wire::encode(sample_welcome());
    CHECK(*wire::decode_welcome(std::string_view(bytes).substr(shift)) == sample_welcome());
  }
}

TEST_CASE("an envelope that is damaged on the way is told apart by its CRC [env-3]") {
  const std::string good = wire::encode(sample_envelope());
  for (std::size_t i = 4; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    INFO("byte ", i);
    CHECK(error_of(wire::decode_envelope(bad)) ==
          "corrupt: decoding envelope: its CRC does not match");
  }
}

TEST_CASE("malformed envelopes are refused, each for its own reason") {
  const auto raw = [](std::string_view bytes) { return error_of(wire::decode_envelope(bytes)); };
  const auto edited = [](auto edit) { return envelope_error(edit); };
  const std::string good = wire::encode(sample_envelope());
  const std::string not_of_kind = "corrupt: decoding envelope: not a message of this kind";

  CHECK(raw("") == "corrupt: decoding envelope: no FPE1 in front");
  CHECK(raw("FPE1123") == "corrupt: decoding envelope: no FPE1 in front");
  CHECK(raw("FPE2" + good.substr(4)) == "corrupt: decoding envelope: no FPE1 in front");
  CHECK(raw(good.substr(0, good.size() - 1)) ==
        "corrupt: decoding envelope: its CRC does not match");
  CHECK(raw(good + '\0') == "corrupt: decoding envelope: its CRC does not match");
  CHECK(raw(std::string(wire::kEnvelopeBytesMax + 1, 'x')) ==
        "corrupt: decoding envelope: too large");
  CHECK(raw(with_prefix("")) == not_of_kind);
  CHECK(raw(with_prefix(std::string(64, '\0'))) == not_of_kind);
  CHECK(raw(with_prefix(good.substr(8, good.size() / 2))) == not_of_kind);

  const std::string incomplete = "corrupt: decoding envelope: a name is incomplete";
  CHECK(edited([](auto& e) { e.name.seq = 0; }) == incomplete);
  CHECK(edited([](auto& e) { e.name.incarnation.value = 0; }) == incomplete);
  CHECK(edited([](auto& e) { e.name.incarnation.spool = {}; }) == incomplete);
  CHECK(edited([](auto& e) { e.marked[0].incarnation.value = 0; }) == incomplete);
  CHECK(edited([](auto& e) { e.lane = static_cast<wire::Lane>(5); }) ==
        "corrupt: decoding envelope: no such lane");
  const std::string bad_range = "corrupt: decoding envelope: a range is empty or begins before 1";
  CHECK(edited([](auto& e) { e.marked[0].seqs = {0, 4}; }) == bad_range);
  CHECK(edited([](auto& e) { e.marked[0].seqs = {5, 4}; }) == bad_range);
  CHECK(edited([](auto& e) { e.definitions[0].assign(wire::kDefinitionBytesMax + 1, 'd'); }) ==
        "corrupt: decoding envelope: a definition is too large");
  CHECK(edited([](auto& e) { e.record.clear(); }) ==
        "corrupt: decoding envelope: it has no record");
}

TEST_CASE("a seq that no incarnation reaches is refused, wherever it stands") {
  const std::string in_envelope = "corrupt: decoding envelope: a seq is too large";
  CHECK(envelope_error([](auto& e) { e.name.seq = kSeqPast; }) == in_envelope);
  CHECK(envelope_error([](auto& e) { e.name.seq = UINT64_MAX; }) == in_envelope);
  CHECK(envelope_error([](auto& e) { e.marked[0].seqs.last = kSeqPast; }) == in_envelope);
  CHECK(envelope_error([](auto& e) { e.name.seq = wire::kSeqMax; }) == "decoded");
  const std::string in_record = "corrupt: decoding record: a seq is too large";
  CHECK(record_error([](auto& r) { r.first_name->seq = kSeqPast; }) == in_record);
  CHECK(record_error([](auto& r) { r.gaps[0].names[0].names.seqs.last = UINT64_MAX; }) ==
        in_record);
  const std::string in_hello = "corrupt: decoding hello: a seq is too large";
  CHECK(hello_error([](auto& h) { h.incarnations[0].highest = kSeqPast; }) == in_hello);
  CHECK(hello_error([](auto& h) { h.incarnations[1].held = {{1, kSeqPast}}; }) == in_hello);
}

TEST_CASE("malformed records are refused, each for its own reason") {
  const auto edited = [](auto edit) { return record_error(edit); };
  CHECK(error_of(wire::decode_record("")) ==
        "corrupt: decoding record: not a message of this kind");
  CHECK(error_of(wire::decode_record(std::string(wire::kEnvelopeBytesMax + 1, 'x'))) ==
        "corrupt: decoding record: too large");
  CHECK(edited([](auto& r) { r.payload.assign(wire::kPayloadBytesMax + 1, 'p'); }) ==
        "corrupt: decoding record: its payload is too large");
  CHECK(edited([](auto& r) { r.raw_size = wire::kRawPayloadBytesMax + 1; }) ==
        "corrupt: decoding record: its payload would unpack to too much");
  CHECK(edited([](auto& r) { r.readings = wire::kRecordReadingsMax + 1; }) ==
        "corrupt: decoding record: too many readings");
  CHECK(edited([](auto& r) { r.first_time = r.last_time + 1; }) ==
        "corrupt: decoding record: it ends before it begins");
  CHECK(edited([](auto& r) { r.first_name->seq = 0; }) ==
        "corrupt: decoding record: a range is empty or begins before 1");
  CHECK(edited([](auto& r) { r.first_name->incarnation = {}; }) ==
        "corrupt: decoding record: a name is incomplete");
  CHECK(edited([](auto& r) { r.gaps.resize(wire::kGapsPerRecordMax + 1); }) ==
        "corrupt: decoding record: too many gaps");
  CHECK(edited([](auto& r) { r.gaps[0].names.resize(wire::kGapNamesMax + 1); }) ==
        "corrupt: decoding record: a gap has too many names");
  CHECK(edited([](auto& r) { r.gaps[0].sets.resize(wire::kGapSetsMax + 1); }) ==
        "corrupt: decoding record: a gap has too many sets");
  CHECK(edited([](auto& r) {
          r.gaps[0].names[0].names.seqs = {9, 5};
        }) == "corrupt: decoding record: a range is empty or begins before 1");
  CHECK(edited([](auto& r) { r.gaps[0].first_time = r.gaps[0].last_time + 1; }) ==
        "corrupt: decoding record: a gap ends before it begins");
  CHECK(edited([](auto& r) { r.gaps[0].cause = static_cast<wire::GapCause>(11); }) ==
        "corrupt: decoding record: a gap has no such cause");
}

TEST_CASE("a record without a stamp is refused") {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(wire::fb::CreateRecord(builder, 1));
  CHECK(error_of(wire::decode_record(finished(builder))) ==
        "corrupt: decoding record: a clock is missing");
}

TEST_CASE("a first name is one name") {
  flatbuffers::FlatBufferBuilder builder;
  const wire::fb::Clock stamp;
  const wire::fb::NameRange two(wire::fb::Id128(1, 2), 3, 4, 5);
  builder.Finish(
      wire::fb::CreateRecord(builder, 0, 0, 0, 0, 0, nullptr, 0, 0, &stamp, false, &two));
  CHECK(error_of(wire::decode_record(finished(builder))) ==
        "corrupt: decoding record: the first name is more than one");
}

TEST_CASE("malformed hellos are refused, each for its own reason") {
  const auto edited = [](auto edit) { return hello_error(edit); };
  CHECK(edited([](auto& h) { h.pages = wire::kHelloPagesMax + 1; }) ==
        "corrupt: decoding hello: too many pages");
  CHECK(edited([](auto& h) { h.page = h.pages; }) == "corrupt: decoding hello: no such page");
  CHECK(edited([](auto& h) { h.pages = h.page = 0; }) == "corrupt: decoding hello: no such page");
  CHECK(edited([](auto& h) { h.spool = {}; }) == "corrupt: decoding hello: it has no spool");
  CHECK(edited([](auto& h) { h.labels.resize(wire::kLabelsMax + 1); }) ==
        "corrupt: decoding hello: too many labels");
  CHECK(edited([](auto& h) { h.incarnations[0].id = {}; }) ==
        "corrupt: decoding hello: an incarnation has no id");
  CHECK(edited([](auto& h) { h.incarnations[0].parent.spool = {}; }) ==
        "corrupt: decoding hello: half of a parent is missing");
  const std::string bad_range = "corrupt: decoding hello: a range is empty or begins before 1";
  CHECK(edited([](auto& h) { h.incarnations[1].held = {{2, 1}}; }) == bad_range);
  CHECK(edited([](auto& h) { h.incarnations[1].kept = {{0, 1}}; }) == bad_range);
  const std::string descends = "corrupt: decoding hello: ranges overlap or descend";
  CHECK(edited([](auto& h) { h.incarnations[1].held = {{5, 6}, {1, 2}}; }) == descends);
  CHECK(edited([](auto& h) { h.incarnations[1].kept = {{1, 3}, {3, 4}}; }) == descends);
  CHECK(edited([](auto& h) { h.incarnations.resize(9000, h.incarnations[0]); }) ==
        "corrupt: decoding hello: too large");
}

TEST_CASE("malformed downlink messages are refused, each for its own reason") {
  const auto edited = [](auto edit) { return welcome_error(edit); };
  const auto is = [](std::string_view why) {
    return "corrupt: decoding welcome: " + std::string(why);
  };
  CHECK(edited([](auto& w) { w.verdicts[0].verdict = wire::Verdict::kNone; }) ==
        is("no such verdict"));
  CHECK(edited([](auto& w) { w.verdicts[0].verdict = static_cast<wire::Verdict>(6); }) ==
        is("no such verdict"));
  CHECK(edited([](auto& w) { w.verdicts[0].names.seqs = {}; }) ==
        is("a range is empty or begins before 1"));
  CHECK(edited([](auto& w) { w.stored[0].name.seq = 0; }) == is("a name is incomplete"));
  CHECK(edited([](auto& w) {
          w.missing[0].seqs = {4, 3};
        }) == is("a range is empty or begins before 1"));
  CHECK(edited([](auto& w) { w.ordinals[0].incarnation = {}; }) == is("an incarnation has no id"));
  CHECK(edited([](auto& w) { w.ordinals[0].ordinal = 0; }) == is("an ordinal is zero"));

  wire::Receipt receipt = sample_receipt();
  receipt.verdicts[0].names.incarnation = {};
  CHECK(error_of(wire::decode_receipt(wire::encode(receipt))) ==
        "corrupt: decoding receipt: a name is incomplete");
  wire::Command command = sample_command();
  command.verb.clear();
  CHECK(error_of(wire::decode_command(wire::encode(command))) ==
        "corrupt: decoding command: it has no verb");
  command = sample_command();
  command.id = 0;
  CHECK(error_of(wire::decode_command(wire::encode(command))) ==
        "corrupt: decoding command: it has no id");
  wire::NodeState state = sample_node_state();
  state.sources.resize(wire::kSourcesMax + 1);
  CHECK(error_of(wire::decode_node_state(wire::encode(state))) ==
        "corrupt: decoding node state: too many sources");
}

TEST_CASE("a presence is believed when the key in it signed it, for its topic") {
  const std::string topic = "fieldpost/v1/lab/_coordinator/state";
  wire::Presence presence = sample_presence();
  presence.public_key = sample_key().public_key();
  const std::string body = wire::encode(presence);
  const std::string message = sample_key().seal(topic, body);
  CHECK(*wire::open_presence(topic, message) == presence);
  const auto code_of = [](const rt::Result<wire::Presence>& refused) {
    REQUIRE(!refused);
    return refused.error().code;
  };
  CHECK(code_of(wire::open_presence("fieldpost/v1/other/_coordinator/state", message)) ==
        rt::Errc::kDenied);
  CHECK(code_of(wire::open_presence(topic, body)) == rt::Errc::kCorrupt);  // not signed at all
  presence.public_key[0] ^= 1;
  CHECK(code_of(wire::open_presence(topic, sample_key().seal(topic, wire::encode(presence)))) ==
        rt::Errc::kDenied);
}

TEST_CASE("a presence without a whole key is refused") {
  flatbuffers::FlatBufferBuilder builder;
  const auto key = builder.CreateVector(std::vector<std::uint8_t>(31));
  builder.Finish(wire::fb::CreatePresence(builder, true, nullptr, 0, key));
  CHECK(error_of(wire::decode_presence(finished(builder))) ==
        "corrupt: decoding presence: its key is not 32 bytes");
}

TEST_CASE("a small message whose parts overlap does not grow when it is decoded") {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<wire::fb::SeqRange> ranges;
  for (std::uint64_t i = 1; i <= 1000; ++i) ranges.emplace_back(2 * i, 2 * i);
  const auto held = builder.CreateVectorOfStructs(ranges);
  const wire::fb::Id128 spool(1, 2);
  const auto statement =
      wire::fb::CreateIncarnationStatement(builder, &spool, 3, nullptr, 0, 0, 0, false, held);
  const auto statements = builder.CreateVector(std::vector(4000, statement));
  const wire::fb::Clock clock;
  builder.Finish(wire::fb::CreateHello(builder, 1, 0, 1, &spool, statements, nullptr, 0, &clock));
  CHECK(error_of(wire::decode_hello(finished(builder))) ==
        "corrupt: decoding hello: its parts overlap");
}

TEST_CASE("a vector of structs at an odd address is refused") {
  std::size_t odd = 0;
  for (const std::size_t padding : {0U, 4U}) {
    // A vector of bytes is aligned to four only; as a vector of structs it would want eight.
    flatbuffers::FlatBufferBuilder builder;
    const auto needs = builder.CreateVector(std::vector<std::uint8_t>(sizeof(wire::fb::Id128)));
    builder.Pad(padding);
    const auto start = builder.StartTable();
    builder.AddOffset(wire::fb::Receipt::VT_NEEDS, needs);
    builder.Finish(flatbuffers::Offset<wire::fb::Receipt>(builder.EndTable(start)));
    std::string message = finished(builder);
    const auto* flat = flatbuffers::GetRoot<wire::fb::Receipt>(message.data())->needs();
    const auto at = reinterpret_cast<const char*>(flat) - message.data();
    message[static_cast<std::size_t>(at)] = 1;  // the count of bytes becomes one struct
    const bool aligned = (at + 4) % 8 == 0;
    odd += aligned ? 0 : 1;
    CHECK(error_of(wire::decode_receipt(message)) ==
          (aligned ? "decoded" : "corrupt: decoding receipt: a vector is not aligned"));
  }
  CHECK(odd == 1);
}

TEST_CASE("cut or flipped anywhere, a message is refused or decoded, and nothing else happens") {
  for (const SampleMessage& sample : sample_messages()) {
    INFO(sample.name);
    for (std::size_t i = 0; i < sample.bytes.size(); ++i) {
      decode_all(std::string_view(sample.bytes).substr(0, i));
      std::string flipped = sample.bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
      decode_all(flipped);
    }
  }
  CHECK(error_of(wire::decode_answer(wire::encode(sample_hello()).substr(0, 20)))
            .ends_with(kNotOfKind));
}

TEST_CASE("an incarnation's part of the digest is BLAKE2b-128 of fixed-width big-endian fields") {
  const wire::IncarnationId id{{0x0102030405060708, 0x090a0b0c0d0e0f10}, 0x1112131415161718};
  const wire::IncarnationId parent{{0x2122232425262728, 0x292a2b2c2d2e2f30}, 0x3132333435363738};
  std::string bytes;
  for (int i = 0x01; i <= 0x18; ++i) bytes += static_cast<char>(i);
  for (int i = 0x21; i <= 0x38; ++i) bytes += static_cast<char>(i);
  for (int i = 0x41; i <= 0x48; ++i) bytes += static_cast<char>(i);
  CHECK(wire::digest_of(id, parent, 0x4142434445464748) == wire::hash128(bytes));
}

TEST_CASE("causes of gaps are called as in the schema") {
  for (const auto cause : wire::fb::EnumValuesGapCause()) {
    CHECK(wire::to_string(static_cast<wire::GapCause>(cause)) ==
          std::string_view(wire::fb::EnumNameGapCause(cause)));
  }
}

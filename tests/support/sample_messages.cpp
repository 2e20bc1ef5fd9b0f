#include "tests/support/sample_messages.h"

#include "proto/wire/limits.h"

namespace fieldpost::test {
namespace {

constexpr wire::SpoolId kSpool{0x1111111111111111, 0x2222222222222222};
constexpr wire::SpoolId kOldSpool{0x3333333333333333, 0x4444444444444444};
constexpr wire::StoreId kStore{0x5555555555555555, 0x6666666666666666};
constexpr wire::Hash128 kSet{0x7777777777777777, 0x8888888888888888};
constexpr wire::Hash128 kOtherSet{0x9999999999999999, 0xaaaaaaaaaaaaaaaa};
constexpr wire::IncarnationId kLive{kSpool, 0xb1};
constexpr wire::IncarnationId kParent{kSpool, 0xa1};
constexpr wire::IncarnationId kSalvaged{kOldSpool, 0x91};
constexpr std::uint64_t kNonce = 0xc0ffee;
constexpr std::uint64_t kGeneration = 0xfeed;
constexpr std::int64_t kTime = 1'700'000'000'123'456'789;
constexpr std::string_view kPrefix = "fieldpost/v1/lab/greenhouse-3/";

wire::Clock sample_clock() {
  return {.wall = {kTime},
          .mono = {rt::Nanos(987'654'321)},
          .boot = {0xb0, 0x07, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
          .synchronised = true};
}

}  // namespace

wire::Record sample_record() {
  return {.kind = static_cast<std::uint16_t>(wire::RecordKind::kReadings),
          .codec = 1,
          .raw_size = 40,
          .payload = std::string("columns\0\x01\xff", 10),
          .readings = 3,
          .set = kSet,
          .first_time = kTime - 200,
          .last_time = kTime,
          .stamp = sample_clock()};
}

wire::Record sample_renamed_record() {
  wire::Record record{.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent),
                      .raw_size = 15,
                      .payload = R"({"type":"shed"})",
                      .stamp = sample_clock(),
                      .boot_stamped = true,
                      .first_name = wire::Name{kParent, 17}};
  record.gaps.push_back({.names = {{{kParent, {5, 9}}, 4, true}, {{kSalvaged, {1, 1}}, 0, false}},
                         .sets = {kSet, kOtherSet},
                         .sets_known = true,
                         .first_time = kTime - 5'000,
                         .last_time = kTime - 4'000,
                         .cause = wire::GapCause::kShed});
  record.gaps.push_back(
      {.names = {{{kSalvaged, {2, 65'536}}, 0, false}}, .cause = wire::GapCause::kDamaged});
  return record;
}

wire::Fragment sample_fragment() {
  return {.body = wire::sha256("the body"),
          .size = wire::kFragmentBytes + 6,
          .type = "image/jpeg",
          .offset = wire::kFragmentBytes,
          .bytes = std::string("end\0\x01\xff", 6)};
}

wire::Record sample_fragment_record() {
  const std::string payload = wire::encode(sample_fragment());
  return {.kind = static_cast<std::uint16_t>(wire::RecordKind::kFragment),
          .raw_size = static_cast<std::uint32_t>(payload.size()),
          .payload = payload,
          .first_time = kTime,
          .last_time = kTime,
          .stamp = sample_clock()};
}

wire::LogPiece sample_log_piece() {
  return {{{0x0123456789abcdef, 0xfedcba9876543210}, 3}, 70'000, "\x1b[32mok\x1b[0m\n"};
}

wire::Record sample_log_record() {
  const std::string payload = wire::encode(sample_log_piece());
  return {.kind = static_cast<std::uint16_t>(wire::RecordKind::kLogPiece),
          .raw_size = static_cast<std::uint32_t>(payload.size()),
          .payload = payload,
          .first_time = kTime,
          .last_time = kTime,
          .stamp = sample_clock()};
}

wire::Record sample_body_gap_record() {
  wire::Record record{.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty),
                      .stamp = sample_clock()};
  record.gaps.push_back({.names = {{{kParent, {5, 9}}, 0, true}},
                         .first_time = kTime - 5'000,
                         .last_time = kTime - 4'000,
                         .cause = wire::GapCause::kAged,
                         .fragments = 5});
  return record;
}

wire::Receipt sample_waiting_receipt() {
  wire::Receipt receipt = sample_receipt();
  receipt.waits = {{kLive, {45, 46}}};
  return receipt;
}

wire::Envelope sample_envelope() {
  return {.name = {kLive, 42},
          .lane = wire::Lane::kBackfill,
          .nonce = kNonce,
          .replay = true,
          .sent = sample_clock(),
          .marked = {{kParent, {1, 16}}, {kLive, {1, 40}}},
          .definitions = {"air,site=roof temperature f C\nair,site=roof humidity f %\n"},
          .record = wire::encode(sample_record())};
}

wire::Hello sample_hello() {
  return {.nonce = kNonce,
          .page = 1,
          .pages = 2,
          .spool = kSpool,
          .incarnations =
              {{.id = kParent, .parent = kSalvaged, .ordinal = 7, .highest = 20, .kept = {{1, 20}}},
               {.id = kLive,
                .parent = kParent,
                .ordinal = 8,
                .highest = 43,
                .live = true,
                .held = {{41, 41}, {43, 43}},
                .kept = {{1, 40}, {42, 42}}}},
          .digest = kOtherSet,
          .digest_count = 12,
          .clock = sample_clock(),
          .version = "1.2.3",
          .labels = {"linux", "x86_64"},
          .store_id = kStore,
          .generation = kGeneration,
          .command_mark = 6};
}

wire::Answer sample_answer() {
  return {.nonce = kNonce, .number = 0x123456789abcdef0, .statement = kOtherSet};
}

wire::NodeState sample_node_state() {
  return {.online = true,
          .version = "1.2.3",
          .labels = {"linux", "x86_64"},
          .clock = sample_clock(),
          .records_held = 11,
          .bytes_held = 12'000,
          .readings_held = 1'300,
          .oldest_age_ms = 14'000,
          .forecast_s = 15,
          .forecast_class = "camera",
          .accepted = 1'600,
          .shed = 17,
          .disk_bytes_written = 18'000,
          .wire_bytes_sent = 19'000,
          .sources = {{"host_metrics", 1'600, 0, ""}, {"exec:load", 0, 3, "exit status 1"}}};
}

wire::Challenge sample_challenge() {
  return {.store_id = kStore,
          .generation = kGeneration,
          .nonce = kNonce,
          .number = 0x123456789abcdef0,
          .list_all = true};
}

wire::Welcome sample_welcome() {
  return {.store_id = kStore,
          .generation = kGeneration,
          .nonce = kNonce,
          .time = {kTime},
          .verdicts = {{{kLive, {41, 41}}, wire::Verdict::kGapped},
                       {{kLive, {43, 43}}, wire::Verdict::kQuarantined}},
          .stored = {{{kParent, 17}, kSet}},
          .missing = {{kParent, {3, 4}}},
          .ordinals = {{kParent, 7}, {kLive, 8}},
          .credit_bytes = 1'000'000,
          .event_credit_bytes = 262'144,
          .command_mark = 6};
}

wire::Receipt sample_receipt() {
  return {.store_id = kStore,
          .generation = kGeneration,
          .nonce = kNonce,
          .time = {kTime},
          .verdicts = {{{kLive, {1, 42}}, wire::Verdict::kStored},
                       {{kLive, {44, 44}}, wire::Verdict::kConflict}},
          .needs = {kSet},
          .credit_bytes = 2'000'000,
          .event_credit_bytes = 262'144};
}

wire::Command sample_command() {
  return {.store_id = kStore,
          .generation = kGeneration,
          .spool = kSpool,
          .id = 7,
          .expires = {kTime + 60'000'000'000},
          .verb = "reload",
          .arguments = R"({"why":"new configuration"})"};
}

wire::Presence sample_presence() {
  return {.online = true,
          .store_id = kStore,
          .generation = kGeneration,
          .public_key = sample_key().public_key(),
          .version = "1.2.3"};
}

wire::SigningKey sample_key() {
  return *wire::SigningKey::from_seed_hex(
      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}

std::vector<SampleMessage> sample_messages() {
  const wire::SigningKey key = sample_key();
  const auto plain = [](std::string name, std::string_view leaf, std::string bytes) {
    return SampleMessage{std::move(name), std::string(kPrefix).append(leaf), std::move(bytes)};
  };
  const auto sealed = [&](std::string name, std::string_view leaf, const std::string& body) {
    const std::string topic = std::string(kPrefix).append(leaf);
    return SampleMessage{std::move(name), topic, key.seal(topic, body)};
  };
  const std::string presence_topic = "fieldpost/v1/lab/_coordinator/state";
  return {
      {"record", "", wire::encode(sample_record())},
      {"record_renamed", "", wire::encode(sample_renamed_record())},
      {"record_fragment", "", wire::encode(sample_fragment_record())},
      {"record_log_piece", "", wire::encode(sample_log_record())},
      {"record_body_gap", "", wire::encode(sample_body_gap_record())},
      plain("envelope", "up/backfill", wire::encode(sample_envelope())),
      plain("hello", "hello", wire::encode(sample_hello())),
      plain("answer", "answer", wire::encode(sample_answer())),
      plain("node_state", "state", wire::encode(sample_node_state())),
      sealed("challenge", "challenge", wire::encode(sample_challenge())),
      sealed("welcome", "welcome", wire::encode(sample_welcome())),
      sealed("receipt", "receipt", wire::encode(sample_receipt())),
      sealed("command", "cmd", wire::encode(sample_command())),
      {"presence", presence_topic, key.seal(presence_topic, wire::encode(sample_presence()))},
  };
}

}  // namespace fieldpost::test

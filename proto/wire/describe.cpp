#include "proto/wire/describe.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "proto/wire/body.h"
#include "proto/wire/build.h"
#include "proto/wire/hash.h"
#include "proto/wire/messages.h"
#include "proto/wire/readings_codec.h"
#include "proto/wire/rfc3339.h"
#include "proto/wire/topics.h"

namespace fieldpost::wire {
namespace {

using Json = nlohmann::ordered_json;

std::string hex(std::uint64_t number) {
  return fmt::format("{:016x}", number);
}

Json json_of(const std::string& text) {
  return text;
}

Json json_of(const Id128& id) {
  return id.hex();
}

Json json_of(const IncarnationId& id) {
  return {{"spool", id.spool.hex()}, {"incarnation", hex(id.value)}};
}

Json json_of(const Name& name) {
  Json json = json_of(name.incarnation);
  json["seq"] = name.seq;
  return json;
}

Json json_of(const SeqRange& range) {
  return Json::array({range.first, range.last});
}

Json json_of(const NameRange& range) {
  Json json = json_of(range.incarnation);
  json["seqs"] = json_of(range.seqs);
  return json;
}

Json json_of(const GapNames& names);
Json json_of(const Gap& gap);
Json json_of(const IncarnationStatement& statement);
Json json_of(const SourceState& source);
Json json_of(const VerdictRange& range);
Json json_of(const StoredHash& stored);
Json json_of(const OrdinalOf& ordinal);

template <typename Value>
Json json_of(const std::vector<Value>& values) {
  Json json = Json::array();
  for (const Value& value : values) json.push_back(json_of(value));
  return json;
}

Json json_of(const Clock& clock) {
  const std::string_view boot(reinterpret_cast<const char*>(clock.boot.data()), clock.boot.size());
  return {{"wall", format_rfc3339(clock.wall)},
          {"since_boot_ns", clock.mono.since_boot.count()},
          {"boot", Id128::from_bytes(boot).hex()},
          {"synchronised", clock.synchronised}};
}

/// Null when not known, which both zero means.
Json span_of(std::int64_t first, std::int64_t last) {
  if (first == 0 && last == 0) return nullptr;
  return Json::array({format_rfc3339({first}), format_rfc3339({last})});
}

Json json_of(const GapNames& names) {
  Json json = json_of(names.names);
  json["readings_each"] = names.known ? Json(names.each) : Json(nullptr);
  return json;
}

Json json_of(const Gap& gap) {
  return {{"cause", to_string(gap.cause)},
          {"names", json_of(gap.names)},
          {"sets", gap.sets_known ? json_of(gap.sets) : Json(nullptr)},
          {"fragments", gap.fragments},
          {"times", span_of(gap.first_time, gap.last_time)}};
}

Json kind_of(std::uint16_t kind) {
  switch (static_cast<RecordKind>(kind)) {
    case RecordKind::kEmpty: return "empty";
    case RecordKind::kReadings: return "readings";
    case RecordKind::kEvent: return "event";
    case RecordKind::kFragment: return "fragment";
    case RecordKind::kLogPiece: return "log_piece";
  }
  return kind;
}

Json codec_of(std::uint8_t codec) {
  if (codec > 1) return codec;
  return codec == 0 ? "plain" : "zstd";
}

/// Null for one that is damaged or no JSON.
Json event_of(const Record& record) {
  const auto text = decompress(record.payload, record.codec, record.raw_size);
  if (!text) return nullptr;
  Json event = Json::parse(*text, nullptr, false);
  return event.is_discarded() ? Json(nullptr) : event;
}

Json fragment_of(const Record& record) {
  const auto payload = decompress(record.payload, record.codec, record.raw_size);
  if (!payload) return nullptr;
  const auto fragment = decode_fragment(*payload);
  if (!fragment) return nullptr;
  return {{"body", fragment->body.hex()},
          {"size", fragment->size},
          {"type", fragment->type},
          {"offset", fragment->offset},
          {"bytes", fragment->bytes.size()}};
}

Json log_piece_of(const Record& record) {
  const auto payload = decompress(record.payload, record.codec, record.raw_size);
  if (!payload) return nullptr;
  const auto piece = decode_log_piece(*payload);
  if (!piece) return nullptr;
  return {{"job", piece->attempt.job.hex()},
          {"fence", piece->attempt.fence},
          {"offset", piece->offset},
          {"bytes", piece->bytes.size()}};
}

Json json_of(const Record& record) {
  Json json{{"kind", kind_of(record.kind)},
            {"codec", codec_of(record.codec)},
            {"payload_bytes", record.payload.size()},
            {"raw_bytes", record.raw_size},
            {"readings", record.readings},
            {"set", record.set.is_zero() ? Json(nullptr) : json_of(record.set)},
            {"times", span_of(record.first_time, record.last_time)},
            {"stamp", json_of(record.stamp)},
            {"boot_stamped", record.boot_stamped}};
  if (record.kind == static_cast<std::uint16_t>(RecordKind::kEvent))
    json["event"] = event_of(record);
  if (record.kind == static_cast<std::uint16_t>(RecordKind::kFragment))
    json["fragment"] = fragment_of(record);
  if (record.kind == static_cast<std::uint16_t>(RecordKind::kLogPiece))
    json["log_piece"] = log_piece_of(record);
  if (record.first_name) json["first_name"] = json_of(*record.first_name);
  if (!record.gaps.empty()) json["gaps"] = json_of(record.gaps);
  return json;
}

Json describe_record(const std::string& bytes) {
  const auto record = decode_record(bytes);
  Json json = record ? json_of(*record) : Json{{"error", record.error().message}};
  json["bytes"] = bytes.size();
  json["hash"] = hash128(bytes).hex();
  return json;
}

Json json_of(const Envelope& envelope) {
  Json definitions = Json::array();
  for (const std::string& bytes : envelope.definitions) {
    definitions.push_back({{"set", hash128(bytes).hex()}, {"bytes", bytes.size()}});
  }
  return {{"name", json_of(envelope.name)}, {"lane", to_string(envelope.lane)},
          {"nonce", hex(envelope.nonce)},   {"replay", envelope.replay},
          {"sent", json_of(envelope.sent)}, {"marked", json_of(envelope.marked)},
          {"definitions", definitions},     {"record", describe_record(envelope.record)}};
}

Json json_of(const IncarnationStatement& statement) {
  Json json = json_of(statement.id);
  json["parent"] = statement.parent.is_none() ? Json(nullptr) : json_of(statement.parent);
  json["ordinal"] = statement.ordinal;
  json["highest"] = statement.highest;
  json["live"] = statement.live;
  json["held"] = json_of(statement.held);
  json["kept"] = json_of(statement.kept);
  return json;
}

Json json_of(const Hello& hello) {
  return {{"nonce", hex(hello.nonce)},
          {"page", hello.page},
          {"pages", hello.pages},
          {"spool", hello.spool.hex()},
          {"incarnations", json_of(hello.incarnations)},
          {"digest", hello.digest.hex()},
          {"digest_count", hello.digest_count},
          {"clock", json_of(hello.clock)},
          {"version", hello.version},
          {"labels", json_of(hello.labels)},
          {"store_id", hello.store_id.hex()},
          {"generation", hex(hello.generation)},
          {"command_mark", hello.command_mark}};
}

Json json_of(const Answer& answer) {
  return {{"nonce", hex(answer.nonce)}, {"number", hex(answer.number)}};
}

Json json_of(const SourceState& source) {
  return {{"name", source.name},
          {"readings", source.readings},
          {"errors", source.errors},
          {"last_error", source.last_error}};
}

Json json_of(const NodeState& state) {
  return {{"online", state.online},
          {"version", state.version},
          {"labels", json_of(state.labels)},
          {"clock", json_of(state.clock)},
          {"records_held", state.records_held},
          {"bytes_held", state.bytes_held},
          {"readings_held", state.readings_held},
          {"oldest_age_ms", state.oldest_age_ms},
          {"forecast_s", state.forecast_s},
          {"forecast_class", state.forecast_class},
          {"accepted", state.accepted},
          {"shed", state.shed},
          {"disk_bytes_written", state.disk_bytes_written},
          {"wire_bytes_sent", state.wire_bytes_sent},
          {"sources", json_of(state.sources)},
          {"messages_ignored", state.messages_ignored}};
}

Json json_of(const VerdictRange& range) {
  Json json = json_of(range.names);
  json["verdict"] = to_string(range.verdict);
  return json;
}

Json json_of(const StoredHash& stored) {
  Json json = json_of(stored.name);
  json["hash"] = stored.hash.hex();
  return json;
}

Json json_of(const OrdinalOf& ordinal) {
  Json json = json_of(ordinal.incarnation);
  json["ordinal"] = ordinal.ordinal;
  return json;
}

Json json_of(const Challenge& challenge) {
  return {{"store_id", challenge.store_id.hex()},
          {"generation", hex(challenge.generation)},
          {"nonce", hex(challenge.nonce)},
          {"number", hex(challenge.number)},
          {"list_all", challenge.list_all}};
}

Json json_of(const Welcome& welcome) {
  return {
      {"store_id", welcome.store_id.hex()},    {"generation", hex(welcome.generation)},
      {"nonce", hex(welcome.nonce)},           {"time", format_rfc3339(welcome.time)},
      {"verdicts", json_of(welcome.verdicts)}, {"stored", json_of(welcome.stored)},
      {"missing", json_of(welcome.missing)},   {"ordinals", json_of(welcome.ordinals)},
      {"credit_bytes", welcome.credit_bytes},  {"event_credit_bytes", welcome.event_credit_bytes},
      {"command_mark", welcome.command_mark}};
}

Json json_of(const Receipt& receipt) {
  return {{"store_id", receipt.store_id.hex()},
          {"generation", hex(receipt.generation)},
          {"nonce", hex(receipt.nonce)},
          {"time", format_rfc3339(receipt.time)},
          {"verdicts", json_of(receipt.verdicts)},
          {"needs", json_of(receipt.needs)},
          {"waits", json_of(receipt.waits)},
          {"credit_bytes", receipt.credit_bytes},
          {"event_credit_bytes", receipt.event_credit_bytes}};
}

Json json_of(const Command& command) {
  // Arguments are JSON; what is not stays text.
  const Json arguments = Json::parse(command.arguments, nullptr, false);
  return {{"store_id", command.store_id.hex()},
          {"generation", hex(command.generation)},
          {"nonce", hex(command.nonce)},
          {"spool", command.spool.hex()},
          {"id", command.id},
          {"expires", format_rfc3339(command.expires)},
          {"verb", command.verb},
          {"arguments", arguments.is_discarded() ? Json(command.arguments) : arguments}};
}

Json json_of(const Presence& presence) {
  return {{"online", presence.online},
          {"store_id", presence.store_id.hex()},
          {"generation", hex(presence.generation)},
          {"public_key", fmt::format("{:02x}", fmt::join(presence.public_key, ""))},
          {"version", presence.version}};
}

template <typename Message>
rt::Result<Json> json_or_error(const char* type, const rt::Result<Message>& message) {
  if (!message) return message.error();
  Json json{{"type", type}};
  json.update(json_of(*message));
  return json;
}

template <typename Decode>
rt::Result<Json> unsealed(const char* type, std::string_view topic, std::string_view payload,
                          const PublicKey* key, Decode decode) {
  const auto body = peek_signed_body(payload);
  if (!body) return body.error();
  auto json = json_or_error(type, decode(*body));
  if (!json) return json;
  (*json)["signed"] = true;
  if (key != nullptr) (*json)["verified"] = open_signed(topic, payload, *key).has_value();
  return json;
}

rt::Result<Json> json_for(TopicKind kind, std::string_view topic, std::string_view payload,
                          const PublicKey* key) {
  switch (kind) {
    case TopicKind::kHello: return json_or_error("hello", decode_hello(payload));
    case TopicKind::kAnswer: return json_or_error("answer", decode_answer(payload));
    case TopicKind::kUp: return json_or_error("envelope", decode_envelope(payload));
    case TopicKind::kState: return json_or_error("node_state", decode_node_state(payload));
    case TopicKind::kPresence: return unsealed("presence", topic, payload, key, decode_presence);
    case TopicKind::kChallenge: return unsealed("challenge", topic, payload, key, decode_challenge);
    case TopicKind::kWelcome: return unsealed("welcome", topic, payload, key, decode_welcome);
    case TopicKind::kReceipt: return unsealed("receipt", topic, payload, key, decode_receipt);
    case TopicKind::kCommand: return unsealed("command", topic, payload, key, decode_command);
  }
  FP_CHECK(false);
}

rt::Result<Json> json_for(std::string_view topic, std::string_view payload, const PublicKey* key) {
  const auto parsed = parse_topic(topic);
  if (!parsed) return rt::Error{rt::Errc::kInvalid, "not a topic of fieldpost"};
  return json_for(parsed->kind, topic, payload, key);
}

}  // namespace

std::string describe_message(std::string_view topic, std::string_view payload,
                             const PublicKey* key) {
  Json json{{"topic", topic}};
  if (const auto message = json_for(topic, payload, key)) {
    json.update(*message);
  } else {
    json["error"] = message.error().message;
  }
  json["bytes"] = payload.size();
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace fieldpost::wire

// What the coordinator sends: bodies of `Signed` messages.
#include <algorithm>

#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/messages.h"

namespace fieldpost::wire {
namespace {

std::vector<VerdictRange> read_verdicts(FlatReader& in, std::vector<VerdictRange> verdicts) {
  for (const VerdictRange& one : verdicts) {
    in.require_names(one.names);
    in.require(one.verdict > Verdict::kNone && one.verdict <= Verdict::kConflict,
               "no such verdict");
  }
  return verdicts;
}

std::vector<StoredHash> read_stored(FlatReader& in, std::vector<StoredHash> stored) {
  for (const StoredHash& one : stored) in.require_name(one.name);
  return stored;
}

std::vector<OrdinalOf> read_ordinals(FlatReader& in, std::vector<OrdinalOf> ordinals) {
  for (const OrdinalOf& one : ordinals) {
    in.require(!one.incarnation.spool.is_zero() && !one.incarnation.is_none(),
               "an incarnation has no id");
    in.require(one.ordinal >= 1, "an ordinal is zero");
  }
  return ordinals;
}

PublicKey read_key(FlatReader& in, const flatbuffers::Vector<std::uint8_t>* flat) {
  PublicKey key{};
  if (in.require(flat != nullptr && flat->size() == key.size(), "its key is not 32 bytes")) {
    std::copy(flat->begin(), flat->end(), key.begin());
  }
  return key;
}

}  // namespace

std::string encode(const Challenge& challenge) {
  flatbuffers::FlatBufferBuilder builder;
  const auto store_id = to_flat(challenge.store_id);
  return finish(builder,
                fb::CreateChallenge(builder, &store_id, challenge.generation, challenge.nonce,
                                    challenge.number, challenge.list_all));
}

rt::Result<Challenge> decode_challenge(std::string_view bytes) {
  FlatReader in("challenge", bytes);
  const auto* flat = in.root<fb::Challenge>();
  if (flat == nullptr) return in.error();
  return in.finish(Challenge{.store_id = id_or_zero(flat->store_id()),
                             .generation = flat->generation(),
                             .nonce = flat->nonce(),
                             .number = flat->number(),
                             .list_all = flat->list_all()});
}

std::string encode(const Welcome& welcome) {
  flatbuffers::FlatBufferBuilder builder;
  const auto verdicts = write_structs(builder, welcome.verdicts);
  const auto stored = write_structs(builder, welcome.stored);
  const auto missing = write_structs(builder, welcome.missing);
  const auto ordinals = write_structs(builder, welcome.ordinals);
  const auto store_id = to_flat(welcome.store_id);
  return finish(builder, fb::CreateWelcome(builder, &store_id, welcome.generation, welcome.nonce,
                                           welcome.time.ns, verdicts, stored, missing, ordinals,
                                           welcome.credit_bytes, welcome.event_credit_bytes,
                                           welcome.command_mark));
}

rt::Result<Welcome> decode_welcome(std::string_view bytes) {
  FlatReader in("welcome", bytes);
  const auto* flat = in.root<fb::Welcome>();
  if (flat == nullptr) return in.error();
  Welcome welcome{.store_id = id_or_zero(flat->store_id()),
                  .generation = flat->generation(),
                  .nonce = flat->nonce(),
                  .time = {flat->time_ns()},
                  .verdicts = read_verdicts(in, in.structs(flat->verdicts())),
                  .stored = read_stored(in, in.structs(flat->stored())),
                  .missing = in.name_ranges(in.structs(flat->missing())),
                  .ordinals = read_ordinals(in, in.structs(flat->ordinals())),
                  .credit_bytes = flat->credit_bytes(),
                  .event_credit_bytes = flat->event_credit_bytes(),
                  .command_mark = flat->command_mark()};
  return in.finish(std::move(welcome));
}

std::string encode(const Receipt& receipt) {
  flatbuffers::FlatBufferBuilder builder;
  const auto verdicts = write_structs(builder, receipt.verdicts);
  const auto needs = write_structs(builder, receipt.needs);
  const auto waits = write_structs(builder, receipt.waits);
  const auto store_id = to_flat(receipt.store_id);
  return finish(builder, fb::CreateReceipt(builder, &store_id, receipt.generation, receipt.nonce,
                                           receipt.time.ns, verdicts, needs, receipt.credit_bytes,
                                           receipt.event_credit_bytes, waits));
}

rt::Result<Receipt> decode_receipt(std::string_view bytes) {
  FlatReader in("receipt", bytes);
  const auto* flat = in.root<fb::Receipt>();
  if (flat == nullptr) return in.error();
  Receipt receipt{.store_id = id_or_zero(flat->store_id()),
                  .generation = flat->generation(),
                  .nonce = flat->nonce(),
                  .time = {flat->time_ns()},
                  .verdicts = read_verdicts(in, in.structs(flat->verdicts())),
                  .needs = in.structs(flat->needs()),
                  .credit_bytes = flat->credit_bytes(),
                  .event_credit_bytes = flat->event_credit_bytes(),
                  .waits = in.name_ranges(in.structs(flat->waits()))};
  return in.finish(std::move(receipt));
}

std::string encode(const Command& command) {
  flatbuffers::FlatBufferBuilder builder;
  const auto verb = write_text(builder, command.verb);
  const auto arguments = write_text(builder, command.arguments);
  const auto store_id = to_flat(command.store_id);
  const auto spool = to_flat(command.spool);
  return finish(builder,
                fb::CreateCommand(builder, &store_id, command.generation, &spool, command.id,
                                  command.expires.ns, verb, arguments, command.nonce));
}

rt::Result<Command> decode_command(std::string_view bytes) {
  FlatReader in("command", bytes);
  const auto* flat = in.root<fb::Command>();
  if (flat == nullptr) return in.error();
  Command command{.store_id = id_or_zero(flat->store_id()),
                  .generation = flat->generation(),
                  .spool = id_or_zero(flat->spool()),
                  .id = flat->id(),
                  .expires = {flat->expires_ns()},
                  .verb = in.text(flat->verb()),
                  .arguments = in.text(flat->arguments()),
                  .nonce = flat->nonce()};
  in.require(command.id >= 1, "it has no id");
  in.require(!command.verb.empty(), "it has no verb");
  return in.finish(std::move(command));
}

std::string encode(const Presence& presence) {
  flatbuffers::FlatBufferBuilder builder;
  const auto key = builder.CreateVector(presence.public_key.data(), presence.public_key.size());
  const auto version = write_text(builder, presence.version);
  const auto store_id = to_flat(presence.store_id);
  return finish(builder, fb::CreatePresence(builder, presence.online, &store_id,
                                            presence.generation, key, version));
}

rt::Result<Presence> decode_presence(std::string_view bytes) {
  FlatReader in("presence", bytes);
  const auto* flat = in.root<fb::Presence>();
  if (flat == nullptr) return in.error();
  Presence presence{.online = flat->online(),
                    .store_id = id_or_zero(flat->store_id()),
                    .generation = flat->generation(),
                    .public_key = read_key(in, flat->public_key()),
                    .version = in.text(flat->version())};
  return in.finish(std::move(presence));
}

rt::Result<Presence> open_presence(std::string_view topic, std::string_view message) {
  const auto body = peek_signed_body(message);
  if (!body) return body.error();
  auto presence = decode_presence(*body);
  if (!presence) return presence;
  const auto opened = open_signed(topic, message, presence->public_key);
  if (!opened) return opened.error();
  return presence;
}

}  // namespace fieldpost::wire

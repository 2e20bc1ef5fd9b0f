// An envelope's payload: "FPE1", CRC-32C of what follows (little endian), the FlatBuffers Envelope.
// Eight bytes in front, so that the FlatBuffer stays aligned as it comes from the network.
#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"

namespace fieldpost::wire {
namespace {

constexpr std::string_view kMagic = "FPE1";
constexpr std::size_t kPrefixSize = 8;

std::string prefix_for(std::string_view body) {
  std::string prefix(kMagic);
  const std::uint32_t crc = crc32c(body);
  for (int shift = 0; shift < 32; shift += 8) prefix += static_cast<char>((crc >> shift) & 0xff);
  return prefix;
}

rt::Error corrupt(const char* why) {
  return {rt::Errc::kCorrupt, std::string("decoding envelope: ") + why};
}

flatbuffers::Offset<fb::Definition> write_definition(flatbuffers::FlatBufferBuilder& builder,
                                                     const std::string& bytes) {
  return fb::CreateDefinition(builder, write_bytes(builder, bytes));
}

std::vector<std::string> read_definitions(FlatReader& in, const fb::Envelope& flat) {
  return in.tables(flat.definitions(), kNoCountMax, "", [&in](const fb::Definition& one) {
    return in.bytes(one.bytes(), kDefinitionBytesMax, "a definition is too large");
  });
}

Name read_name(FlatReader& in, const fb::Envelope& flat) {
  const Name name{{id_or_zero(flat.spool()), flat.incarnation()}, flat.seq()};
  in.require_name(name);
  return name;
}

rt::Result<Envelope> decode_body(std::string_view body) {
  FlatReader in("envelope", body);
  const auto* flat = in.root<fb::Envelope>();
  if (flat == nullptr) return in.error();
  in.require(flat->lane() <= fb::Lane::MAX, "no such lane");
  Envelope envelope{
      .name = read_name(in, *flat),
      .lane = static_cast<Lane>(flat->lane()),
      .nonce = flat->nonce(),
      .replay = flat->replay(),
      .sent = in.clock(flat->sent()),
      .marked = in.name_ranges(in.structs(flat->marked())),
      .definitions = read_definitions(in, *flat),
      .record = in.bytes(flat->record(), kEnvelopeBytesMax, ""),
  };
  in.require(!envelope.record.empty(), "it has no record");
  return in.finish(std::move(envelope));
}

}  // namespace

std::string encode(const Envelope& envelope) {
  flatbuffers::FlatBufferBuilder builder(envelope.record.size() + 1024);
  const auto record = write_bytes(builder, envelope.record);
  const auto definitions = write_tables(builder, envelope.definitions, write_definition);
  const auto marked = write_structs(builder, envelope.marked);
  const auto spool = to_flat(envelope.name.incarnation.spool);
  const auto sent = to_flat(envelope.sent);
  const std::string body =
      finish(builder,
             fb::CreateEnvelope(builder, &spool, envelope.name.incarnation.value, envelope.name.seq,
                                static_cast<fb::Lane>(envelope.lane), envelope.nonce,
                                envelope.replay, &sent, marked, definitions, record));
  return prefix_for(body) + body;
}

rt::Result<Envelope> decode_envelope(std::string_view bytes) {
  if (bytes.size() > kEnvelopeBytesMax) return corrupt("too large");
  if (bytes.size() < kPrefixSize || !bytes.starts_with(kMagic)) return corrupt("no FPE1 in front");
  const std::string_view body = bytes.substr(kPrefixSize);
  if (!bytes.starts_with(prefix_for(body))) return corrupt("its CRC does not match");
  return decode_body(body);
}

}  // namespace fieldpost::wire

#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"

namespace fieldpost::wire {
namespace {

flatbuffers::Offset<fb::IncarnationStatement> write_statement(
    flatbuffers::FlatBufferBuilder& builder, const IncarnationStatement& statement) {
  const auto held = write_structs(builder, statement.held);
  const auto kept = write_structs(builder, statement.kept);
  const auto spool = to_flat(statement.id.spool);
  const auto parent_spool = to_flat(statement.parent.spool);
  return fb::CreateIncarnationStatement(
      builder, &spool, statement.id.value, statement.parent.is_none() ? nullptr : &parent_spool,
      statement.parent.value, statement.ordinal, statement.highest, statement.live, held, kept);
}

IncarnationStatement read_statement(FlatReader& in, const fb::IncarnationStatement& flat) {
  IncarnationStatement statement{
      .id = {id_or_zero(flat.spool()), flat.incarnation()},
      .parent = {id_or_zero(flat.parent_spool()), flat.parent()},
      .ordinal = flat.ordinal(),
      .highest = flat.highest(),
      .live = flat.live(),
      .held = in.ascending(in.structs(flat.held())),
      .kept = in.ascending(in.structs(flat.kept())),
  };
  in.require(!statement.id.spool.is_zero() && !statement.id.is_none(), "an incarnation has no id");
  in.require(statement.highest <= kSeqMax, "a seq is too large");
  in.require(statement.parent.spool.is_zero() == statement.parent.is_none(),
             "half of a parent is missing");
  return statement;
}

void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
}

}  // namespace

std::string encode(const Hello& hello) {
  flatbuffers::FlatBufferBuilder builder;
  const auto incarnations = write_tables(builder, hello.incarnations, write_statement);
  const auto version = write_text(builder, hello.version);
  const auto labels = write_texts(builder, hello.labels);
  const auto spool = to_flat(hello.spool);
  const auto digest = to_flat(hello.digest);
  const auto clock = to_flat(hello.clock);
  const auto store_id = to_flat(hello.store_id);
  return finish(builder, fb::CreateHello(builder, hello.nonce, hello.page, hello.pages, &spool,
                                         incarnations, &digest, hello.digest_count, &clock, version,
                                         labels, &store_id, hello.generation, hello.command_mark));
}

rt::Result<Hello> decode_hello(std::string_view bytes) {
  FlatReader in("hello", bytes);
  const auto* flat = in.root<fb::Hello>();
  if (flat == nullptr) return in.error();
  in.require(flat->pages() <= kHelloPagesMax, "too many pages");
  in.require(flat->page() < flat->pages(), "no such page");
  Hello hello{
      .nonce = flat->nonce(),
      .page = flat->page(),
      .pages = flat->pages(),
      .spool = id_or_zero(flat->spool()),
      .incarnations =
          in.tables(flat->incarnations(), kNoCountMax, "",
                    [&in](const fb::IncarnationStatement& one) { return read_statement(in, one); }),
      .digest = id_or_zero(flat->digest()),
      .digest_count = flat->digest_count(),
      .clock = in.clock(flat->clock()),
      .version = in.text(flat->version()),
      .labels = in.texts(flat->labels(), kLabelsMax, "too many labels"),
      .store_id = id_or_zero(flat->store_id()),
      .generation = flat->generation(),
      .command_mark = flat->command_mark(),
  };
  in.require(!hello.spool.is_zero(), "it has no spool");
  return in.finish(std::move(hello));
}

Hash128 digest_of(IncarnationId id, IncarnationId parent, std::uint64_t highest) {
  std::string bytes = id.spool.bytes();
  append_u64(bytes, id.value);
  bytes += parent.spool.bytes();
  append_u64(bytes, parent.value);
  append_u64(bytes, highest);
  return hash128(bytes);
}

std::string encode(const Answer& answer) {
  flatbuffers::FlatBufferBuilder builder;
  const auto statement = to_flat(answer.statement);
  return finish(builder, fb::CreateAnswer(builder, answer.nonce, answer.number, &statement));
}

rt::Result<Answer> decode_answer(std::string_view bytes) {
  FlatReader in("answer", bytes);
  const auto* flat = in.root<fb::Answer>();
  if (flat == nullptr) return in.error();
  return in.finish(Answer{.nonce = flat->nonce(),
                          .number = flat->number(),
                          .statement = id_or_zero(flat->statement())});
}

Hash128 statement_hash(const std::vector<Hash128>& pages) {
  std::string bytes;
  for (const Hash128& page : pages) bytes += page.bytes();
  return hash128(bytes);
}

}  // namespace fieldpost::wire

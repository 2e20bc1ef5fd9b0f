#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"

namespace fieldpost::wire {
namespace {

flatbuffers::Offset<fb::Gap> write_gap(flatbuffers::FlatBufferBuilder& builder, const Gap& gap) {
  const auto names = write_structs(builder, gap.names);
  const auto sets = write_structs(builder, gap.sets);
  return fb::CreateGap(builder, names, sets, gap.sets_known, gap.first_time, gap.last_time,
                       static_cast<fb::GapCause>(gap.cause), gap.fragments);
}

Gap read_gap(FlatReader& in, const fb::Gap& flat) {
  Gap gap{.names = in.structs(flat.names(), kGapNamesMax, "a gap has too many names"),
          .sets = in.structs(flat.sets(), kGapSetsMax, "a gap has too many sets"),
          .sets_known = flat.sets_known(),
          .first_time = flat.first_time(),
          .last_time = flat.last_time(),
          .cause = static_cast<GapCause>(flat.cause()),
          .fragments = flat.fragments()};
  for (const GapNames& names : gap.names) in.require_names(names.names);
  in.require(gap.first_time <= gap.last_time, "a gap ends before it begins");
  in.require(flat.cause() <= fb::GapCause::MAX, "a gap has no such cause");
  return gap;
}

std::optional<Name> read_first_name(FlatReader& in, const fb::NameRange* flat) {
  if (flat == nullptr) return std::nullopt;
  const NameRange range = from_flat(*flat);
  in.require_names(range);
  in.require(range.seqs.first == range.seqs.last, "the first name is more than one");
  return Name{range.incarnation, range.seqs.first};
}

}  // namespace

std::string_view to_string(GapCause cause) {
  switch (cause) {
    case GapCause::kUnknown: return "unknown";
    case GapCause::kShed: return "shed";
    case GapCause::kAged: return "aged";
    case GapCause::kRefusedAtSource: return "refused_at_source";
    case GapCause::kDamaged: return "damaged";
    case GapCause::kLostByNode: return "lost_by_node";
    case GapCause::kStoreRestored: return "store_restored";
    case GapCause::kLeftBehind: return "left_behind";
    case GapCause::kQuarantineFull: return "quarantine_full";
    case GapCause::kThinned: return "thinned";
    case GapCause::kGivenUp: return "given_up";
  }
  return "unknown";
}

std::string encode(const Record& record) {
  flatbuffers::FlatBufferBuilder builder(record.payload.size() + 1024);
  const auto payload = write_bytes(builder, record.payload);
  const auto gaps = write_tables(builder, record.gaps, write_gap);
  const auto set = to_flat(record.set);
  const auto stamp = to_flat(record.stamp);
  const auto first_name = to_flat(record.first_name.value_or(Name{}));
  return finish(builder,
                fb::CreateRecord(builder, record.kind, record.codec, record.raw_size, payload,
                                 record.readings, record.set.is_zero() ? nullptr : &set,
                                 record.first_time, record.last_time, &stamp, record.boot_stamped,
                                 record.first_name ? &first_name : nullptr, gaps));
}

rt::Result<Record> decode_record(std::string_view bytes) {
  FlatReader in("record", bytes);
  const auto* flat = in.root<fb::Record>();
  if (flat == nullptr) return in.error();
  in.require(flat->raw_size() <= kRawPayloadBytesMax, "its payload would unpack to too much");
  in.require(flat->readings() <= kRecordReadingsMax, "too many readings");
  in.require(flat->first_time() <= flat->last_time(), "it ends before it begins");
  Record record{
      .kind = flat->kind(),
      .codec = flat->codec(),
      .raw_size = flat->raw_size(),
      .payload = in.bytes(flat->payload(), kPayloadBytesMax, "its payload is too large"),
      .readings = flat->readings(),
      .set = id_or_zero(flat->set()),
      .first_time = flat->first_time(),
      .last_time = flat->last_time(),
      .stamp = in.clock(flat->stamp()),
      .boot_stamped = flat->boot_stamped(),
      .first_name = read_first_name(in, flat->first_name()),
      .gaps = in.tables(flat->gaps(), kGapsPerRecordMax, "too many gaps",
                        [&in](const fb::Gap& gap) { return read_gap(in, gap); }),
  };
  return in.finish(std::move(record));
}

}  // namespace fieldpost::wire

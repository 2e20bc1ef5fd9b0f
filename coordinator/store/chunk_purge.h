#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>

#include "coordinator/store/chunk_table.h"
#include "coordinator/store/mask.h"
#include "coordinator/store/pack_writer.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// Bytes that a chunk takes: its values, and its part of the times that it shares.
rt::Result<std::uint64_t> chunk_bytes(rt::Database& db, const ChunkRow& chunk);

/// The reading of a time, unless it outranks this: then something newer has taken its place.
struct OldTime {
  std::int64_t time = 0;
  wire::Rank rank;
};

/// Takes readings out of chunks. One object is one step, inside a transaction of the caller; after
/// a failure the caller rolls back and asks what was damaged.
class ChunkPurge {
 public:
  explicit ChunkPurge(rt::Database& db) : db_(db), packs_(db), reader_(db) {}

  /// Takes what the masks cover; the whole chunk, without decoding it, when that is plain.
  rt::Status take(const ChunkRow& chunk, wire::ValueType type, const Masks& masks);
  /// Takes these readings; their times ascend. Returns how many there were.
  rt::Result<std::uint64_t> take_times(const ChunkRow& chunk, wire::ValueType type,
                                       std::span<const OldTime> old);
  /// Looks at the end what times the series has, also when nothing is taken here.
  void look_at(SeriesId series) { touched_.insert(series); }
  /// At the end: makes packs and totals of series right.
  rt::Status finish();

  [[nodiscard]] const Taken& taken() const { return taken_; }
  [[nodiscard]] const std::optional<ChunkRow>& damaged() const { return damaged_; }

 private:
  rt::Status thin(const ChunkRow& chunk, wire::ValueType type, const Masks& masks,
                  std::uint64_t bytes);
  rt::Result<ChunkReadings> read(const ChunkRow& chunk, wire::ValueType type);
  rt::Status leave(const ChunkRow& chunk, wire::ValueType type, const ChunkReadings& left);
  rt::Status remove(const ChunkRow& chunk, std::uint64_t readings_fewer);

  rt::Database& db_;
  PackWriter packs_;
  PackReader reader_;
  Taken taken_;
  std::set<SeriesId> touched_;
  std::optional<ChunkRow> damaged_;
};

}  // namespace fieldpost::coordinator

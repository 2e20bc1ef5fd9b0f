#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/chunk_codec.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// Of the values of a chunk; numbers only, and no NaN among them.
struct Summary {
  double min = 0, max = 0, sum = 0;
};

struct ChunkRow {
  SeriesId series = 0;
  wire::Id128 boot;
  std::int64_t first_time = 0;
  std::int64_t last_time = 0;
  std::uint64_t count = 0;
  bool is_full = false;
  std::int64_t pack_no = 0;
  std::uint32_t time_size = 0;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  std::uint64_t first = 0;  ///< bits of the first value
  std::uint64_t last = 0;
  std::optional<Summary> summary;
};

/// Chunks of one series and boot do not overlap, so the order of their last times is their order.
struct ChunkOrder {
  SeriesId series = 0;
  wire::Id128 boot;
};

/// Up to `limit` chunks that end at or after `time`, ascending.
rt::Result<std::vector<ChunkRow>> chunks_from(rt::Database& db, const ChunkOrder& of,
                                              std::int64_t time, std::size_t limit);
/// The last one that ends at or before `time`.
rt::Result<std::optional<ChunkRow>> last_chunk(rt::Database& db, const ChunkOrder& of,
                                               std::int64_t time = INT64_MAX);
/// The boots that stamped chunks of a series, ascending; good times (zero) first.
rt::Result<std::vector<wire::Id128>> boots_of(rt::Database& db, SeriesId series);

rt::Status insert_chunk(rt::Database& db, const ChunkRow& chunk);
rt::Status delete_chunk(rt::Database& db, const ChunkRow& chunk);

/// What a chunk holds. Chunks that lie in one pack share their timeline.
struct ChunkReadings {
  std::shared_ptr<const Timeline> timeline;
  Values values;
};

/// Reads packs, keeping the last one: chunks that are asked for together lie together.
class PackReader {
 public:
  explicit PackReader(rt::Database& db) : db_(db) {}

  /// kCorrupt when the pack is missing or these bytes of it are damaged.
  rt::Result<std::shared_ptr<const Timeline>> timeline(const ChunkRow& chunk);
  rt::Result<Values> values(const ChunkRow& chunk, wire::ValueType type);
  rt::Result<ChunkReadings> read(const ChunkRow& chunk, wire::ValueType type);

 private:
  rt::Status load(const ChunkRow& chunk);

  rt::Database& db_;
  std::int64_t pack_no_ = 0;  ///< 0: none
  std::string bytes_;
  std::shared_ptr<const Timeline> timeline_;
};

/// Those readings of a chunk for which `stays(time, rank)` is true; asked in their order.
template <typename Stays>
ChunkReadings leave_some(ChunkReadings readings, Stays stays) {
  auto timeline = std::make_shared<Timeline>();
  Values values;
  values.strings = std::move(readings.values.strings);
  std::size_t at = 0;
  for (const RankRun& run : readings.timeline->ranks) {
    RankRun left{run.rank, 0};
    for (std::uint32_t i = 0; i < run.count; ++i, ++at) {
      if (!stays(readings.timeline->times[at], run.rank)) continue;
      timeline->times.push_back(readings.timeline->times[at]);
      values.values.push_back(readings.values.values[at]);
      left.count += 1;
    }
    if (left.count == 0) continue;
    const bool goes_on = !timeline->ranks.empty() && timeline->ranks.back().rank == left.rank;
    if (goes_on) timeline->ranks.back().count += left.count;
    if (!goes_on) timeline->ranks.push_back(left);
  }
  return {std::move(timeline), std::move(values)};
}

/// Appends to a run what lies behind all that it has.
void append_chunk(Run& run, const ChunkReadings& readings);

}  // namespace fieldpost::coordinator

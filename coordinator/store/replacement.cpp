#include "coordinator/store/replacement.h"

#include <algorithm>
#include <optional>
#include <span>

namespace fieldpost::coordinator {
namespace {

using rt::Result;

constexpr std::size_t kChunksTogether = 64;

struct Found {
  SeriesId id = 0;
  wire::ValueType type = wire::ValueType::kF64;
};

Result<std::optional<Found>> find_series(rt::Database& db, NodeNo node, const std::string& key) {
  rt::Statement& stmt = db.prepare("SELECT id, type FROM series WHERE node_no = ?1 AND key = ?2");
  const auto row = stmt.bind(1, node).bind_text(2, key).step();
  if (!row) return row.error();
  if (!*row) return std::optional<Found>();
  const Found found{stmt.i64(0), static_cast<wire::ValueType>(stmt.i64(1))};
  stmt.reset();
  return std::optional(found);
}

/// The times from `first` to `last`, both included.
std::span<const OldTime> among(std::span<const OldTime> times, std::int64_t first,
                               std::int64_t last) {
  const auto begin = std::ranges::lower_bound(times, first, {}, &OldTime::time);
  const auto end = std::ranges::upper_bound(times, last, {}, &OldTime::time);
  return {begin, end};
}

}  // namespace

Result<std::uint64_t> take_old(rt::Database& db, ChunkPurge& chunks, NodeNo node,
                               const OldReadings& old) {
  std::uint64_t removed = 0;
  if (old.times.empty()) return removed;
  const auto series = find_series(db, node, old.key);
  if (!series) return series.error();
  if (!*series) return removed;
  std::int64_t from = old.times.front().time;
  for (;;) {
    const auto page = chunks_from(db, {(*series)->id, old.boot}, from, kChunksTogether);
    if (!page) return page.error();
    for (const ChunkRow& chunk : *page) {
      const auto times = among(old.times, chunk.first_time, chunk.last_time);
      if (times.empty()) continue;
      const auto taken = chunks.take_times(chunk, (*series)->type, times);
      if (!taken) return taken.error();
      removed += *taken;
    }
    if (page->size() < kChunksTogether || page->back().last_time >= old.times.back().time) break;
    from = page->back().last_time + 1;
  }
  return removed;
}

}  // namespace fieldpost::coordinator

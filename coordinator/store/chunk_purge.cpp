#include "coordinator/store/chunk_purge.h"

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {
namespace {

/// First and last time of what a series has in chunks. Few seeks a boot.
rt::Status set_span(rt::Database& db, SeriesId series) {
  const auto boots = boots_of(db, series);
  if (!boots) return boots.error();
  if (boots->empty()) return rt::ok();  // without readings the times mean nothing
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;
  for (const wire::Id128& boot : *boots) {
    const auto earliest = chunks_from(db, {series, boot}, INT64_MIN, 1);
    if (!earliest) return earliest.error();
    const auto latest = last_chunk(db, {series, boot});
    if (!latest) return latest.error();
    if (!earliest->empty()) first = std::min(first, earliest->front().first_time);
    if (*latest) last = std::max(last, (*latest)->last_time);
  }
  return db.prepare("UPDATE series SET first_time = ?2, last_time = ?3 WHERE id = ?1")
      .bind(1, series)
      .bind(2, first)
      .bind(3, last)
      .run();
}

}  // namespace

rt::Result<std::uint64_t> chunk_bytes(rt::Database& db, const ChunkRow& chunk) {
  rt::Statement& stmt = db.prepare("SELECT made_for FROM pack WHERE no = ?");
  const auto row = stmt.bind(1, chunk.pack_no).step();
  if (!row) return row.error();
  const std::uint64_t shared_by = *row ? std::max<std::uint64_t>(stmt.u64(0), 1) : 1;
  stmt.reset();
  return chunk.size + chunk.time_size / shared_by;
}

rt::Status ChunkPurge::take(const ChunkRow& chunk, wire::ValueType type, const Masks& masks) {
  if (!touch(masks, chunk.first_time, chunk.last_time)) return rt::ok();
  const auto bytes = chunk_bytes(db_, chunk);
  if (!bytes) return bytes.error();
  const Mask* whole = covers_whole(masks, chunk);
  if (whole == nullptr) return thin(chunk, type, masks, *bytes);
  taken_.add(whole->deletion, chunk.count, *bytes);
  return remove(chunk, chunk.count);
}

rt::Status ChunkPurge::thin(const ChunkRow& chunk, wire::ValueType type, const Masks& masks,
                            std::uint64_t bytes) {
  auto readings = read(chunk, type);
  if (!readings) return readings.error();
  Taken taken;
  const ChunkReadings left = leave_unmasked(std::move(*readings), chunk.pack_no, masks, &taken);
  const std::uint64_t fewer = chunk.count - left.timeline->times.size();
  if (fewer == 0) return rt::ok();
  for (const Taken::Count& count : taken.counts()) {
    taken_.add(count.deletion, count.readings, bytes * count.readings / chunk.count);
  }
  return leave(chunk, type, left);
}

rt::Result<ChunkReadings> ChunkPurge::read(const ChunkRow& chunk, wire::ValueType type) {
  auto readings = reader_.read(chunk, type);
  if (!readings && readings.error().code == rt::Errc::kCorrupt) damaged_ = chunk;
  return readings;
}

rt::Result<std::uint64_t> ChunkPurge::take_times(const ChunkRow& chunk, wire::ValueType type,
                                                 std::span<const OldTime> old) {
  auto readings = read(chunk, type);
  if (!readings) return readings.error();
  std::size_t at = 0;
  const ChunkReadings left =
      leave_some(std::move(*readings), [&](std::int64_t time, const wire::Rank& rank) {
        while (at < old.size() && old[at].time < time) ++at;
        return at == old.size() || old[at].time != time || rank > old[at].rank;
      });
  const std::uint64_t fewer = chunk.count - left.timeline->times.size();
  if (fewer == 0) return fewer;
  if (auto done = leave(chunk, type, left); !done) return done.error();
  return fewer;
}

/// What is left of a chunk takes its place.
rt::Status ChunkPurge::leave(const ChunkRow& chunk, wire::ValueType type,
                             const ChunkReadings& left) {
  const std::uint64_t fewer = chunk.count - left.timeline->times.size();
  if (auto done = remove(chunk, fewer); !done) return done;
  if (left.timeline->times.empty()) return rt::ok();
  Run run;
  append_chunk(run, left);
  return packs_.add({chunk.series, chunk.boot}, {run.items, &run.strings.texts(), type, false});
}

rt::Status ChunkPurge::remove(const ChunkRow& chunk, std::uint64_t readings_fewer) {
  touched_.insert(chunk.series);
  auto done = db_.prepare("UPDATE series SET count = count - ?2 WHERE id = ?1")
                  .bind(1, chunk.series)
                  .bind(2, readings_fewer)
                  .run();
  return done ? packs_.remove(chunk) : done;
}

rt::Status ChunkPurge::finish() {
  if (auto done = packs_.flush(); !done) return done;
  for (const SeriesId series : std::exchange(touched_, {})) {
    if (auto done = set_span(db_, series); !done) return done;
  }
  return rt::ok();
}

}  // namespace fieldpost::coordinator

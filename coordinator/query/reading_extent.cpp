// How much a deletion would take, and what was taken before.
#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_cursor.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/chunk_purge.h"
#include "coordinator/store/deletion_table.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kChunksAtOnce = 1024;

/// Decodes only what lies partly in the range.
rt::Result<std::uint64_t> count(ReadingCursor& cursor) {
  std::uint64_t readings = 0;
  for (;;) {
    const auto whole = cursor.whole_chunk();
    if (!whole) return whole.error();
    if (*whole != nullptr) {
      readings += (*whole)->count;
      cursor.skip_chunk();
      continue;
    }
    const auto stretch = cursor.stretch();
    if (!stretch) return stretch.error();
    const std::size_t more = stretch->times.size();
    cursor.skip(more);
    readings += more;
    if (more > 0) continue;
    const auto item = cursor.peek();
    if (!item) return item.error();
    if (*item == nullptr) return readings;
    readings += 1;
    cursor.advance();
  }
}

/// The part of a chunk's bytes that its part of the range makes up, as if readings came evenly.
std::uint64_t share(const ChunkRow& chunk, std::uint64_t bytes, TimeRange range) {
  const auto span = [](std::int64_t first, std::int64_t last) {
    return static_cast<double>(last) - static_cast<double>(first) + 1;
  };
  const double inside =
      span(std::max(chunk.first_time, range.from),
           std::min(chunk.last_time, range.to == INT64_MAX ? range.to : range.to - 1));
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * inside /
                                    span(chunk.first_time, chunk.last_time));
}

rt::Result<std::uint64_t> bytes_of(rt::Database& db, const ChunkOrder& of, TimeRange range) {
  std::uint64_t bytes = 0;
  for (std::int64_t from = range.from;;) {
    const auto chunks = chunks_from(db, of, from, kChunksAtOnce);
    if (!chunks) return chunks.error();
    for (const ChunkRow& chunk : *chunks) {
      if (chunk.first_time >= range.to || chunk.last_time == INT64_MAX) return bytes;
      const auto all = chunk_bytes(db, chunk);
      if (!all) return all.error();
      bytes += share(chunk, *all, range);
      from = chunk.last_time + 1;
    }
    if (chunks->size() < kChunksAtOnce) return bytes;
  }
}

rt::Status add_extent(QueryState& state, std::vector<ReadingCursor>& cursors, SeriesId series,
                      TimeRange range, Extent& total) {
  std::uint64_t of_series = 0;
  for (ReadingCursor& cursor : cursors) {
    const auto readings = count(cursor);
    if (!readings) return readings.error();
    const auto bytes = bytes_of(state.db, {series, cursor.boot()}, range);
    if (!bytes) return bytes.error();
    of_series += *readings;
    total.bytes += *bytes;
  }
  total.series += of_series > 0 ? 1 : 0;
  total.readings += of_series;
  return rt::ok();
}

rt::Status add_extents(QueryState& state, NodeNo node, const std::vector<SeriesRow>& series,
                       TimeRange range, Extent& total) {
  const auto of_node = masks_of(state.db, node, range.from, range.to);
  if (!of_node) return of_node.error();
  MasksBySeries masks;
  for (const SeriesRow& row : series) {
    auto of_series = masks_among(state, row.id, *of_node);
    if (!of_series) return of_series.error();
    masks.emplace(row.id, std::move(*of_series));
  }
  auto waiting = waiting_readings(state, node, masks, range);
  if (!waiting) return waiting.error();
  for (const SeriesRow& row : series) {
    auto cursors = cursors_over(state, row, range, masks.at(row.id), std::move((*waiting)[row.id]));
    if (!cursors) return cursors.error();
    if (auto done = add_extent(state, *cursors, row.id, range, total); !done) return done;
  }
  return rt::ok();
}

}  // namespace

rt::Result<Extent> ReadingQuery::extent(const std::vector<SeriesId>& ids, TimeRange range) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  std::map<NodeNo, std::vector<SeriesRow>> by_node;
  for (const SeriesId id : ids) {
    const auto row = find_series(state_->db, id);
    if (!row) return row.error();
    by_node[row->node].push_back(*row);
  }
  Extent total;
  for (const auto& [node, series] : by_node) {
    if (auto done = add_extents(*state_, node, series, range, total); !done) return done.error();
  }
  return total;
}

rt::Result<std::vector<Hole>> ReadingQuery::holes(const std::vector<SeriesId>& ids,
                                                  TimeRange range) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  std::map<std::int64_t, Hole> holes;
  for (const SeriesId id : ids) {
    rt::Statement& stmt = state_->db.prepare(
        "SELECT gap_no, node.id, measurement, deletion.first_time, deletion.last_time, state,"
        " reason, key FROM series JOIN node ON node.no = series.node_no"
        " JOIN deletion ON deletion.node_no = series.node_no"
        " WHERE series.id = ?1 AND deletion.last_time >= ?2 AND deletion.first_time < ?3"
        " AND state <> 4 AND ?2 < ?3");
    stmt.bind(1, id).bind(2, range.from).bind(3, range.to);
    for (;;) {
      const auto row = stmt.step();
      if (!row) return row.error();
      if (!*row) break;
      Hole hole{stmt.i64(0),
                std::string(stmt.text(1)),
                stmt.i64(3),
                stmt.i64(4),
                stmt.i64(5) == static_cast<int>(DeletionState::kRule),
                std::string(stmt.text(6))};
      if (concerns(stmt.text(2), hole.by_rule, stmt.text(7))) holes.emplace(hole.gap, hole);
    }
  }
  std::vector<Hole> out;
  for (auto& [gap, hole] : holes) out.push_back(std::move(hole));
  return out;
}

}  // namespace fieldpost::coordinator

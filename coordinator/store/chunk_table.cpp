#include "coordinator/store/chunk_table.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "coordinator/store/batch_table.h"
#include "coordinator/store/file_fault.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

std::uint32_t u32(const rt::Statement& stmt, int column) {
  return static_cast<std::uint32_t>(stmt.u64(column));
}

ChunkRow chunk_of(const rt::Statement& stmt, const ChunkOrder& of) {
  ChunkRow chunk;
  chunk.series = of.series;
  chunk.boot = of.boot;
  chunk.first_time = stmt.i64(0);
  chunk.last_time = stmt.i64(1);
  chunk.count = stmt.u64(2);
  chunk.is_full = stmt.i64(3) != 0;
  chunk.pack_no = stmt.i64(4);
  chunk.time_size = u32(stmt, 5);
  chunk.offset = u32(stmt, 6);
  chunk.size = u32(stmt, 7);
  chunk.first = stmt.u64(8);
  chunk.last = stmt.u64(9);
  if (!stmt.is_null(10) && !stmt.is_null(11) && !stmt.is_null(12)) {
    chunk.summary = Summary{stmt.f64(10), stmt.f64(11), stmt.f64(12)};
  }
  return chunk;
}

bool fits(const ChunkRow& chunk, std::size_t bytes) {
  return chunk.time_size <= bytes && chunk.offset <= bytes && chunk.size <= bytes - chunk.offset;
}

}  // namespace

rt::Result<std::vector<ChunkRow>> chunks_from(rt::Database& db, const ChunkOrder& of,
                                              std::int64_t time, std::size_t limit) {
  rt::Statement& stmt = db.prepare(
      "SELECT first_time, last_time, count, is_full, pack_no, time_size, offset, size, first, last,"
      " min, max, sum FROM chunk WHERE series_id = ? AND boot = ? AND last_time >= ?"
      " ORDER BY last_time LIMIT ?");
  const std::string boot = boot_bytes(of.boot);
  stmt.bind(1, of.series).bind_blob(2, boot).bind(3, time).bind(4, std::uint64_t{limit});
  std::vector<ChunkRow> chunks;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return chunks;
    chunks.push_back(chunk_of(stmt, of));
  }
}

rt::Result<std::optional<ChunkRow>> last_chunk(rt::Database& db, const ChunkOrder& of,
                                               std::int64_t time) {
  rt::Statement& stmt = db.prepare(
      "SELECT first_time, last_time, count, is_full, pack_no, time_size, offset, size, first, last,"
      " min, max, sum FROM chunk WHERE series_id = ? AND boot = ? AND last_time <= ?"
      " ORDER BY last_time DESC LIMIT 1");
  const std::string boot = boot_bytes(of.boot);
  const auto row = stmt.bind(1, of.series).bind_blob(2, boot).bind(3, time).step();
  if (!row) return row.error();
  if (!*row) return std::optional<ChunkRow>();
  std::optional<ChunkRow> chunk = chunk_of(stmt, of);
  stmt.reset();
  return chunk;
}

rt::Result<std::vector<wire::Id128>> boots_of(rt::Database& db, SeriesId series) {
  // One seek a boot, however many chunks there are.
  rt::Statement& stmt = db.prepare(
      "WITH RECURSIVE boots(boot) AS ("
      " SELECT min(boot) FROM chunk WHERE series_id = ?1"
      " UNION ALL SELECT (SELECT min(boot) FROM chunk WHERE series_id = ?1 AND boot > boots.boot)"
      " FROM boots WHERE boots.boot IS NOT NULL)"
      " SELECT boot FROM boots WHERE boot IS NOT NULL");
  stmt.bind(1, series);
  std::vector<wire::Id128> boots;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return boots;
    boots.push_back(wire::Id128::from_bytes(stmt.blob(0)));
  }
}

rt::Status insert_chunk(rt::Database& db, const ChunkRow& chunk) {
  rt::Statement& stmt = db.prepare(
      "INSERT INTO chunk (series_id, boot, last_time, first_time, count, is_full, pack_no,"
      " time_size, offset, size, first, last, min, max, sum)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const std::string boot = boot_bytes(chunk.boot);
  stmt.bind(1, chunk.series).bind_blob(2, boot).bind(3, chunk.last_time);
  stmt.bind(4, chunk.first_time).bind(5, chunk.count).bind(6, chunk.is_full ? 1 : 0);
  stmt.bind(7, chunk.pack_no).bind(8, std::uint64_t{chunk.time_size});
  stmt.bind(9, std::uint64_t{chunk.offset}).bind(10, std::uint64_t{chunk.size});
  stmt.bind(11, chunk.first).bind(12, chunk.last);
  if (chunk.summary) {
    stmt.bind(13, chunk.summary->min).bind(14, chunk.summary->max).bind(15, chunk.summary->sum);
  }
  return stmt.run();
}

rt::Status delete_chunk(rt::Database& db, const ChunkRow& chunk) {
  const std::string boot = boot_bytes(chunk.boot);
  return db.prepare("DELETE FROM chunk WHERE series_id = ? AND boot = ? AND last_time = ?")
      .bind(1, chunk.series)
      .bind_blob(2, boot)
      .bind(3, chunk.last_time)
      .run();
}

rt::Status PackReader::load(const ChunkRow& chunk) {
  if (pack_no_ != chunk.pack_no) {
    pack_no_ = 0;
    timeline_.reset();
    rt::Statement& stmt = db_.prepare("SELECT bytes FROM pack WHERE no = ?");
    const auto row = stmt.bind(1, chunk.pack_no).step();
    if (!row) return file_fault(row.error());
    if (!*row) return Error{Errc::kCorrupt, fmt::format("pack {} is missing", chunk.pack_no)};
    bytes_ = stmt.blob(0);
    stmt.reset();
    pack_no_ = chunk.pack_no;
  }
  if (fits(chunk, bytes_.size())) return rt::ok();
  return Error{Errc::kCorrupt, fmt::format("pack {} is too short", chunk.pack_no)};
}

rt::Result<std::shared_ptr<const Timeline>> PackReader::timeline(const ChunkRow& chunk) {
  if (auto done = load(chunk); !done) return done.error();
  if (!timeline_) {
    auto decoded = decode_timeline(std::string_view(bytes_).substr(0, chunk.time_size));
    if (!decoded) return decoded.error();
    timeline_ = std::make_shared<const Timeline>(std::move(*decoded));
  }
  if (timeline_->times.size() != chunk.count) {
    return Error{Errc::kCorrupt, "a chunk and its times are not as many"};
  }
  return timeline_;
}

rt::Result<Values> PackReader::values(const ChunkRow& chunk, wire::ValueType type) {
  if (auto done = load(chunk); !done) return done.error();
  return decode_values(std::string_view(bytes_).substr(chunk.offset, chunk.size), type,
                       static_cast<std::size_t>(chunk.count));
}

rt::Result<ChunkReadings> PackReader::read(const ChunkRow& chunk, wire::ValueType type) {
  auto times = timeline(chunk);
  if (!times) return times.error();
  auto decoded = values(chunk, type);
  if (!decoded) return decoded.error();
  return ChunkReadings{std::move(*times), std::move(*decoded)};
}

void append_chunk(Run& run, const ChunkReadings& readings) {
  std::vector<std::uint64_t> indexes;
  for (const std::string& text : readings.values.strings) {
    indexes.push_back(run.strings.index_of(text));
  }
  run.items.reserve(run.items.size() + readings.timeline->times.size());
  std::size_t at = 0;
  for (const RankRun& part : readings.timeline->ranks) {
    for (std::uint32_t i = 0; i < part.count; ++i, ++at) {
      const std::uint64_t value = readings.values.values[at];
      run.items.push_back({readings.timeline->times[at],
                           indexes.empty() ? value : indexes[static_cast<std::size_t>(value)],
                           part.rank});
    }
  }
}

}  // namespace fieldpost::coordinator

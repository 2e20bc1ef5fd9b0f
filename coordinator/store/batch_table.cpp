#include "coordinator/store/batch_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "coordinator/store/file_fault.h"
#include "coordinator/store/u64_array.h"
#include "proto/wire/hash.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

std::string rank_bytes(const std::vector<wire::Rank>& ranks) {
  std::string bytes;
  for (const wire::Rank& rank : ranks) {
    append_u64(bytes, rank.ordinal);
    append_u64(bytes, rank.seq);
  }
  return bytes;
}

std::vector<wire::Rank> ranks_from(std::string_view bytes) {
  std::vector<wire::Rank> ranks(bytes.size() / 16);
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    ranks[i] = {u64_at(bytes, 2 * i), u64_at(bytes, 2 * i + 1)};
  }
  return ranks;
}

std::pair<std::int64_t, std::int64_t> span_of(const wire::Columns& columns) {
  std::int64_t first = INT64_MAX;
  std::int64_t last = INT64_MIN;
  for (const wire::Column& column : columns.columns) {
    for (const std::int64_t time : column.times) {
      first = std::min(first, time);
      last = std::max(last, time);
    }
  }
  return {first, last};
}

BatchRow row_of(const rt::Statement& stmt, NodeNo node) {
  BatchRow row;
  row.no = stmt.i64(0);
  row.node = node;
  row.rank = {stmt.u64(1), stmt.u64(2)};
  row.set_no = stmt.i64(3);
  row.boot = wire::Id128::from_bytes(stmt.blob(4));
  row.first_time = stmt.i64(5);
  row.last_time = stmt.i64(6);
  row.readings = stmt.u64(7);
  row.raw_size = stmt.u64(8);
  return row;
}

Error damaged(const BatchRow& row, std::string_view why) {
  return {Errc::kCorrupt, fmt::format("reading batch {}:{} of node {}: {}", row.rank.ordinal,
                                      row.rank.seq, row.node, why)};
}

/// A damaged row, unless SQLite or the disk is what failed.
Error blame(const BatchRow& row, const Error& error) {
  const bool is_row = error.code == Errc::kCorrupt || error.code == Errc::kNotFound;
  return is_row ? damaged(row, error.message) : error;
}

rt::Result<wire::Columns> decode_payload(const rt::Statement& stmt, const wire::SeriesSet& set) {
  const std::string_view payload = stmt.blob(4);
  if (wire::crc32c(payload) != stmt.u64(2)) return Error{Errc::kCorrupt, "its CRC is wrong"};
  auto raw = wire::decompress(payload, static_cast<std::uint8_t>(stmt.i64(0)),
                              static_cast<std::size_t>(stmt.u64(1)));
  if (!raw) return raw.error();
  return wire::decode_columns(*raw, set.types);
}

bool origins_fit(const DecodedBatch& batch) {
  return batch.columns.origins.size() == batch.origin_ranks.size();
}

}  // namespace

std::string boot_bytes(const wire::Id128& boot) {
  return boot.is_zero() ? std::string() : boot.bytes();
}

std::vector<wire::Rank> ranks_of(const wire::Columns& columns, std::size_t column,
                                 const wire::Rank& record, const std::vector<wire::Rank>& origins) {
  if (origins.empty() || columns.origin_runs[column].empty()) return {record};
  std::vector<wire::Rank> ranks;
  for (const wire::OriginRun& run : columns.origin_runs[column]) {
    ranks.insert(ranks.end(), run.count, origins[run.origin]);
  }
  return ranks;
}

std::vector<wire::Rank> DecodedBatch::ranks_of(std::size_t column) const {
  return coordinator::ranks_of(columns, column, row.rank, origin_ranks);
}

rt::Result<bool> is_rank_taken(rt::Database& db, const ReadingBatch& batch) {
  rt::Statement& stmt = db.prepare(
      "SELECT 1 FROM batch WHERE node_no = ? AND ordinal = ? AND seq = ?"
      " AND (crc <> ? OR readings <> ?)");
  stmt.bind(1, batch.node).bind(2, batch.rank.ordinal).bind(3, batch.rank.seq);
  stmt.bind(4, static_cast<std::int64_t>(wire::crc32c(batch.payload)));
  stmt.bind(5, static_cast<std::uint64_t>(batch.columns.readings()));
  const auto row = stmt.step();
  if (!row) return row.error();
  stmt.reset();
  return *row;
}

rt::Status insert_batch(rt::Database& db, const ReadingBatch& batch, std::int64_t set_no,
                        rt::UnixTime now) {
  const std::string boot = boot_bytes(batch.boot);
  const std::string origins = rank_bytes(batch.origin_ranks);
  const auto [first, last] = span_of(batch.columns);
  auto done = db.prepare(
                    "INSERT OR IGNORE INTO batch (node_no, ordinal, seq, set_no, boot, received_ns,"
                    " first_time, last_time, readings, codec, raw_size, crc, origin_ranks, payload)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
                  .bind(1, batch.node)
                  .bind(2, batch.rank.ordinal)
                  .bind(3, batch.rank.seq)
                  .bind(4, set_no)
                  .bind_blob(5, boot)
                  .bind(6, now.ns)
                  .bind(7, first)
                  .bind(8, last)
                  .bind(9, static_cast<std::uint64_t>(batch.columns.readings()))
                  .bind(10, static_cast<int>(batch.codec))
                  .bind(11, static_cast<std::int64_t>(batch.raw_size))
                  .bind(12, static_cast<std::int64_t>(wire::crc32c(batch.payload)))
                  .bind_blob(13, origins)
                  .bind_blob(14, batch.payload)
                  .run();
  if (!done || db.changes() > 0) return done;
  const auto taken = is_rank_taken(db, batch);
  if (!taken) return taken.error();
  if (*taken) return Error{Errc::kInvalid, "another record has its rank"};
  return rt::ok();
}

rt::Result<std::vector<BatchRow>> oldest_batches(rt::Database& db, NodeNo node,
                                                 const TakeLimits& limits) {
  rt::Statement& stmt = db.prepare(
      "SELECT no, ordinal, seq, set_no, boot, first_time, last_time, readings, raw_size"
      " FROM batch WHERE node_no = ? ORDER BY ordinal, seq");
  stmt.bind(1, node);
  std::vector<BatchRow> rows;
  std::size_t readings = 0;
  std::size_t bytes = 0;
  for (;;) {
    const auto more = stmt.step();
    if (!more) return more.error();
    if (!*more) return rows;
    const BatchRow row = row_of(stmt, node);
    readings += row.readings;
    bytes += row.raw_size;
    if (!rows.empty() && (readings > limits.readings_max || bytes > limits.raw_bytes_max)) break;
    rows.push_back(row);
  }
  stmt.reset();
  return rows;
}

rt::Result<std::vector<BatchRow>> waiting_batches(rt::Database& db, NodeNo node) {
  return oldest_batches(db, node, {.readings_max = SIZE_MAX, .raw_bytes_max = SIZE_MAX});
}

rt::Result<DecodedBatch> load_batch(rt::Database& db, SeriesCatalog& catalog, const BatchRow& row) {
  DecodedBatch batch;
  batch.row = row;
  auto set = catalog.find_set(row.set_no);
  if (!set) return blame(row, set.error());
  auto ids = catalog.find_ids(row.node, row.set_no);
  if (!ids) return blame(row, ids.error());
  batch.set = *set;
  batch.ids = *ids;
  rt::Statement& stmt =
      db.prepare("SELECT codec, raw_size, crc, origin_ranks, payload FROM batch WHERE no = ?");
  const auto found = stmt.bind(1, row.no).step();
  if (!found) return file_fault(found.error());
  if (!*found) return Error{Errc::kNotFound, fmt::format("no batch {}", row.no)};
  batch.origin_ranks = ranks_from(stmt.blob(3));
  auto columns = decode_payload(stmt, *batch.set);
  stmt.reset();
  if (!columns) return blame(row, columns.error());
  batch.columns = std::move(*columns);
  if (!origins_fit(batch) || batch.ids->size() != batch.columns.columns.size()) {
    return damaged(row, "its origins or series do not fit its columns");
  }
  return batch;
}

rt::Result<Waiting> count_waiting(rt::Database& db, NodeNo node) {
  rt::Statement& stmt = db.prepare(
      "SELECT count(*), coalesce(sum(readings), 0), min(received_ns) FROM batch WHERE node_no = ?");
  const auto row = stmt.bind(1, node).step();
  if (!row) return row.error();
  Waiting waiting{stmt.u64(0), stmt.u64(1), stmt.is_null(2) ? INT64_MAX : stmt.i64(2)};
  stmt.reset();
  return waiting;
}

}  // namespace fieldpost::coordinator

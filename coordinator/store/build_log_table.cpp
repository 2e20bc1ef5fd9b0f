#include "coordinator/store/build_log_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "coordinator/store/build_attempt_table.h"
#include "proto/rt/rows.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr int kZstdLevel = 3;
constexpr std::uint64_t kOffsetMax = std::numeric_limits<std::int64_t>::max();

/// Pieces from the one on that begins at the place or before it.
constexpr std::string_view kFromPlace =
    " FROM build_log WHERE job = ?1 AND fence = ?2 AND offset >= coalesce((SELECT max(offset)"
    " FROM build_log WHERE job = ?1 AND fence = ?2 AND offset <= ?3), 0) ";

std::string select(std::string_view columns, std::string_view rest) {
  return fmt::format("SELECT {}{}{}", columns, kFromPlace, rest);
}

}  // namespace

Result<std::uint64_t> BuildLogTable::put(const wire::LogPiece& piece) {
  const Stretch stretch{piece.offset, piece.offset + piece.bytes.size()};
  BuildAttemptTable attempts(db_);
  const auto extent = attempts.extent(piece.attempt);
  if (!extent) return extent.error();
  if (extent->log_bytes && stretch.to > *extent->log_bytes) {
    return Error{Errc::kInvalid, fmt::format("a piece of a log from byte {} to {} of {}",
                                             stretch.from, stretch.to, *extent->log_bytes)};
  }
  const auto holes = holes_in(piece.attempt, stretch);
  if (!holes) return holes.error();
  std::uint64_t added = 0;
  for (const Stretch& hole : *holes) {
    const std::string_view bytes =
        std::string_view(piece.bytes).substr(hole.from - stretch.from, hole.to - hole.from);
    if (auto done = insert(piece.attempt, hole.from, bytes); !done) return done.error();
    added += bytes.size();
  }
  if (added == 0) return added;
  if (auto done = attempts.add_log(piece.attempt, added); !done) return done.error();
  return added;
}

/// What of the stretch no piece has.
Result<std::vector<BuildLogTable::Stretch>> BuildLogTable::holes_in(const wire::JobAttempt& attempt,
                                                                    Stretch stretch) {
  const std::string job = attempt.job.bytes();
  rt::Statement& rows = db_.prepare(select("offset, size", "AND offset < ?4 ORDER BY offset"));
  rows.bind_blob(1, job).bind(2, attempt.fence).bind(3, stretch.from).bind(4, stretch.to);
  std::vector<Stretch> out;
  std::uint64_t at = stretch.from;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    const std::uint64_t offset = rows.u64(0);
    if (offset > at) out.push_back({at, offset});
    at = std::max(at, offset + rows.u64(1));
  }
  if (at < stretch.to) out.push_back({at, stretch.to});
  return out;
}

Status BuildLogTable::insert(const wire::JobAttempt& attempt, std::uint64_t offset,
                             std::string_view bytes) {
  const std::string job = attempt.job.bytes();
  const wire::Compressed compressed = wire::compress(bytes, kZstdLevel);
  rt::Statement& add = db_.prepare(
      "INSERT INTO build_log (job, fence, offset, size, codec, bytes)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  add.bind_blob(1, job).bind(2, attempt.fence).bind(3, offset).bind(4, std::uint64_t{bytes.size()});
  return add.bind(5, int{compressed.codec}).bind_blob(6, compressed.bytes).run();
}

Status BuildLogTable::end(const wire::JobAttempt& attempt, std::uint32_t fact_count,
                          std::uint64_t log_bytes) {
  const std::string job = attempt.job.bytes();
  BuildAttemptTable attempts(db_);
  auto extent = attempts.extent(attempt);
  if (!extent) return extent.error();
  extent->log_bytes = log_bytes;
  extent->fact_count = fact_count;
  rt::Statement& beyond = db_.prepare(
      select("coalesce(sum(offset + size - max(offset, ?3)), 0)", "AND offset + size > ?3"));
  beyond.bind_blob(1, job).bind(2, attempt.fence).bind(3, log_bytes);
  const auto excess = rt::read_number(beyond);
  if (!excess) return excess.error();
  extent->log_stored -= std::min(extent->log_stored, static_cast<std::uint64_t>(*excess));
  return attempts.set_end(attempt, *extent);
}

Result<LogPart> BuildLogTable::read(const wire::JobAttempt& attempt, std::uint64_t from,
                                    std::size_t bytes_max) {
  const auto extent = BuildAttemptTable(db_).extent(attempt);
  if (!extent) return extent.error();
  LogPart out;
  out.size = extent->log_bytes;
  out.is_whole = extent->has_whole_log();
  const std::uint64_t end = out.size.value_or(kOffsetMax);
  if (from >= end) return out;
  const std::uint64_t most =
      std::min<std::uint64_t>({std::max<std::size_t>(bytes_max, 1), kLogReadBytesMax, end - from});
  auto done = read_pieces(attempt, from, static_cast<std::size_t>(most), out);
  if (!done) return done.error();
  return out;
}

Status BuildLogTable::read_pieces(const wire::JobAttempt& attempt, std::uint64_t from,
                                  std::size_t bytes_max, LogPart& out) {
  const std::string job = attempt.job.bytes();
  rt::Statement& rows = db_.prepare(select("offset, size, codec, bytes", "ORDER BY offset"));
  rows.bind_blob(1, job).bind(2, attempt.fence).bind(3, from);
  std::uint64_t at = from;
  while (out.bytes.size() < bytes_max) {
    const auto row = rows.step();
    if (!row) return row.error();
    const std::uint64_t offset = *row ? rows.u64(0) : out.size.value_or(at);
    if (!*row || offset > at) {
      if (out.bytes.empty()) out.missing = std::min(offset, out.size.value_or(offset)) - at;
      break;
    }
    const std::uint64_t size = rows.u64(1);
    if (offset + size <= at) continue;
    const auto piece = wire::decompress(rows.blob(3), static_cast<std::uint8_t>(rows.i64(2)),
                                        static_cast<std::size_t>(size));
    if (!piece) {
      rows.reset();
      return Error{Errc::kCorrupt, fmt::format("the log of job {} at byte {}: {}",
                                               attempt.job.hex(), offset, piece.error().message)};
    }
    const auto part = std::string_view(*piece).substr(at - offset, bytes_max - out.bytes.size());
    out.bytes.append(part);
    at += part.size();
  }
  rows.reset();
  return ok();
}

}  // namespace fieldpost::coordinator

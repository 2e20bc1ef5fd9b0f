#include "agent/spool/spool_check.h"

#include <fmt/format.h>

#include <limits>

#include "agent/spool/spool_rows.h"
#include "proto/wire/hash.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kHeaderBytes = 100;

Error damaged(std::string_view what) {
  return {Errc::kCorrupt, fmt::format("checking the spool: {}", what)};
}

Status check_tree(rt::Database& db) {
  rt::Statement& check = db.prepare("PRAGMA integrity_check(1)");
  const auto row = check.step();
  if (!row) return row.error();
  const std::string line(check.text(0));
  check.reset();
  return line == "ok" ? ok() : Status(damaged(line));
}

/// Whether both indices lead to this row, and a series set that is whole stands behind it.
Result<bool> is_found(rt::Database& db, const RecordRow& row) {
  const std::string set = row.set.bytes();
  rt::Statement& find = db.prepare(
      "SELECT (SELECT no FROM record INDEXED BY record_by_name WHERE incarnation_no = ?1 AND"
      " seq = ?2) = ?3 AND EXISTS (SELECT 1 FROM record INDEXED BY record_by_state WHERE"
      " state = ?4 AND class = ?5 AND no = ?3 AND incarnation_no = ?1 AND seq = ?2),"
      " (SELECT bytes FROM definition WHERE hash = ?6),"
      " (SELECT count(*) FROM incarnation WHERE no = ?1)");
  find.bind(1, row.incarnation_no).bind(2, row.seq).bind(3, row.no).bind(4, row.state);
  find.bind(5, row.record_class).bind_blob(6, set);
  const auto found = find.step();
  if (!found) return found.error();
  const bool indexed = find.i64(0) == 1 && find.i64(2) == 1;
  const bool defined = row.set.is_zero() || wire::hash128(find.blob(1)) == row.set;
  find.reset();
  return indexed && defined;
}

Status check_incarnations(rt::Database& db) {
  rt::Statement& rows = db.prepare(
      "SELECT no, spool, value, parent_no, ordinal, highest, lease, seal FROM incarnation"
      " ORDER BY no");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return ok();
    const auto incarnation = read_incarnation_row(rows);
    if (!incarnation) return incarnation.error();
  }
}

}  // namespace

Status check_header(rt::Files& files, const std::string& path) {
  const auto read = files.read(path, 0, kHeaderBytes);
  if (!read) return read.error().code == Errc::kNotFound ? ok() : Status(read.error());
  if (read->size() < kHeaderBytes) return ok();
  const std::string_view header(*read);
  using std::string_view_literals::operator""sv;
  // Magic and page size; versions (2: WAL); reserved space and fractions; schema format; UTF-8.
  const bool sound =
      header.starts_with("SQLite format 3\0\x10\0"sv) && header[18] == header[19] &&
      (header[18] == 1 || header[18] == 2) && header.substr(20, 4) == "\0@  "sv &&
      (header.substr(44, 4) == "\0\0\0\4"sv || header.substr(44, 4) == "\0\0\0\0"sv) &&
      (header.substr(56, 4) == "\0\0\0\1"sv || header.substr(56, 4) == "\0\0\0\0"sv);
  return sound ? ok() : Status(damaged("the header of its file is not ours"));
}

Result<std::int64_t> check_records(rt::Database& db, std::int64_t after, std::size_t bytes_max) {
  static const std::string kSql =
      fmt::format("SELECT {} FROM record WHERE no > ?1 ORDER BY no LIMIT 1", kRecordColumns);
  std::size_t bytes = 0;
  while (bytes < bytes_max) {
    rt::Statement& next = db.prepare(kSql);
    next.bind(1, after);
    const auto found = next.step();
    if (!found) return found.error();
    if (!*found) return std::int64_t{0};
    const RecordRow row = read_record_row(next);
    next.reset();
    if (!is_sealed(row) || !body_is_whole(row)) return damaged("a record is not what was written");
    const auto indexed = is_found(db, row);
    if (!indexed) return indexed.error();
    if (!*indexed) return damaged("a record is not where its indices say");
    after = row.no;
    bytes += row.body.size() + 1;
  }
  return after;
}

Status check_spool(rt::Database& db) {
  if (auto done = check_tree(db); !done) return done;
  if (auto done = check_incarnations(db); !done) return done;
  const auto last = check_records(db, 0, std::numeric_limits<std::size_t>::max());
  return last ? ok() : Status(last.error());
}

}  // namespace fieldpost::agent

#include "coordinator/store/deletion_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/retention.h"
#include "coordinator/store/u64_array.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

constexpr int kGapDeclared = 2;

std::string mark_bytes(std::vector<wire::Rank> marks) {
  std::sort(marks.begin(), marks.end());
  std::string bytes;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const wire::Rank& mark = marks[i];
    if (i + 1 < marks.size() && marks[i + 1].ordinal == mark.ordinal) continue;  // the higher one
    append_u64(bytes, mark.ordinal);
    append_u64(bytes, mark.seq);
  }
  return bytes;
}

std::vector<wire::Rank> marks_from(std::string_view bytes) {
  std::vector<wire::Rank> marks;
  for (std::size_t i = 0; i + 1 < bytes.size() / 8; i += 2) {
    marks.push_back({u64_at(bytes, i), u64_at(bytes, i + 1)});
  }
  return marks;
}

/// Columns from `no` to `marks` in the table's order.
Mask mask_of(const rt::Statement& stmt) {
  Mask mask;
  mask.deletion = stmt.i64(0);
  mask.measurement = stmt.text(1);
  mask.first_time = stmt.i64(2);
  mask.last_time = stmt.i64(3);
  mask.is_pending = stmt.i64(4) == static_cast<int>(DeletionState::kPending);
  mask.pack_no_max = stmt.i64(5);
  mask.ordinal_max = stmt.u64(6);
  mask.marks = marks_from(stmt.blob(7));
  return mask;
}

rt::Result<std::int64_t> number(rt::Database& db, std::string_view sql, std::int64_t argument) {
  rt::Statement& stmt = db.prepare(sql);
  const auto row = stmt.bind(1, argument).step();
  if (!row) return row.error();
  const std::int64_t value = *row ? stmt.i64(0) : 0;
  stmt.reset();
  return value;
}

rt::Result<std::int64_t> insert_gap(rt::Database& db, const DeletionScope& scope,
                                    rt::UnixTime now) {
  rt::Statement& stmt = db.prepare(
      "INSERT INTO gap (node_no, cause, state, first_time, last_time, readings_known, since_ns)"
      " VALUES (?1, 0, ?2, ?3, ?4, 1, ?5)");
  stmt.bind(1, scope.node).bind(2, kGapDeclared).bind(5, now.ns);
  stmt.bind(3, scope.first_time).bind(4, scope.last_time);
  if (auto done = stmt.run(); !done) return done.error();
  return db.last_insert_rowid();
}

/// What a deletion covers of ranks and packs only grows, so scope and times decide.
rt::Status retire_covered(rt::Database& db, const DeletionScope& by) {
  return db
      .prepare(
          "UPDATE deletion SET state = 4 WHERE node_no = ?1 AND state = 2"
          " AND (?2 = '' OR measurement = ?2) AND first_time >= ?3 AND last_time <= ?4")
      .bind(1, by.node)
      .bind_text(2, by.measurement)
      .bind(3, by.first_time)
      .bind(4, by.last_time)
      .run();
}

struct NewRow {
  DeletionState state = DeletionState::kPending;
  std::int64_t pack_no_max = 0;
  std::uint64_t ordinal_max = 0;
  std::vector<wire::Rank> marks;
};

/// Returns the gap.
rt::Result<std::int64_t> insert_row(rt::Database& db, const DeletionScope& scope, const NewRow& row,
                                    rt::UnixTime now) {
  const auto gap = insert_gap(db, scope, now);
  if (!gap) return gap.error();
  const std::string marks = mark_bytes(row.marks);
  rt::Statement& stmt = db.prepare(
      "INSERT INTO deletion (gap_no, node_no, state, measurement, first_time, last_time,"
      " pack_no_max, ordinal_max, marks, asked_ns, reason)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  stmt.bind(1, *gap).bind(2, scope.node).bind(3, static_cast<int>(row.state));
  stmt.bind_text(4, scope.measurement).bind(5, scope.first_time).bind(6, scope.last_time);
  stmt.bind(7, row.pack_no_max).bind(8, row.ordinal_max).bind_blob(9, marks);
  stmt.bind(10, now.ns).bind_text(11, scope.reason);
  if (auto done = stmt.run(); !done) return done.error();
  return *gap;
}

}  // namespace

rt::Result<Masks> masks_of(rt::Database& db, NodeNo node, std::int64_t first, std::int64_t last) {
  rt::Statement& stmt = db.prepare(
      "SELECT no, measurement, first_time, last_time, state, pack_no_max, ordinal_max, marks"
      " FROM deletion WHERE node_no = ? AND last_time >= ? AND first_time <= ? AND state IN (1, "
      "2)");
  stmt.bind(1, node).bind(2, first).bind(3, last);
  Masks masks;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return masks;
    masks.push_back(mask_of(stmt));
  }
}

bool concerns(std::string_view measurement, bool by_rule, std::string_view series_key) {
  if (measurement.empty()) return true;
  const auto key = wire::SeriesKey::parse(series_key);
  if (!key || !by_rule) return key && key->measurement == measurement;
  return matches_pattern(measurement, key->measurement);
}

Masks masks_for(const Masks& of_node, std::string_view series_key) {
  Masks out;
  if (of_node.empty()) return out;
  for (const Mask& mask : of_node) {
    if (concerns(mask.measurement, false, series_key)) out.push_back(mask);
  }
  return out;
}

rt::Result<std::int64_t> add_deletion(rt::Database& db, const DeletionScope& scope,
                                      std::uint64_t ordinal_max,
                                      const std::vector<wire::Rank>& marks, rt::UnixTime now) {
  if (auto done = retire_covered(db, scope); !done) return done.error();
  const auto known =
      number(db, "SELECT count(*) FROM deletion WHERE node_no = ? AND state IN (1, 2)", scope.node);
  if (!known) return known.error();
  if (*known >= kDeletionsOfNodeMax) {
    return Error{Errc::kFull, fmt::format("a node has at most {} deletions", kDeletionsOfNodeMax)};
  }
  const auto pack = number(
      db, "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'pack' AND 0 = ?", 0);
  if (!pack) return pack.error();
  return insert_row(db, scope, {DeletionState::kPending, *pack, ordinal_max, marks}, now);
}

rt::Status mark_deletions(rt::Database& db, NodeNo node, const wire::Rank& mark) {
  rt::Statement& rows = db.prepare(
      "SELECT no, marks FROM deletion WHERE node_no = ? AND ordinal_max >= ? AND state IN (1, 2)");
  rows.bind(1, node).bind(2, mark.ordinal);
  std::vector<std::pair<std::int64_t, std::vector<wire::Rank>>> found;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    found.emplace_back(rows.i64(0), marks_from(rows.blob(1)));
  }
  for (auto& [no, marks] : found) {
    marks.push_back(mark);
    const std::string bytes = mark_bytes(std::move(marks));
    auto done = db.prepare("UPDATE deletion SET marks = ?2 WHERE no = ?1")
                    .bind(1, no)
                    .bind_blob(2, bytes)
                    .run();
    if (!done) return done;
  }
  return rt::ok();
}

rt::Result<std::int64_t> rule_row(rt::Database& db, const DeletionScope& scope, rt::UnixTime now) {
  for (int tries = 0;; ++tries) {
    rt::Statement& find = db.prepare(
        "SELECT no FROM deletion WHERE node_no = ? AND state = 3 AND measurement = ? AND reason = "
        "?");
    const auto row =
        find.bind(1, scope.node).bind_text(2, scope.measurement).bind_text(3, scope.reason).step();
    if (!row) return row.error();
    if (*row) {
      const std::int64_t no = find.i64(0);
      find.reset();
      return no;
    }
    FP_CHECK(tries == 0);
    const auto gap = insert_row(db, scope, {DeletionState::kRule, 0, 0, {}}, now);
    if (!gap) return gap.error();
  }
}

rt::Status add_taken(rt::Database& db, const Taken& taken) {
  for (const Taken::Count& count : taken.counts()) {
    auto done =
        db.prepare("UPDATE deletion SET readings = readings + ?2, bytes = bytes + ?3 WHERE no = ?1")
            .bind(1, count.deletion)
            .bind(2, count.readings)
            .bind(3, count.bytes)
            .run();
    if (!done) return done;
    done = db.prepare(
                 "UPDATE gap SET readings = readings + ?2"
                 " WHERE no = (SELECT gap_no FROM deletion WHERE no = ?1)")
               .bind(1, count.deletion)
               .bind(2, count.readings)
               .run();
    if (!done) return done;
  }
  return rt::ok();
}

rt::Status widen_rule(rt::Database& db, std::int64_t row, std::int64_t first, std::int64_t last) {
  auto done = db.prepare(
                    "UPDATE deletion SET first_time = min(first_time, ?2),"
                    " last_time = max(last_time, ?3) WHERE no = ?1")
                  .bind(1, row)
                  .bind(2, first)
                  .bind(3, last)
                  .run();
  if (!done) return done;
  return db
      .prepare(
          "UPDATE gap SET first_time = min(first_time, ?2), last_time = max(last_time, ?3)"
          " WHERE no = (SELECT gap_no FROM deletion WHERE no = ?1)")
      .bind(1, row)
      .bind(2, first)
      .bind(3, last)
      .run();
}

rt::Status finish_deletion(rt::Database& db, std::int64_t row) {
  return db.prepare("UPDATE deletion SET state = 2 WHERE no = ? AND state = 1").bind(1, row).run();
}

rt::Result<std::optional<PendingDeletion>> next_pending(rt::Database& db) {
  rt::Statement& stmt = db.prepare(
      "SELECT no, measurement, first_time, last_time, state, pack_no_max, ordinal_max, marks,"
      " node_no FROM deletion WHERE state = 1 ORDER BY no LIMIT 1");
  const auto row = stmt.step();
  if (!row) return row.error();
  if (!*row) return std::optional<PendingDeletion>();
  std::optional<PendingDeletion> found = PendingDeletion{stmt.i64(8), mask_of(stmt)};
  stmt.reset();
  return found;
}

}  // namespace fieldpost::coordinator

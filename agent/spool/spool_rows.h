#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/sqlite.h"
#include "proto/wire/ids.h"

namespace fieldpost::agent {

/// A CRC-32C over what a row says. SQLite notices a damaged tree, but not a bit that flipped in a
/// value; a flipped seq would be another record's name.
class Seal {
 public:
  Seal& number(std::uint64_t value);
  Seal& number(std::int64_t value) { return number(static_cast<std::uint64_t>(value)); }
  Seal& bytes(std::string_view value);
  [[nodiscard]] std::int64_t value() const;

 private:
  std::string text_;
};

/// A row of the table `record`, as it stands there.
struct RecordRow {
  std::int64_t no = 0;  ///< 0: the next one
  std::int64_t incarnation_no = 0;
  std::uint64_t seq = 0;
  std::int64_t state = 1;  ///< 1 held, 2 kept
  std::int64_t record_class = 0;
  std::int64_t kind = 0;
  std::uint64_t readings = 0;
  std::uint64_t bytes = 0;  ///< of the body
  std::int64_t first_time = 0, last_time = 0;
  std::uint64_t age_ms = 0;
  wire::Hash128 set, hash;
  std::int64_t seal = 0;
  std::string body;
};
/// The columns that read_record_row takes, after "SELECT" and before the rest of the statement.
inline constexpr std::string_view kRecordColumns =
    "no, incarnation_no, seq, state, class, kind, readings, bytes, first_time, last_time, age_ms,"
    " series_set, hash, seal, body";
[[nodiscard]] RecordRow read_record_row(const rt::Statement& row);
rt::Status insert_record_row(rt::Database& db, const RecordRow& row);
[[nodiscard]] std::int64_t seal_of(const RecordRow& row);
/// Whether the row says what was written; tells nothing of the body.
[[nodiscard]] bool is_sealed(const RecordRow& row);
[[nodiscard]] bool body_is_whole(const RecordRow& row);

/// A row of the table `incarnation`.
struct IncarnationRow {
  std::int64_t no = 0;  ///< 0: the next one
  wire::IncarnationId id;
  std::int64_t parent_no = 0;  ///< 0: the first of all
  std::uint64_t ordinal = 0;
  std::uint64_t highest = 0;
  std::uint64_t lease = 0;
};
/// Columns: no, spool, value, parent_no, ordinal, highest, lease, seal. kCorrupt when the seal says
/// so.
rt::Result<IncarnationRow> read_incarnation_row(const rt::Statement& row);
/// Inserts, or replaces what can change; `row.no` is set.
rt::Status write_incarnation_row(rt::Database& db, IncarnationRow& row);

/// One fact; empty: none. kCorrupt when its seal says so.
rt::Result<std::string> read_fact(rt::Database& db, std::string_view key);
rt::Status write_fact(rt::Database& db, std::string_view key, std::string_view value);

/// What a spool's file must look like before any of our statements is prepared: empty, or ours.
/// kInvalid: of a newer version. kCorrupt otherwise.
rt::Status check_schema(rt::Database& db);
/// Whether the schema is one of ours: our statements can be prepared.
bool known_schema(rt::Database& db);
rt::Status migrate_spool(rt::Database& db);

}  // namespace fieldpost::agent

#include "agent/spool/spool_rows.h"

#include <array>
#include <limits>
#include <span>

#include "proto/wire/hash.h"
#include "spool_sql.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::array<std::string_view, 1> kMigrations{sql::kSpool};

Result<std::string> schema_text(rt::Database& db) {
  rt::Statement& rows =
      db.prepare("SELECT type, name, tbl_name, ifnull(sql, '') FROM sqlite_schema ORDER BY 1, 2");
  std::string out;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    for (int column = 0; column < 4; ++column) out.append(rows.text(column)).push_back('\n');
  }
}

Result<std::string> expected_schema(std::size_t version) {
  auto db = rt::Database::open(":memory:", {});
  if (!db) return db.error();
  if (auto done = db->migrate(std::span(kMigrations).first(version)); !done) return done.error();
  return schema_text(*db);
}

Result<std::uint64_t> user_version(rt::Database& db) {
  rt::Statement& version = db.prepare("PRAGMA user_version");
  const auto row = version.step();
  if (!row) return row.error();
  const std::uint64_t value = version.u64(0);
  version.reset();
  return value;
}

constexpr std::size_t kUnknownSchema = std::numeric_limits<std::size_t>::max();

/// Which of our schemas this is, 0 for an empty file.
Result<std::size_t> schema_version(rt::Database& db) {
  const auto found = schema_text(db);
  if (!found) return found.error();
  for (std::size_t version = 0; version <= kMigrations.size(); ++version) {
    const auto expected = expected_schema(version);
    if (!expected) return expected.error();
    if (*found == *expected) return version;
  }
  return kUnknownSchema;
}

std::int64_t seal_of(const IncarnationRow& row) {
  return Seal()
      .bytes(row.id.spool.bytes())
      .number(row.id.value)
      .number(row.parent_no)
      .number(row.ordinal)
      .number(row.highest)
      .number(row.lease)
      .value();
}

std::int64_t seal_of_fact(std::string_view key, std::string_view value) {
  return Seal().bytes(key).bytes(value).value();
}

}  // namespace

Seal& Seal::number(std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    text_.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
  }
  return *this;
}

Seal& Seal::bytes(std::string_view value) {
  number(std::uint64_t{value.size()});
  text_.append(value);
  return *this;
}

std::int64_t Seal::value() const {
  return wire::crc32c(text_);
}

RecordRow read_record_row(const rt::Statement& row) {
  RecordRow out;
  out.no = row.i64(0);
  out.incarnation_no = row.i64(1);
  out.seq = row.u64(2);
  out.state = row.i64(3);
  out.record_class = row.i64(4);
  out.kind = row.i64(5);
  out.readings = row.u64(6);
  out.bytes = row.u64(7);
  out.first_time = row.i64(8);
  out.last_time = row.i64(9);
  out.age_ms = row.u64(10);
  out.set = wire::Id128::from_bytes(row.blob(11));
  out.hash = wire::Id128::from_bytes(row.blob(12));
  out.seal = row.i64(13);
  out.body = row.blob(14);
  return out;
}

Status insert_record_row(rt::Database& db, const RecordRow& row) {
  const std::string set = row.set.bytes(), hash = row.hash.bytes();
  rt::Statement& insert = db.prepare(
      "INSERT INTO record (no, incarnation_no, seq, state, class, kind, readings, bytes,"
      " first_time, last_time, age_ms, series_set, hash, seal, body)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
  if (row.no == 0) {
    insert.bind_null(1);
  } else {
    insert.bind(1, row.no);
  }
  insert.bind(2, row.incarnation_no)
      .bind(3, row.seq)
      .bind(4, row.state)
      .bind(5, row.record_class)
      .bind(6, row.kind)
      .bind(7, row.readings)
      .bind(8, row.bytes)
      .bind(9, row.first_time)
      .bind(10, row.last_time)
      .bind(11, row.age_ms)
      .bind_blob(12, set)
      .bind_blob(13, hash)
      .bind(14, seal_of(row))
      .bind_blob(15, row.body);
  return insert.run();
}

std::int64_t seal_of(const RecordRow& row) {
  return Seal()
      .number(row.incarnation_no)
      .number(row.seq)
      .number(row.record_class)
      .number(row.kind)
      .number(row.readings)
      .number(row.bytes)
      .number(row.first_time)
      .number(row.last_time)
      .number(row.age_ms)
      .bytes(row.set.bytes())
      .bytes(row.hash.bytes())
      .value();
}

bool is_sealed(const RecordRow& row) {
  return (row.state == 1 || row.state == 2) && row.seal == seal_of(row);
}

bool body_is_whole(const RecordRow& row) {
  return row.body.size() == row.bytes && wire::hash128(row.body) == row.hash;
}

Result<IncarnationRow> read_incarnation_row(const rt::Statement& row) {
  const IncarnationRow out{row.i64(0), {wire::Id128::from_bytes(row.blob(1)), row.u64(2)},
                           row.i64(3), row.u64(4),
                           row.u64(5), row.u64(6)};
  if (row.i64(7) == seal_of(out)) return out;
  return Error{Errc::kCorrupt, "reading an incarnation of the spool: its seal does not match"};
}

Status write_incarnation_row(rt::Database& db, IncarnationRow& row) {
  const std::string spool = row.id.spool.bytes();
  rt::Statement& write = db.prepare(
      "INSERT INTO incarnation (no, spool, value, parent_no, ordinal, highest, lease, seal)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (no) DO UPDATE SET"
      " ordinal = excluded.ordinal, highest = excluded.highest, lease = excluded.lease,"
      " seal = excluded.seal");
  write.bind_blob(2, spool).bind(3, row.id.value).bind(5, row.ordinal).bind(6, row.highest);
  write.bind(7, row.lease).bind(8, seal_of(row));
  if (row.no == 0) {
    write.bind_null(1);
  } else {
    write.bind(1, row.no);
  }
  if (row.parent_no == 0) {
    write.bind_null(4);
  } else {
    write.bind(4, row.parent_no);
  }
  if (auto done = write.run(); !done) return done;
  if (row.no == 0) row.no = db.last_insert_rowid();
  return ok();
}

Result<std::string> read_fact(rt::Database& db, std::string_view key) {
  rt::Statement& get = db.prepare("SELECT value, seal FROM fact WHERE key = ?1");
  get.bind_text(1, key);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return std::string{};
  std::string value(get.blob(0));
  const bool sealed = get.i64(1) == seal_of_fact(key, value);
  get.reset();
  if (sealed) return value;
  return Error{Errc::kCorrupt, "reading a fact of the spool: its seal does not match"};
}

Status write_fact(rt::Database& db, std::string_view key, std::string_view value) {
  rt::Statement& set =
      db.prepare("INSERT OR REPLACE INTO fact (key, value, seal) VALUES (?1, ?2, ?3)");
  set.bind_text(1, key).bind_blob(2, value).bind(3, seal_of_fact(key, value));
  return set.run();
}

Status check_schema(rt::Database& db) {
  const auto version = user_version(db);
  if (!version) return version.error();
  const auto known = schema_version(db);
  if (!known) return known.error();
  if (*known == *version) return ok();
  if (*known == kUnknownSchema && *version > kMigrations.size()) {
    return Error{Errc::kInvalid, "opening the spool: it was written by a newer version"};
  }
  return Error{Errc::kCorrupt, "opening the spool: its schema is damaged"};
}

bool known_schema(rt::Database& db) {
  const auto known = schema_version(db);
  return known && *known > 0 && *known != kUnknownSchema;
}

Status migrate_spool(rt::Database& db) {
  return db.migrate(kMigrations);
}

}  // namespace fieldpost::agent

#pragma once

#include <doctest/doctest.h>

#include "proto/rt/sqlite.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {

/// SQLite on the operating system's files.
struct UnixSqliteRig {
  TempDirectory directory;
  [[nodiscard]] std::string path(const std::string& name) const { return directory.file(name); }
  [[nodiscard]] rt::DatabaseOptions options() const { return {.busy_timeout_ms = 0, .vfs = ""}; }
};

/// SQLite on the simulated disk.
struct SimSqliteRig {
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "sim-contract"};
  [[nodiscard]] static std::string path(const std::string& name) { return "/data/" + name; }
  [[nodiscard]] rt::DatabaseOptions options() const {
    return {.busy_timeout_ms = 0, .vfs = vfs.name()};
  }
};

template <typename Rig>
rt::Database open(Rig& rig, const std::string& name = "a.db") {
  auto db = rt::Database::open(rig.path(name), rig.options());
  REQUIRE_MESSAGE(db.has_value(), (db ? std::string() : db.error().message));
  return std::move(db).value();
}

inline std::int64_t ask(rt::Database& db, const std::string& sql) {
  rt::Statement& stmt = db.prepare(sql);
  const auto row = stmt.step();
  REQUIRE_MESSAGE(row.has_value(), sql);
  const std::int64_t answer = *row ? stmt.i64(0) : -1;
  stmt.reset();
  return answer;
}

inline std::int64_t count_rows(rt::Database& db) {
  return ask(db, "SELECT count(*) FROM t");
}

inline rt::Status make_table(rt::Database& db) {
  return db.execute("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, bytes BLOB)");
}

/// One transaction, one row; its bytes span several pages.
inline rt::Status insert(rt::Database& db, std::int64_t id) {
  rt::Statement& stmt = db.prepare("INSERT INTO t VALUES (?, zeroblob(6000))");
  return stmt.bind(1, id).run();
}

}  // namespace fieldpost::test

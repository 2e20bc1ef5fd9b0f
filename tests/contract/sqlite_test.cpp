#include <thread>

#include "tests/contract/sqlite_rigs.h"

namespace fieldpost::test {
namespace {

using rt::Errc;

TEST_CASE_TEMPLATE("what was committed is there after closing and opening again", Rig,
                   UnixSqliteRig, SimSqliteRig) {
  Rig rig;
  {
    auto db = open(rig);
    REQUIRE(make_table(db));
    for (int i = 0; i < 100; ++i) REQUIRE(insert(db, i));
    REQUIRE(db.begin());
    REQUIRE(insert(db, 1000));
    db.rollback();
  }
  auto db = open(rig);
  CHECK(count_rows(db) == 100);
  CHECK(ask(db, "SELECT sum(length(bytes)) FROM t") == 600'000);
  CHECK(db.quick_check().has_value());
}

TEST_CASE_TEMPLATE("a reader keeps its snapshot while a writer commits", Rig, UnixSqliteRig,
                   SimSqliteRig) {
  Rig rig;
  auto writer = open(rig);
  REQUIRE(make_table(writer));
  REQUIRE(insert(writer, 1));
  auto reader = open(rig);
  REQUIRE(reader.execute("BEGIN"));
  CHECK(count_rows(reader) == 1);
  REQUIRE(insert(writer, 2));
  CHECK(count_rows(reader) == 1);
  CHECK(count_rows(writer) == 2);
  CHECK(writer.checkpoint(true).error().code == Errc::kBusy);
  REQUIRE(reader.execute("COMMIT"));
  CHECK(count_rows(reader) == 2);
  CHECK(writer.checkpoint(true).has_value());
}

TEST_CASE_TEMPLATE("whoever opens to write waits for readers, and is told so", Rig, UnixSqliteRig,
                   SimSqliteRig) {
  Rig rig;
  {
    rt::Database writer = open(rig);
    REQUIRE(writer.execute("CREATE TABLE t (x); INSERT INTO t VALUES (1)"));
    rt::Database reader = open(rig);
    REQUIRE(reader.execute("BEGIN"));
    CHECK(ask(reader, "SELECT count(*) FROM t") == 1);
    REQUIRE(writer.execute("INSERT INTO t VALUES (2)"));
    const auto other = rt::Database::open(rig.path("a.db"), rig.options());
    REQUIRE_FALSE(other);
    CHECK(other.error().code == Errc::kBusy);
    CHECK(other.error().message.find("another program is reading the file") != std::string::npos);
    REQUIRE(reader.execute("COMMIT"));
    CHECK(rt::Database::open(rig.path("a.db"), rig.options()).has_value());
  }
}

TEST_CASE_TEMPLATE("of two writers one is told to wait", Rig, UnixSqliteRig, SimSqliteRig) {
  Rig rig;
  auto first = open(rig);
  REQUIRE(make_table(first));
  auto second = open(rig);
  REQUIRE(first.begin());
  CHECK(second.begin().error().code == Errc::kBusy);
  REQUIRE(insert(first, 1));
  REQUIRE(first.commit());
  REQUIRE(second.begin());
  REQUIRE(insert(second, 2));
  REQUIRE(second.commit());
  CHECK(count_rows(first) == 2);
}

TEST_CASE_TEMPLATE("a checkpoint empties the WAL, and VACUUM INTO makes a whole copy", Rig,
                   UnixSqliteRig, SimSqliteRig) {
  Rig rig;
  auto db = open(rig);
  REQUIRE(make_table(db));
  for (int i = 0; i < 300; ++i) REQUIRE(insert(db, i));
  REQUIRE(db.execute("DELETE FROM t WHERE id % 2 = 0; PRAGMA incremental_vacuum"));
  REQUIRE(db.checkpoint(true));
  REQUIRE(db.execute("VACUUM INTO '" + rig.path("copy.db") + "'"));
  auto copy = open(rig, "copy.db");
  CHECK(count_rows(copy) == 150);
  CHECK(copy.quick_check().has_value());
}

TEST_CASE_TEMPLATE("a rollback journal works as well as the WAL", Rig, UnixSqliteRig,
                   SimSqliteRig) {
  Rig rig;
  auto db = open(rig);
  REQUIRE(db.execute("PRAGMA journal_mode = DELETE"));
  REQUIRE(make_table(db));
  auto other = open(rig, "a.db");
  REQUIRE(db.execute("PRAGMA cache_size = 5; BEGIN"));
  for (int i = 0; i < 100; ++i) REQUIRE(insert(db, i));
  db.rollback();
  CHECK(count_rows(db) == 0);
  REQUIRE(insert(db, 1));
  CHECK(count_rows(other) == 1);
}

TEST_CASE_TEMPLATE("readers and a writer on threads of their own see whole transactions", Rig,
                   UnixSqliteRig, SimSqliteRig) {
  Rig rig;
  auto writer = open(rig);
  REQUIRE(make_table(writer));
  auto reader = open(rig);
  int torn = 0;
  std::thread reads([&] {
    for (std::int64_t seen = 0; seen < 200;) {
      rt::Statement& stmt = reader.prepare("SELECT count(*) FROM t");
      const auto row = stmt.step();
      if (row && *row) seen = stmt.i64(0);
      stmt.reset();
      torn += static_cast<int>(seen % 2);
    }
  });
  for (int i = 0; i < 200; i += 2) {
    REQUIRE(writer.begin());
    REQUIRE(insert(writer, i));
    REQUIRE(insert(writer, i + 1));
    REQUIRE(writer.commit());
  }
  reads.join();
  CHECK(torn == 0);
}

TEST_CASE_TEMPLATE("a part of a transaction is undone alone, and goes with the whole", Rig,
                   UnixSqliteRig, SimSqliteRig) {
  Rig rig;
  auto db = open(rig);
  REQUIRE(make_table(db));
  REQUIRE(db.begin());
  for (int i = 0; i < 100; ++i) REQUIRE(insert(db, i));
  {
    rt::Savepoint kept(db);
    REQUIRE(kept.begin());
    REQUIRE(insert(db, 100));
    {
      rt::Savepoint inner(db);
      REQUIRE(inner.begin());
      REQUIRE(db.execute("DELETE FROM t"));
    }
    CHECK(count_rows(db) == 101);
    REQUIRE(kept.keep());
  }
  {
    rt::Savepoint undone(db);
    REQUIRE(undone.begin());
    REQUIRE(insert(db, 101));
    undone.undo();
    REQUIRE(insert(db, 102));
  }
  REQUIRE(db.commit());
  CHECK(count_rows(db) == 102);
  CHECK(ask(db, "SELECT max(id) FROM t") == 102);
  REQUIRE(db.begin());
  rt::Savepoint part(db);
  REQUIRE(part.begin());
  REQUIRE(insert(db, 200));
  REQUIRE(part.keep());
  db.rollback();
  CHECK(count_rows(db) == 102);
}

TEST_CASE_TEMPLATE("a missing file is not made when none is wanted", Rig, UnixSqliteRig,
                   SimSqliteRig) {
  Rig rig;
  auto options = rig.options();
  options.create = false;
  CHECK(rt::Database::open(rig.path("none.db"), options).error().code == Errc::kIo);
}

}  // namespace
}  // namespace fieldpost::test

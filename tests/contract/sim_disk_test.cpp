#include <algorithm>

#include "tests/contract/sqlite_rigs.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::test {
namespace {

using rt::Errc;
using sim::Dice;
using sim::DiskAnswer;

/// Commits rows from `first` on until one fails; how many were committed.
int commit_until_failure(rt::Database& db, int first, int most) {
  for (int i = 0; i < most; ++i) {
    if (!insert(db, first + i)) return i;
  }
  return most;
}

TEST_CASE("every commit survives a power cut at any call, and nothing else is half there") {
  int cuts_that_lost = 0;
  for (std::uint64_t call = 1; call < 250; ++call) {
    INFO("power cut at call ", call);
    SimSqliteRig rig;
    Dice dice(call);
    int committed = 0;
    bool table = false;
    rig.disk.stop_at(call);
    {
      auto db = rt::Database::open(rig.path("a.db"), rig.options());
      if (db) table = make_table(*db).has_value();
      if (table) committed = commit_until_failure(*db, 0, 20);
      if (table && rig.disk.changing_calls() % 2 == 0) [[maybe_unused]]
        auto ignored = db->checkpoint(true);
    }
    rig.disk.stop();
    rig.disk.restart_after_power_cut(dice);
    auto db = open(rig);
    CHECK(db.quick_check().has_value());
    if (!table) continue;
    const std::int64_t rows = count_rows(db);
    CHECK(rows >= committed);
    CHECK(rows <= committed + 1);  // the one whose commit was under way
    cuts_that_lost += rows == committed ? 1 : 0;
    CHECK(insert(db, 1000).has_value());
  }
  CHECK(cuts_that_lost > 0);
}

TEST_CASE("a rollback journal does not come back once a commit to the WAL was synced") {
  // It would be hot, and roll page 1 back under a WAL that goes on.
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimSqliteRig rig;
    Dice dice(seed);
    {
      auto db = open(rig);  // a journal is used, and removed, to change to the WAL
      REQUIRE(make_table(db).has_value());
      rig.disk.stop();
    }
    rig.disk.restart_after_power_cut(dice);
    CHECK(rig.disk.find(rig.path("a.db-journal")) == nullptr);
  }
}

TEST_CASE("a kill keeps what was written though it was never synced; a power cut may not") {
  int kept = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const bool power : {false, true}) {
      sim::SimDisk disk;
      sim::DiskFilePtr file;
      REQUIRE(disk.open("/f", true, file) == DiskAnswer::kDone);
      REQUIRE(disk.write(*file, 0, "synced") == DiskAnswer::kDone);
      REQUIRE(disk.sync(*file) == DiskAnswer::kDone);
      REQUIRE(disk.write(*file, 0, "SYNCED, not") == DiskAnswer::kDone);
      disk.stop();
      CHECK(disk.write(*file, 0, "dead") == DiskAnswer::kIo);
      file.reset();
      Dice dice(seed);
      if (power) {
        disk.restart_after_power_cut(dice);
      } else {
        disk.restart_after_kill();
      }
      const std::string content = disk.snapshot().at("/f");
      if (!power) CHECK(content == "SYNCED, not");
      CHECK((content == "synced" || content == "SYNCED, not"));
      kept += power && content != "synced" ? 1 : 0;
    }
  }
  CHECK(kept > 0);
  CHECK(kept < 20);
}

TEST_CASE("a power cut keeps sectors of one write and loses others") {
  bool torn = false;
  for (std::uint64_t seed = 0; seed < 50 && !torn; ++seed) {
    sim::SimDisk disk;
    sim::DiskFilePtr file;
    REQUIRE(disk.open("/f", true, file) == DiskAnswer::kDone);
    REQUIRE(disk.write(*file, 0, std::string(4096, 'a')) == DiskAnswer::kDone);
    REQUIRE(disk.sync(*file) == DiskAnswer::kDone);
    REQUIRE(disk.write(*file, 0, std::string(4096, 'b')) == DiskAnswer::kDone);
    file.reset();
    Dice dice(seed);
    disk.restart_after_power_cut(dice);
    const std::string content = disk.snapshot().at("/f");
    torn = content.find('a') != std::string::npos && content.find('b') != std::string::npos;
  }
  CHECK(torn);
}

TEST_CASE("without syncing, a power cut loses commits: the disk would tell") {
  bool lost = false;
  for (std::uint64_t seed = 0; seed < 20 && !lost; ++seed) {
    SimSqliteRig rig;
    {
      auto db = open(rig);
      REQUIRE(make_table(db));
      REQUIRE(db.checkpoint(true));
      REQUIRE(db.execute("PRAGMA synchronous = OFF"));
      CHECK(commit_until_failure(db, 0, 20) == 20);
      rig.disk.stop();
    }
    Dice dice(seed);
    rig.disk.restart_after_power_cut(dice);
    auto db = open(rig);
    lost = count_rows(db) < 20;
  }
  CHECK(lost);
}

TEST_CASE("a failure at the n-th call is reported, and the next transaction succeeds") {
  bool fired = true;
  for (std::uint64_t at = 1; fired; ++at) {
    INFO("failure at call ", at);
    SimSqliteRig rig;
    auto db = open(rig);
    REQUIRE(make_table(db));
    rig.disk.fail({.answer = DiskAnswer::kIo, .at = at});
    const int committed = commit_until_failure(db, 0, 3);
    fired = rig.disk.failure_fired();
    CHECK((committed < 3) == fired);
    rig.disk.heal();
    CHECK(insert(db, 100).has_value());
    CHECK(count_rows(db) == committed + 1);
    CHECK(db.quick_check().has_value());
    REQUIRE(at < 100);
  }
}

TEST_CASE("after a failed sync the disk has forgotten the write, though the next sync succeeds") {
  sim::SimDisk disk;
  sim::DiskFilePtr file;
  REQUIRE(disk.open("/f", true, file) == DiskAnswer::kDone);
  REQUIRE(disk.write(*file, 0, "old") == DiskAnswer::kDone);
  REQUIRE(disk.sync(*file) == DiskAnswer::kDone);
  REQUIRE(disk.write(*file, 0, "new") == DiskAnswer::kDone);
  disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  CHECK(disk.sync(*file) == DiskAnswer::kIo);
  CHECK(disk.sync(*file) == DiskAnswer::kDone);
  CHECK(file->content == "new");
  CHECK(file->durable == "old");
}

TEST_CASE("a full disk is kFull, and room makes it work again") {
  SimSqliteRig rig;
  auto db = open(rig);
  REQUIRE(make_table(db));
  rig.disk.set_bytes_max(rig.disk.bytes_used() + 50'000);
  const int committed = commit_until_failure(db, 0, 100);
  CHECK(committed > 0);
  CHECK(committed < 100);
  CHECK(insert(db, 500).error().code == Errc::kFull);
  CHECK(count_rows(db) == committed);
  rig.disk.heal();
  CHECK(insert(db, 501).has_value());
}

TEST_CASE("an image put back is the old database, a flipped bit is corruption") {
  SimSqliteRig rig;
  sim::SimDisk::Image image;
  {
    auto db = open(rig);
    REQUIRE(make_table(db));
    CHECK(commit_until_failure(db, 0, 50) == 50);
    REQUIRE(db.checkpoint(true));
    image = rig.disk.snapshot();
    CHECK(commit_until_failure(db, 50, 50) == 50);
  }
  rig.disk.restore(image);
  {
    auto db = open(rig);
    CHECK(count_rows(db) == 50);
  }
  for (std::uint64_t byte = 4096; byte < 4096 + 400; byte += 4) {
    rig.disk.flip_bit(rig.path("a.db"), byte * 8);
  }
  auto db = open(rig);
  CHECK_FALSE(db.quick_check().has_value());
}

TEST_CASE("files and databases share the disk: a database renamed is found under its new name") {
  SimSqliteRig rig;
  sim::SimFiles files(rig.disk);
  {
    auto db = open(rig);
    REQUIRE(make_table(db));
    REQUIRE(insert(db, 1));
  }
  REQUIRE(files.rename(rig.path("a.db"), rig.path("b.db")));
  auto renamed = open(rig, "b.db");
  CHECK(count_rows(renamed) == 1);
  const auto names = files.list("/data");
  REQUIRE(names.has_value());
  CHECK(std::count(names->begin(), names->end(), "a.db") == 0);
}

TEST_CASE("a write made durable survives any power cut, whole or not at all") {
  for (std::uint64_t call = 1; call < 8; ++call) {
    sim::SimDisk disk;
    sim::SimFiles files(disk);
    REQUIRE(files.make_directories("/etc"));
    REQUIRE(files.write_durably("/etc/key", "old", 0600));
    disk.stop_at(call);
    const bool written = files.write_durably("/etc/key", "new", 0600).has_value();
    disk.stop();
    Dice dice(call);
    disk.restart_after_power_cut(dice);
    const auto content = files.read("/etc/key", 0, 100);
    REQUIRE(content.has_value());
    CHECK(*content == (written ? "new" : "old"));
  }
}

}  // namespace
}  // namespace fieldpost::test

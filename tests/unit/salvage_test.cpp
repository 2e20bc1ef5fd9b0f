// A spool whose file is damaged [back-5], on the simulated disk.
#include "agent/spool/salvage.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "agent/spool/open_spool.h"
#include "agent/spool/spool.h"
#include "agent/spool/spool_check.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::agent {
namespace {

using rt::Errc;
using sim::Dice;

constexpr const char* kPath = "/spool/spool.db";

SpoolRecord event(const wire::Name& name) {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
  record.payload = std::string(500, static_cast<char>('a' + name.seq % 26));
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  SpoolRecord made = make_spool_record(record, RecordClass::kEvent);
  made.name = name;
  return made;
}

struct SpoolWorld {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "salvage-test"};
  sim::SimFiles files{disk};
  sim::SimRandom random{Dice(7)};
  sim::SimLog log{world, "agent"};

  rt::Result<Spool> open() { return open_spool(kPath, vfs.name(), files, random, log); }

  /// Two lives: 20 records delivered, 20 held, then 10 more; all in the file, none in the WAL.
  std::vector<wire::Name> fill() {
    std::vector<wire::Name> names;
    for (const std::uint64_t count : {40U, 10U}) {
      auto spool = open();
      REQUIRE(spool.has_value());
      for (std::uint64_t seq = 1; seq <= count; ++seq) {
        names.push_back({spool->live().id, seq});
        const SpoolRecord record = event(names.back());
        REQUIRE(spool->append({&record, 1}, seq * 1000).has_value());
      }
      std::uint64_t next_seq = count + 1;
      const wire::VerdictRange delivered{{spool->live().id, {1, count / 2}},
                                         wire::Verdict::kStored};
      REQUIRE(spool->settle({&delivered, 1}, next_seq).has_value());
      REQUIRE(spool->database().checkpoint(true).has_value());
    }
    return names;
  }
};

bool covers(const std::vector<wire::SeqRange>& ranges, std::uint64_t seq) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const auto& each) { return each.first <= seq && seq <= each.last; });
}

/// Whether each name is on disk as it was, or held by a gap.
void check_accounted(Spool& spool, const std::vector<wire::Name>& names) {
  const auto statement = spool.statement();
  REQUIRE(statement.has_value());
  for (const wire::Name& name : names) {
    INFO("seq ", name.seq);
    const auto of = std::find_if(statement->begin(), statement->end(),
                                 [&](const auto& each) { return each.id == name.incarnation; });
    REQUIRE(of != statement->end());
    CHECK((covers(of->held, name.seq) || covers(of->kept, name.seq)));
    const auto record = spool.load(name);
    if (record) CHECK(record->hash == event(name).hash);
  }
}

TEST_CASE("any bit of the file may flip: each record stands as it was, or lies in a gap") {
  std::size_t salvaged = 0, begun_anew = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    INFO("seed ", seed);
    SpoolWorld w;
    const auto names = w.fill();
    Dice dice(seed);
    w.disk.flip_bit(kPath, dice.below(w.disk.size(*w.disk.find(kPath)) * 8));
    auto spool = w.open();
    REQUIRE(spool.has_value());
    REQUIRE(check_spool(spool->database()).has_value());
    if (w.log.count_containing("a new one begins") > 0) {
      begun_anew += 1;
      continue;
    }
    salvaged += w.log.count_containing("spool salvaged");
    check_accounted(*spool, names);
    const auto live = spool->statement()->back();
    CHECK(live.live);
    CHECK_FALSE(live.parent.is_none());
  }
  CHECK(salvaged > 50);
  CHECK(begun_anew < 20);
}

TEST_CASE("a record whose name was changed is not sent under it: its own name lies in a gap") {
  SpoolWorld w;
  const auto names = w.fill();
  const wire::Name& held = names.at(30);
  {
    auto spool = Spool::open(kPath, w.vfs.name(), w.random);
    REQUIRE(spool.has_value());
    // Indices and all, so that no check of the tree sees it.
    REQUIRE(spool->database().execute("UPDATE record SET seq = 4000 WHERE no = 31").has_value());
    CHECK(spool->load({held.incarnation, 4000}).error().code == Errc::kCorrupt);
  }
  auto spool = w.open();
  REQUIRE(spool.has_value());
  CHECK(w.log.count_containing("spool salvaged: 49 records") == 1);
  CHECK(spool->load({held.incarnation, 4000}).error().code == Errc::kNotFound);
  check_accounted(*spool, names);
}

TEST_CASE("power may fail at any call of a salvage: the next start finishes it") {
  for (std::uint64_t call = 1;; ++call) {
    INFO("power cut at call ", call);
    SpoolWorld w;
    const auto names = w.fill();
    w.disk.flip_bit(kPath, (w.disk.size(*w.disk.find(kPath)) / 2) * 8 + 40);
    w.disk.stop_at(call);
    const bool done = w.open().has_value();
    Dice dice(call);
    w.disk.stop();
    w.disk.restart_after_power_cut(dice);
    auto spool = w.open();
    REQUIRE(spool.has_value());
    check_accounted(*spool, names);
    CHECK(w.disk.find(std::string(kPath) + ".damaged-1") != nullptr);
    CHECK(w.disk.find(std::string(kPath) + ".damaged-2") == nullptr);
    if (done) break;
  }
}

TEST_CASE("a failed write while salvaging is reported, and trying again works") {
  for (std::uint64_t call = 1;; ++call) {
    INFO("failure at call ", call);
    SpoolWorld w;
    const auto names = w.fill();
    w.disk.flip_bit(kPath, (w.disk.size(*w.disk.find(kPath)) / 2) * 8 + 40);
    w.disk.fail(
        {.answer = call % 2 == 0 ? sim::DiskAnswer::kFull : sim::DiskAnswer::kIo, .at = call});
    const auto first = w.open();
    if (!first) {
      const bool told = first.error().code == Errc::kIo || first.error().code == Errc::kFull;
      CHECK_MESSAGE(told, first.error().message);
    }
    const bool fired = w.disk.failure_fired();
    w.disk.heal();
    if (!fired) break;
    if (first) continue;
    auto spool = w.open();
    REQUIRE(spool.has_value());
    check_accounted(*spool, names);
  }
}

TEST_CASE("a file that is no spool any more gives way to a new one, and is kept") {
  SpoolWorld w;
  w.fill();
  w.disk.flip_bit(kPath, 3);  // of the magic
  auto spool = w.open();
  REQUIRE(spool.has_value());
  CHECK(spool->totals().records_held == 0);
  CHECK(w.log.count_containing("a new one begins") == 1);
  CHECK(w.disk.find(std::string(kPath) + ".damaged-1") != nullptr);
}

TEST_CASE("a salvaged spool knows how often its node is to measure") {
  SpoolWorld w;
  w.fill();
  REQUIRE(w.open()->set_fact("sampling", "as told").has_value());
  REQUIRE(w.open()->database().checkpoint(true).has_value());
  REQUIRE(mark_damaged(w.files, kPath).has_value());
  w.disk.flip_bit(kPath, (w.disk.size(*w.disk.find(kPath)) / 2) * 8 + 40);
  auto spool = w.open();
  REQUIRE(spool.has_value());
  REQUIRE(w.log.count_containing("spool salvaged") == 1);
  CHECK(spool->fact("sampling").value() == "as told");
}

TEST_CASE("as many damaged spools are kept as the constant says, the newest ones") {
  SpoolWorld w;
  for (int i = 0; i < 5; ++i) {
    w.fill();
    w.disk.flip_bit(kPath, 3);
    REQUIRE(w.open().has_value());
  }
  for (int number = 1; number <= 5; ++number) {
    INFO("number ", number);
    const auto file = w.disk.find(std::string(kPath) + ".damaged-" + std::to_string(number));
    CHECK((file != nullptr) == (number > 5 - static_cast<int>(kDamagedSpoolsKept)));
  }
}

}  // namespace
}  // namespace fieldpost::agent

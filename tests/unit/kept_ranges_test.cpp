// What is kept is a convenience, and must not make the hello longer than the link.
#include "agent/spool/kept_ranges.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::agent {
namespace {

struct KeptBench {
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "kept-test"};
  sim::SimRandom random{sim::Dice(5)};
  Spool spool = *Spool::open("/spool/spool.db", vfs.name(), random);

  /// Delivered records under these names.
  void keep(const std::vector<std::uint64_t>& seqs) {
    append(seqs);
    std::uint64_t next_seq = seqs.back() + 1;
    for (const std::uint64_t seq : seqs) {
      const wire::VerdictRange range{{spool.live().id, {seq, seq}}, wire::Verdict::kStored};
      REQUIRE(spool.settle({&range, 1}, next_seq).has_value());
    }
  }
  void append(const std::vector<std::uint64_t>& seqs) {
    std::vector<SpoolRecord> records;
    for (const std::uint64_t seq : seqs) {
      wire::Record record;
      record.payload = "record " + std::to_string(seq);
      records.push_back(make_spool_record(record, RecordClass::kEvent));
      records.back().name = {spool.live().id, seq};
    }
    REQUIRE(spool.append(records, 1).has_value());
  }
  wire::IncarnationStatement stated() {
    auto statement = spool.statement();
    REQUIRE(statement.has_value());
    return statement->back();
  }
};

TEST_CASE("above the bound the oldest kept ranges go, and what is held stays") {
  KeptBench b;
  b.append({1, 3});
  b.keep({5, 6, 8, 10, 12, 13});
  const auto more = trim_kept(b.spool, 2, 100);
  REQUIRE(more.has_value());
  CHECK_FALSE(*more);
  CHECK(b.stated().kept == std::vector<wire::SeqRange>{{10, 10}, {12, 13}});
  CHECK(b.stated().held == std::vector<wire::SeqRange>{{1, 1}, {3, 3}});
  const SpoolTotals totals = b.spool.totals();
  REQUIRE(b.spool.reload_totals().has_value());
  CHECK(b.spool.totals() == totals);
}

TEST_CASE("within the bound nothing kept goes, however many records a range has") {
  KeptBench b;
  b.keep({1, 2, 3, 4, 5, 6, 8});
  REQUIRE(trim_kept(b.spool, 2, 100).has_value());
  CHECK(b.stated().kept == std::vector<wire::SeqRange>{{1, 6}, {8, 8}});
}

TEST_CASE("trimming goes on where a bounded transaction ended") {
  KeptBench b;
  b.keep({1, 2, 4, 6, 8});
  auto more = trim_kept(b.spool, 1, 3);
  REQUIRE(more.has_value());
  CHECK(*more);
  CHECK(b.stated().kept == std::vector<wire::SeqRange>{{6, 6}, {8, 8}});
  more = trim_kept(b.spool, 1, 3);
  REQUIRE(more.has_value());
  CHECK_FALSE(*more);
  CHECK(b.stated().kept == std::vector<wire::SeqRange>{{8, 8}});
}

TEST_CASE("a disk that fails leaves what is kept as it was") {
  KeptBench b;
  b.keep({1, 3, 5});
  b.disk.fail({.answer = sim::DiskAnswer::kIo, .at = 1});
  const auto done = trim_kept(b.spool, 1, 100);
  b.disk.heal();
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == rt::Errc::kIo);
  CHECK(b.stated().kept.size() == 3);
}

}  // namespace
}  // namespace fieldpost::agent

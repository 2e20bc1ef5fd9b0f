#include "coordinator/ingest/ingest.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "coordinator/store/store.h"
#include "tests/support/sim/dice.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::test {
namespace {

using coordinator::Arrival;
using coordinator::Store;

constexpr rt::UnixTime kNow{1'767'225'600'000'000'000};
const wire::IncarnationId kIncarnation{{7, 7}, 1};

/// A store that knows one incarnation of one node.
struct IngestWorld {
  IngestWorld() {
    auto opened = Store::open("/store.db", vfs.name(), {}, random);
    REQUIRE(opened);
    store = std::move(*opened);
    const auto node = store->ledger().node_no("n1", kNow);
    REQUIRE(node);
    REQUIRE(store->ledger().enter(*node, kIncarnation, 0, 0));
  }

  /// A record of nothing but one gap over these seqs, as names of `each` readings.
  Arrival gap_over(std::uint64_t seq, const std::vector<wire::SeqRange>& ranges,
                   std::uint32_t each) {
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
    record.stamp.wall = kNow;
    wire::Gap gap;
    gap.cause = wire::GapCause::kShed;
    for (const wire::SeqRange& range : ranges) {
      gap.names.push_back({{kIncarnation, range}, each, true});
    }
    record.gaps.push_back(std::move(gap));
    Arrival arrival;
    arrival.node = "n1";
    arrival.envelope.name = {kIncarnation, seq};
    arrival.envelope.record = wire::encode(record);
    return arrival;
  }

  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "ingest"};
  sim::SimRandom random{sim::Dice(1)};
  std::unique_ptr<Store> store;
};

TEST_CASE("a gap that lists a name twice settles and counts it once") {
  IngestWorld world;
  const auto settled =
      world.store->ingest().commit({world.gap_over(10, {{2, 5}, {4, 6}, {4, 4}}, 3)}, kNow);
  REQUIRE_MESSAGE(settled, settled.error().message);
  CHECK(settled->front().verdict == wire::Verdict::kStored);
  rt::Statement& gap = world.store->database().prepare("SELECT readings FROM gap");
  REQUIRE(gap.step());
  CHECK(gap.u64(0) == 15);
  gap.reset();
  const auto open = world.store->ledger().unsettled(1, {1, 10});
  REQUIRE(open);
  CHECK(*open == std::vector<wire::SeqRange>{{1, 1}, {7, 9}});
}

}  // namespace
}  // namespace fieldpost::test

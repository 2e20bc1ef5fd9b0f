// A store that an older version wrote opens, has what it had, and goes on.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/store.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

using namespace fieldpost;  // NOLINT

namespace {

constexpr rt::UnixTime kNow{1'800'000'000'000'000'000};

std::string read_data(const std::string& name) {
  std::ifstream in(FIELDPOST_TEST_DATA_DIR "/store/" + name, std::ios::binary);
  REQUIRE(in.good());
  const std::string packed{std::istreambuf_iterator<char>(in), {}};
  return wire::decompress(packed, 1, 385'024).value();
}

}  // namespace

TEST_CASE("a store of schema 9 is brought up to date and keeps every reading") {
  sim::SimDisk disk;
  const sim::SimVfs vfs(disk, "old-store");
  disk.restore({{"/store.db", read_data("store-9.db.zst")}});
  sim::SimRandom random{sim::Dice(1)};
  for (int start = 0; start < 2; ++start) {  // the second one finds it done
    auto store = coordinator::Store::open("/store.db", vfs.name(), {}, random, kNow);
    REQUIRE(store.has_value());
    rt::Statement& version = (*store)->database().prepare("PRAGMA user_version");
    REQUIRE(version.step().value());
    CHECK(version.i64(0) == 11);
    version.reset();
    auto query = coordinator::ReadingQuery::open("/store.db", vfs.name()).value();
    std::uint64_t readings = 0;
    const auto all = query.series({}, 0, 1000).value();
    for (const auto& series : all) {
      readings += query.readings(series.id, {}, 100'000).value().size();
    }
    CHECK(readings == 3422 + 1040);
    CHECK(query.replays("vm", "exec:prog").value().empty());
    const auto replaced = (*store)->replace_readings(
        {.record = {.node = "vm", .source = "exec:prog", .from = 1, .to = 2}}, kNow);
    CHECK(replaced.has_value());
    REQUIRE((*store)->database().execute("DELETE FROM replay").has_value());
    std::vector<std::int64_t> gaps;
    const auto taken = (*store)->bodies().take(1, test::fragments_of("a body").front(), kNow, gaps);
    CHECK(taken.value());
    CHECK(query.find_body(wire::sha256("a body")).value().has_value());
  }
}

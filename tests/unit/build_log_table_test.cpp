// Logs of jobs: pieces in whatever order and cut, read as one.
#include "coordinator/store/build_log_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/store/build_attempt_table.h"
#include "proto/wire/limits.h"
#include "tests/support/sample_builds.h"
#include "tests/support/sim/dice.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested

const wire::JobAttempt kAttempt{{0xb0b, 1}, 1};

struct World : StoreWorld {
  World() { REQUIRE(attempts.take(kAttempt, node(), kStoreNow).value()); }
  BuildAttemptTable attempts{store().database()};
  BuildLogTable log{store().database()};

  std::uint64_t put(std::uint64_t offset, const std::string& bytes) {
    const auto added = log.put({kAttempt, offset, bytes});
    REQUIRE_MESSAGE(added, added.error().message);
    return *added;
  }
  void end(std::uint64_t bytes) { REQUIRE(log.end(kAttempt, 3, bytes).has_value()); }
  LogPart read(std::uint64_t from, std::size_t most = 1000) {
    const auto part = log.read(kAttempt, from, most);
    REQUIRE_MESSAGE(part, part.error().message);
    return *part;
  }
};

}  // namespace

TEST_CASE("a log is read over its pieces, and says whether it is whole [build-3]") {
  World world;
  CHECK(world.read(0).bytes.empty());
  CHECK(world.read(0).missing == 0);
  CHECK(world.put(0, "abc") == 3);
  CHECK(world.put(3, "defg") == 4);
  CHECK(world.read(0).bytes == "abcdefg");
  CHECK(world.read(1).bytes == "bcdefg");
  CHECK(world.read(4).bytes == "efg");
  CHECK(world.read(2, 3).bytes == "cde");
  CHECK(world.read(7).bytes.empty());
  CHECK(!world.read(0).size);
  CHECK(!world.read(0).is_whole);
  world.end(7);
  CHECK(world.read(0).size == 7);
  CHECK(world.read(0).is_whole);
  CHECK(world.read(7).missing == 0);
  CHECK(world.read(1ull << 63).bytes.empty());
}

TEST_CASE("bytes that are missing are counted up to the next, or to the end") {
  World world;
  world.put(10, "klm");
  CHECK(world.read(0).missing == 10);
  CHECK(world.read(4).missing == 6);
  CHECK(world.read(10).bytes == "klm");
  CHECK(world.read(13).missing == 0);  // nobody knows of more
  world.put(20, "u");
  CHECK(world.read(11).bytes == "lm");
  CHECK(world.read(11).missing == 0);
  CHECK(world.read(13).missing == 7);
  world.end(30);
  CHECK(world.read(21).missing == 9);
  CHECK(world.read(21).bytes.empty());
  CHECK(!world.read(0).is_whole);
}

TEST_CASE("of pieces that overlap the bytes that were stored first stay [build-3]") {
  World world;
  CHECK(world.put(2, "CDE") == 3);
  CHECK(world.put(7, "H") == 1);
  CHECK(world.put(0, "abcdefghij") == 6);
  CHECK(world.read(0).bytes == "abCDEfgHij");
  CHECK(world.put(0, "xxxxxxxxxx") == 0);
  CHECK(world.put(4, "xx") == 0);
  CHECK(world.put(9, "jk") == 1);
  CHECK(world.read(0).bytes == "abCDEfgHijk");
  CHECK(world.attempts.extent(kAttempt)->log_stored == 11);
}

TEST_CASE("however a log is cut and in whatever order it comes, it is read as it was written") {
  World world;
  REQUIRE(world.store().database().begin().has_value());
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed ", seed);
    sim::Dice dice(seed);
    const wire::JobAttempt attempt{job_id(1), 1 + seed};
    REQUIRE(world.attempts.take(attempt, world.node(), kStoreNow).value());
    std::string whole;
    for (int i = 0; i < 100; ++i) whole += static_cast<char>('a' + dice.below(26));
    REQUIRE(world.log.end(attempt, 3, whole.size()).has_value());
    std::uint64_t added = 0;
    while (added < whole.size()) {
      const std::size_t from = dice.chance(20) ? 0 : dice.below(whole.size());
      const std::size_t size = std::min<std::size_t>(1 + dice.below(40), whole.size() - from);
      const auto put = world.log.put({attempt, from, whole.substr(from, size)});
      REQUIRE_MESSAGE(put, put.error().message);
      added += *put;
      CHECK(world.log.read(attempt, 0, 1)->is_whole == (added == whole.size()));
    }
    std::string read;
    while (read.size() < whole.size()) {
      read += world.log.read(attempt, read.size(), 1 + dice.below(60))->bytes;
    }
    CHECK(read == whole);
  }
}

TEST_CASE("an answer has at most so many bytes, and a piece as many as may come") {
  World world;
  const std::string piece(wire::kLogPieceBytesMax, 'x');
  for (std::uint64_t i = 0; i < 20; ++i) world.put(i * piece.size(), piece);
  CHECK(world.read(5, 10 << 20).bytes.size() == kLogReadBytesMax);
  CHECK(world.read(5, 0).bytes.size() == 1);
}

TEST_CASE("beyond the end that a node told nothing belongs to a log") {
  World world;
  world.put(0, "abcdef");
  world.put(6, "gh");
  world.end(4);
  CHECK(world.read(0).bytes == "abcd");
  CHECK(world.read(0).is_whole);
  CHECK(world.attempts.extent(kAttempt)->log_stored == 4);
  const auto beyond = world.log.put({kAttempt, 3, "xy"});
  REQUIRE(!beyond);
  CHECK(beyond.error().code == rt::Errc::kInvalid);
  CHECK(beyond.error().message == "a piece of a log from byte 3 to 5 of 4");
}

TEST_CASE("a log of no byte is whole when its end is told") {
  World world;
  CHECK(!world.read(0).is_whole);
  world.end(0);
  CHECK(world.read(0).is_whole);
  CHECK(world.read(0).size == 0);
}

TEST_CASE("of an attempt that nobody knows there is no log") {
  World world;
  world.put(0, "abc");
  const auto part = world.log.read({job_id(1), 2}, 0, 100);
  REQUIRE(part.has_value());
  CHECK(part->bytes.empty());
  CHECK(!part->size);
  CHECK(!part->is_whole);
}

TEST_CASE("a piece that is damaged is told, not shown") {
  World world;
  world.put(0, std::string(1000, 'a'));
  REQUIRE(world.store().database().execute("UPDATE build_log SET bytes = x'00'"));
  const auto part = world.log.read(kAttempt, 0, 10);
  REQUIRE(!part);
  CHECK(part.error().code == rt::Errc::kCorrupt);
}

}  // namespace fieldpost::test

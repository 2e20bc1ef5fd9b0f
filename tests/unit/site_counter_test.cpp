#include "coordinator/store/site_counter.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::kToldNumberMax;

constexpr std::uint64_t kNowMs = 1'767'225'600'000;
constexpr rt::Nanos kYear = std::chrono::hours(24 * 365);
const wire::SpoolId kSpool{7, 7};

std::uint64_t ordinal_of_next(StoreWorld& world, std::uint64_t value, std::uint64_t told,
                              rt::UnixTime now) {
  const auto row = world.ledger().enter(world.node(), {kSpool, value}, 0, told, now);
  REQUIRE(row);
  return row->ordinal;
}

std::uint64_t next_command_id(StoreWorld& world, rt::UnixTime now) {
  const auto command = world.store().add_command("n1", kSpool, "ping", "{}", now, now + kYear);
  REQUIRE(command);
  return command->id;
}

/// The hello of a node whose live incarnation was told `ordinal` once.
coordinator::Statement hello_of(std::uint64_t value, std::uint64_t ordinal, std::uint64_t mark) {
  coordinator::Statement statement;
  statement.node = "n1";
  statement.head.spool = kSpool;
  statement.head.command_mark = mark;
  statement.incarnations.push_back(
      {.id = {kSpool, value}, .parent = {}, .ordinal = ordinal, .live = true});
  return statement;
}

TEST_CASE("an ordinal is never behind the clock, and each is larger than the one before") {
  StoreWorld world;
  CHECK(ordinal_of_next(world, 2, 0, kStoreNow) > kNowMs);
  CHECK(ordinal_of_next(world, 3, 0, kStoreNow + kYear) == kNowMs + 365ull * 86'400'000);
}

TEST_CASE("ordinals keep their order when the clock was years ahead and came back") {
  StoreWorld world;
  const std::uint64_t ahead = ordinal_of_next(world, 2, 0, kStoreNow + kYear * 20);
  CHECK(ordinal_of_next(world, 3, 0, kStoreNow) == ahead + 1);
  world.restart(kStoreNow);  // draws one for what comes over HTTP
  CHECK(ordinal_of_next(world, 4, 0, kStoreNow) == ahead + 3);
}

TEST_CASE("ordinals keep their order with a clock at 1970, and before it") {
  StoreWorld world;
  const std::uint64_t before = ordinal_of_next(world, 2, 0, kStoreNow);
  CHECK(ordinal_of_next(world, 3, 0, rt::UnixTime{0}) == before + 1);
  CHECK(ordinal_of_next(world, 4, 0, rt::UnixTime{-5'000'000'000}) == before + 2);
}

TEST_CASE("a store that began in 1970 counts from one") {
  StoreWorld world(rt::UnixTime{0});
  CHECK(world.number("SELECT value FROM fact WHERE key = 'http_ordinal'") == 1);
  CHECK(world.number("SELECT ordinal FROM incarnation") == 2);
}

TEST_CASE("a store that was set back gives no ordinal twice") {
  StoreWorld world;
  world.save();
  const std::uint64_t given = ordinal_of_next(world, 2, 0, kStoreNow + rt::Seconds(5));
  world.set_back(kStoreNow + rt::Seconds(10));
  CHECK(world.number("SELECT value FROM fact WHERE key = 'http_ordinal'") >
        static_cast<std::int64_t>(given));
  CHECK(ordinal_of_next(world, 3, 0, kStoreNow + rt::Seconds(10)) > given);
}

TEST_CASE("an ordinal that the node was told once is taken, and the counter moves past it") {
  StoreWorld world;
  CHECK(ordinal_of_next(world, 2, kNowMs * 3, kStoreNow) == kNowMs * 3);
  CHECK(ordinal_of_next(world, 3, 0, kStoreNow) == kNowMs * 3 + 1);
  CHECK(ordinal_of_next(world, 4, kToldNumberMax, kStoreNow) == kToldNumberMax);
  CHECK(ordinal_of_next(world, 5, 0, kStoreNow) == kToldNumberMax + 1);
}

TEST_CASE(
    "a hello with numbers that no coordinator gives neither uses up the counters nor is lost") {
  constexpr std::uint64_t kWorst = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t number : {kWorst, kWorst / 2, kToldNumberMax + 1}) {
    CAPTURE(number);
    StoreWorld world;
    const auto taken = world.store().concluder().conclude(hello_of(2, number, number), {kStoreNow});
    REQUIRE(taken);
    CHECK(taken->numbers_refused == 2);
    REQUIRE(taken->welcome.ordinals.size() == 1);  // the node is told the one that counts
    CHECK(taken->welcome.ordinals[0].ordinal > kNowMs);
    CHECK(taken->welcome.ordinals[0].ordinal < kNowMs + 10);
    const auto mark = world.store().exchange_mark(world.node(), number);
    REQUIRE(mark);
    CHECK(*mark == 0);
    CHECK(ordinal_of_next(world, 3, 0, kStoreNow) < kNowMs + 10);
    CHECK(next_command_id(world, kStoreNow) == kNowMs);
  }
}

TEST_CASE("command ids are never behind the clock, and never go back with it") {
  StoreWorld world;
  CHECK(next_command_id(world, kStoreNow) == kNowMs);
  CHECK(next_command_id(world, kStoreNow) == kNowMs + 1);
  const std::uint64_t ahead = next_command_id(world, kStoreNow + kYear * 20);
  CHECK(next_command_id(world, kStoreNow) == ahead + 1);
  world.restart(rt::UnixTime{0});
  CHECK(next_command_id(world, rt::UnixTime{0}) == ahead + 2);
}

TEST_CASE("a store that was set back gives no command id twice") {
  StoreWorld world;
  world.save();
  const std::uint64_t given = next_command_id(world, kStoreNow);
  world.set_back(kStoreNow + rt::Seconds(1));
  CHECK(next_command_id(world, kStoreNow + rt::Seconds(1)) > given);
}

TEST_CASE("the mark of a node moves the counter of its commands") {
  StoreWorld world;
  const auto mark = world.store().exchange_mark(world.node(), kNowMs * 2);
  REQUIRE(mark);
  CHECK(*mark == kNowMs * 2);
  CHECK(next_command_id(world, kStoreNow) == kNowMs * 2 + 1);
}

}  // namespace
}  // namespace fieldpost::test

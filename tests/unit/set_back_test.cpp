// A store that was set back, and who has not said yet what it lost [back-4].
#include <doctest/doctest.h>

#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using std::chrono::hours;

constexpr std::uint64_t kLostGeneration = 77;

/// A site with the nodes "n1" and "n2", set back by an hour; each has obeyed a generation since.
struct SetBackWorld : StoreWorld {
  SetBackWorld() {
    hello("n1", 0, kStoreNow);
    hello("n2", 0, kStoreNow);
    REQUIRE(store().draw_generation(5, kStoreNow));
    save();
    set_back(kStoreNow + hours(1));
  }
  coordinator::Conclusion hello(const std::string& node, std::uint64_t generation,
                                rt::UnixTime now) {
    coordinator::Statement statement;
    statement.node = node;
    statement.head.spool = {9, static_cast<std::uint64_t>(node.back())};
    statement.head.generation = generation;
    statement.incarnations.push_back({.id = {statement.head.spool, 1}, .parent = {}, .live = true});
    auto concluded = store().concluder().conclude(statement, {now});
    REQUIRE(concluded);
    return *concluded;
  }
  std::optional<std::int64_t> unheard_since(const std::string& node) {
    auto ledger = make_ledger_query();
    REQUIRE(ledger);
    const auto records = ledger->nodes("", 1, node);
    REQUIRE(records);
    return records->at(0).unheard_since;
  }
};

}  // namespace

TEST_CASE("after a store was set back each node is unconfirmed until it says hello") {
  SetBackWorld world;
  CHECK_FALSE(world.unheard_since("n2"));
  const rt::UnixTime later = kStoreNow + hours(1);
  CHECK_FALSE(world.hello("n1", kLostGeneration, later).all_answered);
  CHECK_FALSE(world.unheard_since("n1"));
  CHECK(world.unheard_since("n2") == kStoreNow.ns);
  SUBCASE("also after a start of the coordinator") {
    world.restart(later);
  }
  SUBCASE("also when another node says it, too") {
    CHECK_FALSE(world.hello("n1", kLostGeneration, later).all_answered);
  }
  CHECK(world.unheard_since("n2") == kStoreNow.ns);
  CHECK(world.hello("n2", kLostGeneration, later).all_answered);
  CHECK_FALSE(world.unheard_since("n2"));
  CHECK(world.number("SELECT count(*) FROM fact WHERE key = 'set_back_to'") == 0);
}

TEST_CASE("a node that the store knew nothing of makes nobody unconfirmed again") {
  SetBackWorld world;
  const rt::UnixTime later = kStoreNow + hours(1);
  world.hello("n1", kLostGeneration, later);
  world.hello("n2", kLostGeneration, later);
  CHECK(world.hello("n3", kLostGeneration, later).all_answered);
  CHECK_FALSE(world.unheard_since("n1"));
}

TEST_CASE("what came over HTTP after the time that a store was set back to is a gap, once") {
  SetBackWorld world;
  const auto stored =
      world.store().store_http({{.node = "http", .records = {}, .lines = 0}}, kStoreNow);
  REQUIRE(stored.at(0).has_value());
  REQUIRE(world.ledger().execute("UPDATE node SET accepted_http = 3 WHERE no = ?1",
                                 *world.number("SELECT no FROM node WHERE id = 'http'")));
  world.hello("n1", kLostGeneration, kStoreNow + hours(1));
  world.hello("n1", kLostGeneration, kStoreNow + hours(1));
  CHECK(world.number("SELECT count(*) FROM gap") == 1);
  CHECK(world.number("SELECT readings_known FROM gap") == 0);
}

}  // namespace fieldpost::test

// What nodes were told of how often to measure, and what the store knows of it.
#include "coordinator/store/sampling_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/store/site_counter.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using std::chrono::hours;

const SamplingIntervals kFast{{"mem", 1}, {"soil", 0.25}};

/// A site with the node "n1", which said hello.
struct ToldWorld : StoreWorld {
  ToldWorld() { hello(7, 1, {}); }
  /// A process of n1 says hello whose live incarnation has this parent.
  void hello(std::uint64_t spool, std::uint64_t live, std::vector<std::uint64_t> chain) {
    Statement statement;
    statement.node = "n1";
    statement.head.spool = {spool, spool};
    wire::IncarnationId parent;
    chain.push_back(live);
    for (const std::uint64_t value : chain) {
      const wire::IncarnationId id{statement.head.spool, value};
      statement.incarnations.push_back({.id = id, .parent = parent, .live = value == live});
      parent = id;
    }
    REQUIRE(store().concluder().conclude(statement, {kStoreNow}).has_value());
  }
  std::uint64_t tell(const SamplingIntervals& every_s) {
    const auto command =
        store().tell_sampling("n1", {7, 7}, every_s, kStoreNow, kStoreNow + hours(24));
    REQUIRE(command.has_value());
    CHECK(command->verb == "sampling");
    return command->id;
  }
  void answer(std::uint64_t id, const std::string& outcome) {
    rt::Statement& set =
        store().database().prepare("UPDATE command SET outcome = ?2 WHERE id = ?1");
    REQUIRE(set.bind(1, id).bind_text(2, outcome).run().has_value());
  }
  std::vector<ToldSampling> list(bool all) {
    const auto told = SamplingTable(store().database()).list(all);
    REQUIRE(told.has_value());
    return *told;
  }
  ToldSampling n1() {
    const auto told = list(true);
    REQUIRE(told.size() == 1);
    return told.front();
  }
};

TEST_CASE("intervals are written so that they read back as the same") {
  CHECK(encode_intervals(kFast) == R"({"mem":1.0,"soil":0.25})");
  CHECK(decode_intervals(encode_intervals(kFast)) == kFast);
  CHECK(encode_intervals({}) == "{}");
  CHECK(decode_intervals("{}").empty());
  CHECK(decode_intervals("7").empty());
}

TEST_CASE("a node that was never told anything goes by its configuration") {
  ToldWorld world;
  CHECK(world.list(false).empty());
  const ToldSampling told = world.n1();
  CHECK(told.node == "n1");
  CHECK(told.every_s.empty());
  CHECK(told.is_known);
  CHECK(told.told == 0);
  CHECK(told.state == SamplingState::kConfirmed);
}

TEST_CASE("what is known of a node tells what it was told") {
  ToldWorld world;
  auto ledger = world.make_ledger_query();
  REQUIRE(ledger.has_value());
  const auto before = ledger->nodes("", 10, "");
  REQUIRE(before.has_value());
  CHECK_FALSE(before->at(0).sampling.has_value());
  world.tell(kFast);
  const auto after = ledger->nodes("", 10, "");
  REQUIRE(after.has_value());
  REQUIRE(after->at(0).sampling.has_value());
  CHECK(after->at(0).sampling->every_s == kFast);
}

TEST_CASE("a node without an agent cannot be told") {
  ToldWorld world;
  REQUIRE(world.ledger().node_no("http", kStoreNow).has_value());
  CHECK(world.list(true).size() == 1);
}

TEST_CASE("the command and what is kept of it are there together, over a restart too") {
  ToldWorld world;
  const std::uint64_t id = world.tell(kFast);
  CHECK(world.text("SELECT arguments FROM command") == R"({"every_s":{"mem":1.0,"soil":0.25}})");
  world.restart(kStoreNow);
  REQUIRE(world.list(false).size() == 1);
  CHECK(world.n1().every_s == kFast);
  CHECK(world.n1().state == SamplingState::kWaiting);
  CHECK(world.n1().told == kStoreNow.ns);
  world.answer(id, R"({"ok":true,"detail":"soil: nobody"})");
  CHECK(world.n1().state == SamplingState::kConfirmed);
  CHECK(world.n1().detail == "soil: nobody");
  world.tell({});
  CHECK(world.n1().state == SamplingState::kWaiting);
  CHECK(world.n1().every_s.empty());
  CHECK(world.list(false).size() == 1);
}

TEST_CASE("wherever the disk is full, a command is there with what is kept of it, or neither is") {
  bool fired = true;
  int refused = 0;
  for (std::uint64_t call = 1; fired; ++call) {
    INFO("no space at call ", call);
    ToldWorld world;
    world.disk().fail({.answer = sim::DiskAnswer::kFull, .at = call});
    const bool told = world.store()
                          .tell_sampling("n1", {7, 7}, kFast, kStoreNow, kStoreNow + hours(24))
                          .has_value();
    fired = world.disk().failure_fired();
    refused += told ? 0 : 1;
    world.restart(kStoreNow);
    CHECK(world.number("SELECT count(*) FROM command") == (told ? 1 : 0));
    CHECK(world.number("SELECT count(*) FROM sampling") == (told ? 1 : 0));
  }
  CHECK(refused > 0);
}

TEST_CASE("a command that was refused, that expired, or whose agent ended has failed") {
  ToldWorld world;
  const std::uint64_t id = world.tell(kFast);
  SUBCASE("refused") {
    world.answer(id, R"({"ok":false,"detail":"this agent does not know the verb sampling"})");
    CHECK(world.n1().detail.find("does not know") != std::string::npos);
  }
  SUBCASE("expired") {
    REQUIRE(world.store().end_overdue({kStoreNow + hours(25), true}, hours(1)).has_value());
    CHECK(world.n1().detail.find("expired") != std::string::npos);
  }
  SUBCASE("its agent ended") {
    world.hello(7, 2, {1});
    CHECK(world.n1().detail.find("unknown") != std::string::npos);
    CHECK(world.n1().is_of_process_before);
    CHECK(world.n1().is_known);
  }
  SUBCASE("in words that nobody understands") {
    world.answer(id, "7");
  }
  CHECK(world.n1().state == SamplingState::kFailed);
}

TEST_CASE("a spool that has not seen the command is not known to go by it") {
  ToldWorld world;
  world.answer(world.tell(kFast), R"({"ok":true,"detail":""})");
  SUBCASE("another one") {
    world.hello(8, 5, {});
    CHECK_FALSE(world.n1().is_known);
  }
  SUBCASE("set back to before it") {
    world.hello(7, 2, {1});
    world.answer(world.tell(kFast), R"({"ok":true,"detail":""})");
    CHECK(world.n1().is_known);
    world.hello(7, 3, {1});
    CHECK_FALSE(world.n1().is_known);
  }
  SUBCASE("the same one, of the next process") {
    world.hello(7, 2, {1});
    CHECK(world.n1().is_known);
    CHECK(world.n1().state == SamplingState::kConfirmed);
  }
}

TEST_CASE("a node whose spool forgot a command that it answered is told again") {
  ToldWorld world;
  const std::uint64_t id = world.tell(kFast);
  SUBCASE("not answered, it may not have come") {
    REQUIRE(world.store().exchange_mark(world.node(), id - 1).value() == id);
    CHECK(world.n1().is_known);
  }
  SUBCASE("answered by the coordinator, it may not have come either") {
    REQUIRE(world.store().end_overdue({kStoreNow + hours(25), true}, hours(1)).has_value());
    REQUIRE(world.store().exchange_mark(world.node(), id - 1).value() == id);
    CHECK(world.n1().is_known);
  }
  SUBCASE("answered by the node") {
    world.answer(id, R"({"ok":true,"detail":""})");
    REQUIRE(world.store().exchange_mark(world.node(), id).value() == id);
    CHECK(world.n1().is_known);
    REQUIRE(world.store().exchange_mark(world.node(), id - 1).value() == id);
    CHECK_FALSE(world.n1().is_known);
  }
}

TEST_CASE("a node that knows of later commands than the store was told what nobody knows") {
  ToldWorld world;
  const std::uint64_t id = world.tell(kFast);
  CHECK(world.store().exchange_mark(world.node(), id).value() == id);
  CHECK(world.n1().is_known);
  CHECK(world.store().exchange_mark(world.node(), kToldNumberMax + 1).value() == id);
  CHECK(world.n1().is_known);
  CHECK(world.store().exchange_mark(world.node(), id + 1).value() == id + 1);
  CHECK_FALSE(world.n1().is_known);
  CHECK(world.n1().every_s.empty());
  world.tell({});
  CHECK(world.n1().is_known);
}

}  // namespace
}  // namespace fieldpost::test

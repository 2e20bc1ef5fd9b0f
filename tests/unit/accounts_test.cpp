// What is shown of a node: accepted, held, delivered, unexplained.
#include "coordinator/nodes/accounts.h"

#include <doctest/doctest.h>

#include "tests/support/store_records.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Accounts;
using coordinator::accounts_of;
using coordinator::NodeRecord;

/// As it told when 100 of its 1,000 readings were delivered.
NodeRecord draining(std::uint64_t delivered) {
  NodeRecord record;
  record.accepted = 1000;
  record.held = 900;
  record.delivered = delivered;
  return record;
}

}  // namespace

TEST_CASE("while a node drains, what is delivered is held no more, and accepted stands still") {
  for (const std::uint64_t delivered : {100U, 101U, 550U, 1000U}) {
    const Accounts accounts = accounts_of(draining(delivered));
    CHECK(accounts.accepted == 1000);
    CHECK(accounts.held == 1000 - delivered);
    CHECK(accounts.unexplained == 0);
  }
}

TEST_CASE("what was delivered since the node told was accepted since") {
  const Accounts accounts = accounts_of(draining(1200));
  CHECK(accounts.accepted == 1200);
  CHECK(accounts.held == 0);
  CHECK(accounts.unexplained == 0);
}

TEST_CASE("a reading that was accepted and is nowhere is unexplained") {
  NodeRecord record = draining(90);
  CHECK(accounts_of(record).unexplained == 10);
  record.held = 0;
  record.delivered = 990;
  CHECK(accounts_of(record).unexplained == 10);
  record.readings_lost = 10;
  CHECK(accounts_of(record).unexplained == 0);
}

TEST_CASE("a loss of which the node still holds the record is explained") {
  NodeRecord record = draining(90);
  record.shed = 10;
  const Accounts accounts = accounts_of(record);
  CHECK(accounts.unexplained == 0);
  CHECK(accounts.accepted == 1000);
}

TEST_CASE("a gap that does not know how many readings it has may explain what is missing") {
  NodeRecord record = draining(90);
  record.lost_unknown = true;
  const Accounts accounts = accounts_of(record);
  CHECK(accounts.gaps_unknown);
  CHECK(accounts.unexplained == 0);
  CHECK(accounts.held == 900);
}

TEST_CASE("what is quarantined is explained, once") {
  StoreWorld world;
  const auto accounts = [&] {
    auto ledger = world.make_ledger_query();
    return accounts_of(ledger->nodes("", 1, "n1")->at(0));
  };
  REQUIRE(world.store().note_state("n1", {.state = {.online = true, .accepted = 100}}, kStoreNow));
  wire::Record strange = readings_record(70, 1000);
  strange.kind = 999;
  REQUIRE(world.ingest().commit({arrival(1, strange)}, kStoreNow));
  CHECK(accounts().unexplained == 30);
  coordinator::Arrival noise = arrival(2, strange);
  noise.envelope.record = "noise";
  REQUIRE(world.ingest().commit({noise}, kStoreNow));
  CHECK(accounts().unexplained == 0);
  CHECK(accounts().gaps_unknown);
}

TEST_CASE("a node has an agent once a hello of it was confirmed") {
  StoreWorld world;
  const auto has_agent = [&] {
    auto ledger = world.make_ledger_query();
    return ledger->nodes("", 1, "n1")->at(0).has_agent;
  };
  CHECK_FALSE(has_agent());
  REQUIRE(world.ledger().execute("UPDATE node SET current_incarnation = 1 WHERE no = ?1", 1));
  CHECK(has_agent());
}

TEST_CASE("a coordinator that starts again still knows what an absent node held") {
  StoreWorld world;
  REQUIRE(world.store().note_state(
      "n1",
      {.state =
           {.online = true, .records_held = 9, .readings_held = 70, .accepted = 100, .shed = 30}},
      kStoreNow));
  world.restart(kStoreNow);
  const auto told = [&] {
    auto ledger = world.make_ledger_query();
    REQUIRE(ledger);
    const auto nodes = ledger->nodes("", 1, "n1");
    REQUIRE(nodes);
    return accounts_of(nodes->at(0));
  };
  CHECK(told().accepted == 100);
  CHECK(told().held == 70);
  CHECK(told().unexplained == 0);

  // Once it holds nothing, every loss was told.
  REQUIRE(world.store().note_state("n1", {.state = {.online = true, .accepted = 100, .shed = 30}},
                                   kStoreNow));
  CHECK(told().held == 0);
  CHECK(told().unexplained == 100);
}

}  // namespace fieldpost::test

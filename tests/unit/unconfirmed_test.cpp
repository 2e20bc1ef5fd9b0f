// How long what may be lost waits: [back-1], and commands that nobody answers.
#include <doctest/doctest.h>

#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::Moment;
using std::chrono::hours;

constexpr rt::Nanos kWeek = hours(7 * 24);
constexpr rt::Nanos kSecond = rt::Seconds(1);
constexpr int kUnconfirmed = 1;
constexpr int kDeclared = 2;

coordinator::Statement hello_of(std::uint64_t incarnation, std::uint64_t highest) {
  wire::IncarnationStatement live;
  live.id = {kStoreIncarnation.spool, incarnation};
  live.highest = highest;
  live.live = true;
  if (highest > 0) live.held = {{1, highest}};
  coordinator::Statement statement;
  statement.node = "n1";
  statement.head.spool = kStoreIncarnation.spool;
  statement.incarnations = {live};
  return statement;
}

/// Names that a node held, and of which its spool, set back, knows nothing.
struct LeftBehindWorld : StoreWorld {
  explicit LeftBehindWorld(const Moment& moment) {
    REQUIRE(store().concluder().conclude(hello_of(1, 9), {kStoreNow}));
    REQUIRE(store().concluder().conclude(hello_of(2, 0), moment));
    REQUIRE(state() == kUnconfirmed);
  }
  void end_overdue(rt::UnixTime now, bool synchronised = true) {
    REQUIRE(store().end_overdue({now, synchronised}, kWeek));
  }
  int state() { return static_cast<int>(*number("SELECT state FROM gap")); }
};

}  // namespace

TEST_CASE("an unconfirmed gap is declared after a week, and its names settle") {
  LeftBehindWorld world({kStoreNow});
  world.end_overdue(kStoreNow + (kWeek - kSecond));
  CHECK(world.state() == kUnconfirmed);
  CHECK(world.ledger().settled(1, 9)->verdict == wire::Verdict::kNone);
  world.end_overdue(kStoreNow + (kWeek + kSecond));
  CHECK(world.state() == kDeclared);
  CHECK(world.ledger().settled(1, 9)->verdict == wire::Verdict::kGapped);
}

TEST_CASE("by a clock that is not synchronised no gap has waited for a week") {
  LeftBehindWorld world({kStoreNow});
  world.end_overdue(kStoreNow + kWeek * 500, false);
  CHECK(world.state() == kUnconfirmed);
}

TEST_CASE("a gap that began by a wrong clock waits from the first good one on") {
  LeftBehindWorld world({rt::UnixTime{0}, false});
  world.end_overdue(kStoreNow);
  CHECK(world.state() == kUnconfirmed);
  world.end_overdue(kStoreNow + (kWeek - kSecond));
  CHECK(world.state() == kUnconfirmed);
  world.end_overdue(kStoreNow + (kWeek + kSecond));
  CHECK(world.state() == kDeclared);
}

TEST_CASE("a command that nobody answers in time ends as expired, until the node tells more") {
  StoreWorld world;
  const auto command =
      world.store().add_command("n1", {7, 7}, "ping", "{}", kStoreNow, kStoreNow + hours(1));
  REQUIRE(command);
  REQUIRE(world.store().end_overdue({kStoreNow + rt::Seconds(3599)}, kWeek));
  CHECK(world.text("SELECT coalesce(outcome, 'none') FROM command") == "none");
  REQUIRE(world.store().end_overdue({kStoreNow + hours(1)}, kWeek));
  const std::string outcome = world.text("SELECT outcome FROM command");
  CHECK(outcome.find("expired") != std::string::npos);
  CHECK(outcome.find("\"ok\":null") != std::string::npos);
}

}  // namespace fieldpost::test

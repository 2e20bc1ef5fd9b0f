// How commands end, and which of them the coordinator keeps.
#include "coordinator/store/command_outcomes.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>

#include "coordinator/store/sampling_table.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using coordinator::CommandOutcomes;
using std::chrono::hours;

constexpr std::int64_t kKept = CommandOutcomes::kAnsweredKept;

/// A site with the node "n1", which said hello.
struct OutcomeWorld : StoreWorld {
  OutcomeWorld() { hello(1); }
  /// A process of it whose live incarnation descends from all before.
  void hello(std::uint64_t live) {
    coordinator::Statement statement;
    statement.node = "n1";
    statement.head.spool = kStoreIncarnation.spool;
    wire::IncarnationId parent;
    for (std::uint64_t value = 1; value <= live; ++value) {
      const wire::IncarnationId id{statement.head.spool, value};
      statement.incarnations.push_back({.id = id, .parent = parent, .live = value == live});
      parent = id;
    }
    REQUIRE(store().concluder().conclude(statement, {kStoreNow}).has_value());
  }
  std::uint64_t command(const std::string& verb, const std::string& arguments) {
    const auto command = store().add_command("n1", kStoreIncarnation.spool, verb, arguments,
                                             kStoreNow, kStoreNow + hours(1));
    REQUIRE(command.has_value());
    return command->id;
  }
  std::uint64_t ping() { return command("ping", "{}"); }
  std::string arguments_of(std::uint64_t id) {
    return text(fmt::format("SELECT arguments FROM command WHERE id = {}", id));
  }
  /// The node tells what came of it.
  void answer(std::uint64_t id) {
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
    record.payload = fmt::format(R"({{"type":"command","id":{},"ok":true}})", id);
    record.raw_size = static_cast<std::uint32_t>(record.payload.size());
    record.stamp.wall = kStoreNow;
    coordinator::Arrival arrival;
    arrival.node = "n1";
    arrival.envelope.name = {kStoreIncarnation, ++seq_};
    arrival.envelope.record = wire::encode(record);
    const auto settled = ingest().commit({arrival}, kStoreNow);
    REQUIRE(settled.has_value());
    REQUIRE(settled->front().verdict == wire::Verdict::kStored);
  }
  /// So many commands with the ids from `first` on were answered.
  void add_answered(std::uint64_t first, std::int64_t count) {
    REQUIRE(store().database().execute(fmt::format(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {} - 1)"
        " INSERT INTO command SELECT {}, {} + i, x'07', 0, 0, 'ping', '{{}}', '{{\"ok\":true}}'"
        " FROM n",
        count, node(), first)));
  }
  std::optional<std::int64_t> answered() {
    return number("SELECT count(*) FROM command WHERE outcome IS NOT NULL");
  }

 private:
  std::uint64_t seq_ = 0;
};

}  // namespace

TEST_CASE("of answered commands the newest stay, however one ends, and none goes that is open") {
  OutcomeWorld world;
  world.add_answered(2, kKept + 5);
  REQUIRE(world.store().database().execute("UPDATE command SET outcome = NULL WHERE id = 3"));
  const std::uint64_t id = world.ping();
  CHECK(world.answered() == kKept + 4);
  SUBCASE("told by the node") {
    world.answer(id);
    CHECK(world.answered() == kKept);
    CHECK(world.number("SELECT min(id) FROM command WHERE outcome IS NOT NULL") == 8);
    CHECK(world.number("SELECT count(*) FROM command WHERE id = 3") == 1);
  }
  SUBCASE("as expired") {
    REQUIRE(world.store().end_overdue({kStoreNow + hours(1)}, hours(1)));
    CHECK(world.answered() == kKept);
  }
  SUBCASE("with the agent") {
    world.hello(2);
    CHECK(world.answered() == kKept);
  }
  CHECK(world.number(fmt::format("SELECT count(*) FROM command WHERE id = {}", id)) == 1);
  CHECK(world.ping() > id);
}

TEST_CASE("however a flash ends its image goes, and what else it was told stays") {
  OutcomeWorld world;
  const std::string order = R"({"board":"nano","image":"OjAwMDAwMDAxRkYK","version":"2.0.0"})";
  const std::uint64_t id = world.command("flash", order);
  const std::uint64_t wrong = world.command("flash", "{");
  const std::uint64_t other = world.command("show", order);
  CHECK(world.arguments_of(id) == order);
  SUBCASE("told by the node") {
    world.answer(id);
    world.answer(wrong);
    world.answer(other);
  }
  SUBCASE("as expired") {
    REQUIRE(world.store().end_overdue({kStoreNow + hours(1)}, hours(1)));
  }
  SUBCASE("with the agent") {
    world.hello(2);
  }
  CHECK(world.answered() == 3);
  CHECK(world.arguments_of(id) == R"({"board":"nano","version":"2.0.0"})");
  CHECK(world.arguments_of(wrong) == "{");
  CHECK(world.arguments_of(other) == order);
}

TEST_CASE("commands of other nodes are not counted") {
  OutcomeWorld world;
  world.add_answered(1, kKept - 1);
  const auto other = world.ledger().node_no("n2", kStoreNow);
  REQUIRE(other.has_value());
  REQUIRE(world.store().database().execute(
      fmt::format("INSERT INTO command SELECT {}, id, spool, created_ns, expires_ns, verb,"
                  " arguments, outcome FROM command",
                  *other)));
  world.answer(world.ping());
  CHECK(world.answered() == 2 * kKept - 1);
}

TEST_CASE("where very many are too old they go by and by") {
  OutcomeWorld world;
  constexpr std::int64_t kOld = 2 * CommandOutcomes::kDroppedAtOnce;
  world.add_answered(1, kKept + kOld - 1);
  world.answer(world.ping());
  CHECK(world.answered() == kKept + kOld / 2);
  world.answer(world.ping());
  world.answer(world.ping());
  CHECK(world.answered() == kKept);
}

TEST_CASE("the command by which a node measures stays, however many came after it") {
  OutcomeWorld world;
  const auto tell = [&] {
    const auto told = world.store().tell_sampling("n1", kStoreIncarnation.spool, {{"mem", 1}},
                                                  kStoreNow, kStoreNow + hours(1));
    REQUIRE(told.has_value());
    world.answer(told->id);
    return told->id;
  };
  const auto n1 = [&] {
    const auto told = coordinator::SamplingTable(world.store().database()).list(true);
    REQUIRE(told.has_value());
    return told->at(0);
  };
  const std::uint64_t id = tell();
  world.add_answered(id + 10, 2 * kKept);
  for (int i = 0; i < 5; ++i) world.answer(world.ping());
  CHECK(world.answered() == kKept + 1);
  CHECK(n1().state == coordinator::SamplingState::kConfirmed);
  SUBCASE("a spool that was set back to before it shows") {
    REQUIRE(world.store().exchange_mark(world.node(), id - 1).has_value());
    CHECK_FALSE(n1().is_known);
  }
  SUBCASE("until the node is told something else") {
    CHECK(tell() > id);
    CHECK(world.number(fmt::format("SELECT count(*) FROM command WHERE id = {}", id)) == 0);
    CHECK(n1().state == coordinator::SamplingState::kConfirmed);
  }
}

}  // namespace fieldpost::test

// Commands over the code that ships, from coordinator to node and back: [cmd-1] … [cmd-5].
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/topics.h"
#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A site with one node, and a broker that can keep commands to itself.
class CommandWorld {
 public:
  CommandWorld() : broker_(world_), site_(world_, broker_), node_(world_, broker_, book_, {}) {
    broker_.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      const auto topic = wire::parse_topic(message.topic);
      if (!topic || from.empty()) return true;
      if (topic->kind == wire::TopicKind::kUp && topic->lane == wire::Lane::kEvent) {
        outcomes_held_ += holding_outcomes_ ? 1 : 0;
        return !holding_outcomes_;
      }
      if (topic->kind != wire::TopicKind::kCommand) return true;
      sent_.push_back(message);
      return !holding_;
    });
    site_.start();
    node_.start();
    wait_for_session();
  }

  void wait_for_session() {
    REQUIRE(world_.run_until([this] { return node_.running() && node_.uplink()->is_up(); },
                             minutes(10)));
  }
  void new_session() {
    const std::uint64_t before = node_.uplink()->counters().sessions;
    broker_.break_connection(node_.client_id());
    REQUIRE(world_.run_until(
        [&] { return node_.uplink()->is_up() && node_.uplink()->counters().sessions > before; },
        minutes(10)));
    world_.run_for(seconds(2));
  }
  /// The node's machine goes back to an image of its disk.
  void set_back(const SimDisk::Image& image) {
    node_.restore(image);
    node_.start();
    wait_for_session();
    world_.run_for(seconds(2));
  }
  void restart() {
    node_.kill();
    node_.start();
    wait_for_session();
    world_.run_for(seconds(2));
  }
  /// The node is killed at its so many-th change of the disk from now, and started again.
  void kill_at(std::uint64_t call, bool& killed) {
    node_.disk().stop_at(call, [this, &killed] {
      killed = true;
      world_.schedule(rt::Nanos(0), [this] {
        node_.kill();
        node_.start();
      });
    });
  }
  /// What the node finds in its spool when it starts again.
  void change_spool(const std::string& sql) {
    node_.kill();
    REQUIRE(open_spool().execute(sql).has_value());
    node_.start();
    wait_for_session();
  }
  /// How many commands the node remembers, and the oldest. Afterwards it is down.
  std::pair<std::uint64_t, std::uint64_t> inbox() {
    node_.kill();
    rt::Database db = open_spool();
    rt::Statement& row = db.prepare("SELECT count(*), min(id) FROM inbox");
    REQUIRE(row.step().value());
    return {row.u64(0), row.u64(1)};
  }
  /// From now on outcomes do not reach the coordinator.
  void hold_outcomes() { holding_outcomes_ = true; }
  /// From now on commands do not reach the node.
  void hold() { holding_ = true; }
  void let_go() { holding_ = holding_outcomes_ = false; }
  [[nodiscard]] std::size_t outcomes_held() const { return outcomes_held_; }

  std::uint64_t command(const std::string& verb, const std::string& arguments = "{}") {
    std::uint64_t id = 0;
    site_.coordinator()->send_command("n1", verb, arguments, [&](rt::Result<wire::Command> made) {
      REQUIRE(made);
      id = made->id;
    });
    world_.run_for(seconds(2));
    REQUIRE(id != 0);
    return id;
  }
  void deliver(const rt::MqttMessage& message) {
    broker_.inject(message);
    world_.run_for(seconds(5));
  }
  void run_for(rt::Nanos span) { world_.run_for(span); }

  /// Outcomes by id as the store has them; empty: none yet. Afterwards the site is down.
  std::map<std::uint64_t, std::string> outcomes() {
    world_.run_for(seconds(5));
    site_.kill();
    std::map<std::uint64_t, std::string> out;
    each_row("SELECT id, coalesce(outcome, '') FROM command",
             [&](rt::Statement& row) { out[row.u64(0)] = std::string(row.text(1)); });
    return out;
  }
  /// Outcomes that the node told, one for each time. Call after `outcomes`.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    each_row("SELECT payload FROM event ORDER BY no",
             [&](rt::Statement& row) { out.emplace_back(row.text(0)); });
    return out;
  }

  SimNode& node() { return node_; }
  SimSite& site() { return site_; }
  const std::vector<rt::MqttMessage>& sent() { return sent_; }
  static wire::Command opened(const rt::MqttMessage& message) {
    const auto body = wire::peek_signed_body(message.payload);
    REQUIRE(body);
    const auto command = wire::decode_command(*body);
    REQUIRE(command);
    return *command;
  }
  rt::MqttMessage sealed(const wire::Command& command) {
    const std::string topic =
        wire::format_topic({"lab", "n1", wire::TopicKind::kCommand, wire::Lane::kEvent});
    return {topic, site_.key().seal(topic, wire::encode(command)), false};
  }

 private:
  static rt::Database open_spool() {
    rt::DatabaseOptions options;
    options.vfs = "n1";
    auto db = rt::Database::open("/spool/spool.db", options);
    REQUIRE(db);
    return std::move(*db);
  }
  template <typename F>
  void each_row(std::string_view sql, F&& f) {
    rt::DatabaseOptions options;
    options.vfs = site_.vfs().name();
    auto db = rt::Database::open(site_.path(), options);
    REQUIRE(db);
    rt::Statement& rows = db->prepare(sql);
    for (;;) {
      const auto row = rows.step();
      REQUIRE(row);
      if (!*row) return;
      f(rows);
    }
  }

  SimWorld world_{1};
  SimBroker broker_;
  Ledgerbook book_;
  SimSite site_;
  SimNode node_;
  bool holding_ = false;
  bool holding_outcomes_ = false;
  std::size_t outcomes_held_ = 0;
  std::vector<rt::MqttMessage> sent_;
};

TEST_CASE("a command is acted on, and its outcome is told") {
  CommandWorld world;
  const std::uint64_t id = world.command("ping");
  CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
  CHECK(world.told().size() == 1);
}

TEST_CASE("a command of an earlier session is not obeyed; under the same id it comes again") {
  CommandWorld world;
  world.hold();
  const std::uint64_t id = world.command("ping");
  world.new_session();
  REQUIRE(world.sent().size() == 2);
  const wire::Command before = CommandWorld::opened(world.sent()[0]);
  const wire::Command now = CommandWorld::opened(world.sent()[1]);
  CHECK(before.id == id);
  CHECK(now.id == id);
  CHECK(before.nonce != 0);
  CHECK(now.nonce != before.nonce);

  const std::uint64_t ignored = world.node().uplink()->counters().ignored;
  world.deliver(world.sent()[0]);
  CHECK(world.node().uplink()->counters().ignored == ignored + 1);
  SUBCASE("nothing came of the earlier one") {
    CHECK(world.outcomes().at(id).empty());
    CHECK(world.told().empty());
  }
  SUBCASE("the later one is acted on, once") {
    world.deliver(world.sent()[1]);
    world.deliver(world.sent()[1]);
    CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
    CHECK(world.told().size() == 1);
  }
}

TEST_CASE("a command of no session, of another generation or for another spool is not obeyed") {
  CommandWorld world;
  world.hold();
  world.command("ping");
  const wire::Command right = CommandWorld::opened(world.sent().at(0));
  wire::Command wrong = right;
  SUBCASE("no session") {
    wrong.nonce = 0;
  }
  SUBCASE("another session") {
    wrong.nonce += 1;
  }
  SUBCASE("another generation") {
    wrong.generation += 1;
  }
  SUBCASE("another spool") {
    wrong.spool.lo += 1;
  }
  const std::uint64_t ignored = world.node().uplink()->counters().ignored;
  world.deliver(world.sealed(wrong));
  CHECK(world.node().uplink()->counters().ignored == ignored + 1);
  CHECK(world.outcomes().at(right.id).empty());
  CHECK(world.told().empty());
}

TEST_CASE("a command that is unanswered when the node's session ends is sent in the next one") {
  CommandWorld world;
  world.hold();
  const std::uint64_t id = world.command("ping");
  world.let_go();
  world.new_session();
  CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
  CHECK(world.sent().size() == 2);
}

TEST_CASE("a command sent before the spool was set back ends as unknown and is not sent again") {
  CommandWorld world;
  SimDisk::Image image;
  SUBCASE("to an image of the process that ran") {
    image = world.node().image();
  }
  SUBCASE("to an image of a process before it") {
    image = world.node().image();
    world.restart();
  }
  SUBCASE("to nothing") {}
  world.hold_outcomes();
  const std::uint64_t id = world.command("ping");
  REQUIRE(world.outcomes_held() > 0);  // it was acted on, and nobody was told
  world.let_go();
  world.set_back(image);
  CHECK(world.sent().size() == 1);
  const std::uint64_t next = world.command("ping");
  const auto outcomes = world.outcomes();
  CHECK(outcomes.at(id).find("unknown") != std::string::npos);
  CHECK(outcomes.at(next).find("pong") != std::string::npos);
  CHECK(world.told().size() == 1);  // of the second only
}

TEST_CASE("a command that a restarted node never got ends as unknown") {
  CommandWorld world;
  world.hold();
  const std::uint64_t id = world.command("ping");
  world.let_go();
  world.restart();
  CHECK(world.sent().size() == 1);
  CHECK(world.outcomes().at(id).find("unknown") != std::string::npos);
  CHECK(world.told().empty());
}

TEST_CASE("the outcome that a restarted node still holds takes the place of an unknown one") {
  CommandWorld world;
  world.hold_outcomes();
  const std::uint64_t id = world.command("ping");
  world.restart();
  SUBCASE("it is unknown until then") {
    CHECK(world.outcomes().at(id).find("unknown") != std::string::npos);
  }
  SUBCASE("then it is known") {
    world.let_go();
    world.run_for(minutes(2));
    CHECK(world.sent().size() == 1);
    CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
    CHECK(world.told().size() == 1);
  }
}

TEST_CASE("a command to a node that nobody knows is refused as that, to one away as unavailable") {
  CommandWorld world;
  const auto refused = [&](const std::string& node) {
    std::optional<rt::Errc> code;
    world.site().coordinator()->send_command(
        node, "ping", "{}", [&](rt::Result<wire::Command> made) { code = made.error().code; });
    world.run_for(seconds(2));
    return code;
  };
  CHECK(refused("nobody") == rt::Errc::kNotFound);
  world.node().kill();
  world.run_for(minutes(2));
  CHECK(refused("n1") == rt::Errc::kUnavailable);
}

TEST_CASE("a restarted coordinator sends what is unanswered to the process that it sent it to") {
  CommandWorld world;
  world.hold();
  const std::uint64_t id = world.command("ping");
  world.let_go();
  world.site().kill();
  world.site().start();
  world.run_for(minutes(2));
  CHECK(world.sent().size() == 2);
  CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
}

TEST_CASE("wherever the node is killed, a command has one outcome and no second one") {
  bool killed = true;
  for (std::uint64_t call = 1; killed; ++call) {
    INFO("killed at call ", call);
    CommandWorld world;
    killed = false;
    world.kill_at(call, killed);
    const std::uint64_t id = world.command("ping");
    world.run_for(minutes(1));
    const std::string outcome = world.outcomes().at(id);
    CHECK_FALSE(outcome.empty());
    CHECK(world.told().size() <= 1);
  }
}

TEST_CASE("an outcome that the disk refused is told when the disk works again") {
  int refused = 0;
  bool fired = true;
  for (std::uint64_t call = 1; fired; ++call) {
    INFO("no space at call ", call);
    CommandWorld world;
    world.node().disk().fail({.answer = DiskAnswer::kFull, .at = call});
    const std::uint64_t id = world.command("ping");
    world.run_for(seconds(10));
    fired = world.node().disk().failure_fired();
    if (world.node().log().count_containing("outcome of command") == 0) continue;
    refused += 1;
    CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
    CHECK(world.told().size() == 1);
  }
  CHECK(refused > 0);
}

TEST_CASE("the inbox remembers the last thousand commands and acts on none that is older") {
  CommandWorld world;
  world.change_spool(
      "WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1500)"
      " INSERT INTO inbox SELECT id, 'ping', '{}', 2, 0 FROM n");
  const std::uint64_t id = world.command("ping");
  wire::Command old = CommandWorld::opened(world.sent().at(0));
  old.id = 5;
  world.deliver(world.sealed(old));
  CHECK(world.outcomes().at(id).find("pong") != std::string::npos);
  CHECK(world.told().size() == 1);
  CHECK(world.inbox() == std::pair<std::uint64_t, std::uint64_t>{1000, 502});
}

TEST_CASE("what is resent without being on disk is not said to go out again") {
  CommandWorld world;
  const std::uint64_t id = world.command(
      "resend",
      R"({"spool": "00000000000000000000000000000001", "incarnation": 1, "first": 1, "last": 3})");
  CHECK(world.outcomes().at(id).find("0 of 3 records are here, 0 go out again") !=
        std::string::npos);
}

}  // namespace
}  // namespace fieldpost::sim

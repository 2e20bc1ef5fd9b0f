#include "agent/uplink/inbox.h"

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/messages.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::agent {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// Hears of the outcomes that get on disk.
struct Outcomes final : RecordSink {
  void on_record(const SpoolRecord& record, bool on_disk) override {
    if (record.record_class != RecordClass::kEvent) return;
    CHECK(on_disk);
    const auto content = wire::decode_record(*record.body);
    REQUIRE(content.has_value());
    told.push_back(json::parse(content->payload));
  }
  void on_spooled(const wire::Name&) override {}
  void on_marked(const std::vector<wire::NameRange>&) override {}
  void on_statement_outdated(const std::string&) override {}
  std::vector<json> told;
};

/// One life of the agent's process: its spool, and an inbox that hears of no coordinator.
struct Life {
  Life(sim::SimWorld& world, sim::SimVfs& vfs, sim::SimBroker& broker, sim::SimWallClock& clock,
       sim::SimLog& log, RecordSink& sink)
      : loop(world),
        random(world.dice("random")),
        store(loop, world.dice("store")),
        encoder(loop, world.dice("encoder")),
        mqtt(loop, broker) {
    auto spool = Spool::open("/spool/spool.db", vfs.name(), random);
    REQUIRE(spool.has_value());
    front = std::make_unique<SpoolFront>(loop, clock, random, store, encoder, log,
                                         SpoolFrontOptions{}, std::move(*spool));
    front->set_sink(&sink);
    uplink = std::make_unique<Uplink>(loop, clock, random, mqtt, log, *front, UplinkOptions{});
    inbox = std::make_unique<Inbox>(loop, clock, log, *front, *uplink);
  }
  ~Life() { loop.kill(); }
  Life(const Life&) = delete;
  Life& operator=(const Life&) = delete;

  sim::SimLoop loop;
  sim::SimRandom random;
  sim::SimWorker store, encoder;
  sim::SimMqtt mqtt;
  std::unique_ptr<SpoolFront> front;
  std::unique_ptr<Uplink> uplink;
  std::unique_ptr<Inbox> inbox;
};

/// A machine, and a verb `dig` whose work somebody else does.
struct Machine {
  sim::SimWorld world{1};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "inbox-test"};
  sim::SimBroker broker{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimLog log{world, "agent"};
  Outcomes outcomes;
  struct Asked {
    wire::Command command;
    std::function<void(Inbox::Answer)> answered;
  };
  std::vector<Asked> begun, resumed;
  std::unique_ptr<Life> life;

  Machine() { start(true); }
  void start(bool digs) {
    life.reset();
    life = std::make_unique<Life>(world, vfs, broker, clock, log, outcomes);
    if (digs) {
      const auto into = [](std::vector<Asked>& list) {
        return [&list](const wire::Command& command, std::function<void(Inbox::Answer)> answered) {
          list.push_back({command, std::move(answered)});
        };
      };
      life->inbox->set_slow_verb("dig", {.act = into(begun), .resume = into(resumed)});
    }
    life->inbox->recover();
    world.run_for(1s);
  }
  /// As the inbox has them on disk.
  std::string arguments_of(std::uint64_t id) {
    std::string found;
    life->front->with_spool(
        [id, &found](Spool& spool) -> rt::Status {
          rt::Statement& row =
              spool.database().prepare("SELECT arguments FROM inbox WHERE id = ?1");
          const auto is_there = row.bind(1, id).step();
          REQUIRE((is_there.has_value() && *is_there));
          found = row.text(0);
          row.reset();
          return rt::ok();
        },
        [](const rt::Status& status) { CHECK(status.has_value()); });
    world.run_for(1s);
    return found;
  }
  void command(std::uint64_t id, const std::string& verb, const std::string& arguments = "{}") {
    wire::Command command;
    command.id = id;
    command.verb = verb;
    command.arguments = arguments;
    life->inbox->on_command(command);
    world.run_for(1s);
  }
};

json outcome(std::uint64_t id, const std::string& verb, bool ok, const std::string& detail) {
  return {{"type", "command"}, {"id", id}, {"verb", verb}, {"ok", ok}, {"detail", detail}};
}

TEST_CASE("a slow verb answers when it is done, once") {
  Machine machine;
  machine.command(5, "dig", R"({"deep":2})");
  REQUIRE(machine.begun.size() == 1);
  CHECK(machine.begun[0].command.id == 5);
  CHECK(machine.begun[0].command.arguments == R"({"deep":2})");
  machine.world.run_for(1h);
  CHECK(machine.outcomes.told.empty());
  machine.begun[0].answered({true, "a hole"});
  machine.world.run_for(1s);
  CHECK(machine.outcomes.told == std::vector{outcome(5, "dig", true, "a hole")});
  machine.start(true);
  CHECK(machine.resumed.empty());
  CHECK(machine.outcomes.told.size() == 1);
}

TEST_CASE("arguments stay on disk until their command is answered") {
  Machine machine;
  machine.command(5, "dig", R"({"deep":2})");
  CHECK(machine.arguments_of(5) == R"({"deep":2})");
  machine.begun[0].answered({true, "a hole"});
  machine.world.run_for(1s);
  CHECK(machine.arguments_of(5).empty());
  machine.command(5, "dig", R"({"deep":2})");
  CHECK(machine.begun.size() == 1);
}

TEST_CASE("others are answered while a slow verb is at work, and it is begun once") {
  Machine machine;
  machine.command(5, "dig");
  machine.command(6, "ping");
  CHECK(machine.outcomes.told == std::vector{outcome(6, "ping", true, "pong")});
  machine.command(5, "dig");
  CHECK(machine.begun.size() == 1);
}

TEST_CASE("a slow verb whose process ends before its answer is resumed, and answered once") {
  Machine machine;
  machine.command(5, "dig", R"({"deep":2})");
  machine.start(true);
  CHECK(machine.begun.size() == 1);
  REQUIRE(machine.resumed.size() == 1);
  CHECK(machine.resumed[0].command.id == 5);
  CHECK(machine.resumed[0].command.verb == "dig");
  CHECK(machine.resumed[0].command.arguments == R"({"deep":2})");
  CHECK(machine.outcomes.told.empty());
  machine.command(5, "dig", R"({"deep":2})");
  CHECK(machine.begun.size() == 1);
  SUBCASE("in the next life") {}
  SUBCASE("in the one after it") {
    machine.start(true);
    REQUIRE(machine.resumed.size() == 2);
  }
  machine.resumed.back().answered({false, "rock"});
  machine.world.run_for(1s);
  CHECK(machine.outcomes.told == std::vector{outcome(5, "dig", false, "rock")});
  const std::size_t resumed = machine.resumed.size();
  machine.start(true);
  CHECK(machine.resumed.size() == resumed);
  CHECK(machine.outcomes.told.size() == 1);
}

TEST_CASE("an answer that was not on disk when the process ended is found out again") {
  Machine machine;
  machine.command(5, "dig");
  machine.begun[0].answered({true, "a hole"});
  machine.start(true);
  REQUIRE(machine.resumed.size() == 1);
  machine.resumed[0].answered({true, "a hole"});
  machine.world.run_for(1s);
  CHECK(machine.outcomes.told == std::vector{outcome(5, "dig", true, "a hole")});
}

TEST_CASE("each slow verb that was open is resumed, in the order of the commands") {
  Machine machine;
  machine.command(5, "dig", R"({"n":1})");
  machine.command(6, "ping");
  machine.command(7, "dig", R"({"n":2})");
  machine.start(true);
  REQUIRE(machine.resumed.size() == 2);
  CHECK(machine.resumed[0].command.id == 5);
  CHECK(machine.resumed[1].command.id == 7);
  machine.resumed[1].answered({true, "second"});
  machine.resumed[0].answered({true, "first"});
  machine.world.run_for(1s);
  REQUIRE(machine.outcomes.told.size() == 3);
  CHECK(machine.outcomes.told[1] == outcome(7, "dig", true, "second"));
  CHECK(machine.outcomes.told[2] == outcome(5, "dig", true, "first"));
}

TEST_CASE("what a former life began and nobody here can resume is answered with that") {
  Machine machine;
  machine.command(5, "dig");
  machine.start(false);
  const json ended = outcome(5, "dig", false, "the agent ended before the outcome was known");
  CHECK(machine.outcomes.told == std::vector{ended});
  machine.start(true);
  CHECK(machine.resumed.empty());
  CHECK(machine.outcomes.told.size() == 1);
}

TEST_CASE("a slow verb may answer at once") {
  Machine machine;
  machine.life->inbox->set_slow_verb(
      "look", {.act =
                   [](const wire::Command&, const std::function<void(Inbox::Answer)>& answered) {
                     answered({true, "seen"});
                   },
               .resume = nullptr});
  machine.command(5, "look");
  CHECK(machine.outcomes.told == std::vector{outcome(5, "look", true, "seen")});
}

}  // namespace
}  // namespace fieldpost::agent

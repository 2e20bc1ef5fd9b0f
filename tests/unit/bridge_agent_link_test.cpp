// Readings on their way from the bridge to the agent's socket.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/sources/line_socket.h"
#include "firmware-bridge/agent_link/agent_link.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_streams.h"
#include "tests/support/sim/sim_worker.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using bridge::AgentLink;
using bridge::HeldLines;
using bridge::Measured;
using mapping::DeviceValue;
using rt::Errc;

const std::string kPath = "/run/agent.sock";

Measured reading(double value, std::optional<std::int64_t> time = std::nullopt) {
  return {{"m", {{"device", "a"}}, "v", {}, {}}, DeviceValue::of(value), time};
}

Measured with_unit(Measured of, std::string unit) {
  of.key.unit = std::move(unit);
  return of;
}

Measured old(Measured of, rt::Nanos age) {
  of.age = age.count();
  return of;
}

Measured of(std::string measurement, int value) {
  Measured made = reading(value, value);
  made.key.measurement = std::move(measurement);
  return made;
}

/// What one `offer` was told.
struct Told {
  std::vector<rt::Status> statuses;
  [[nodiscard]] std::string text() const {
    if (statuses.empty()) return "nothing";
    if (statuses.size() > 1) return "twice";
    return statuses[0] ? "ok" : std::string(to_string(statuses[0].error().code));
  }
};

struct World {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimLog log{world, "bridge"};
  sim::SimStreams streams{loop};

  std::unique_ptr<AgentLink> make_link() {
    return std::make_unique<AgentLink>(bridge::AgentLinkPorts{loop, streams, clock, log}, kPath);
  }
  static std::shared_ptr<Told> offer(AgentLink& link, std::vector<Measured> readings) {
    auto told = std::make_shared<Told>();
    link.offer(std::move(readings),
               [told](rt::Status status) { told->statuses.push_back(std::move(status)); });
    return told;
  }
};

/// An agent that says what the test wants.
struct ScriptedAgent {
  explicit ScriptedAgent(World& world) : world_(world) { listen(); }
  void listen() {
    listener = world_.streams
                   .listen_unix(kPath,
                                [this](auto stream) {
                                  connections += 1;
                                  got.clear();
                                  peer = std::move(stream);
                                  peer->start({.on_data = [this](auto bytes) { got += bytes; },
                                               .on_closed = [](const std::string&) {}});
                                })
                   .value();
  }
  /// What has come since the last call.
  std::string take() {
    world_.world.run_for(200ms);
    return std::exchange(got, {});
  }
  std::string say(const std::string& answer) {
    peer->send(answer);
    return take();
  }
  World& world_;
  std::unique_ptr<rt::Listener> listener;
  std::unique_ptr<rt::Stream> peer;
  std::string got;
  int connections = 0;
};

/// An agent that has no room for some measurements, and refuses what comes together as it does.
struct FullAgent {
  explicit FullAgent(World& world) {
    listener = world.streams
                   .listen_unix(kPath,
                                [this](auto stream) {
                                  text.clear();
                                  peer = std::move(stream);
                                  peer->start({.on_data = [this](auto bytes) { take(bytes); },
                                               .on_closed = [](const std::string&) {}});
                                })
                   .value();
  }
  void take(const std::string& bytes) {
    text += bytes;
    for (std::size_t end = 0; (end = text.find("\n\n")) != std::string::npos;) {
      batches.push_back(text.substr(0, end + 1));
      text.erase(0, end + 2);
      peer->send(answer(batches.back()));
    }
  }
  std::string answer(const std::string& batch) {
    std::vector<std::string> lines;
    for (std::size_t at = 0; at < batch.size(); at += lines.back().size() + 1) {
      lines.push_back(batch.substr(at, batch.find('\n', at) - at));
    }
    for (const std::string& line : lines) {
      if (full.contains(line.substr(0, line.find(',')))) {
        refusals += 1;
        return "error 0: spool is full: no room\nok 0\n";
      }
    }
    for (const std::string& line : lines) {
      stored[line.substr(0, line.find(','))].push_back(line.substr(line.rfind(' ') + 1));
    }
    return fmt::format("ok {}\n", lines.size());
  }
  std::set<std::string> full;
  std::map<std::string, std::vector<std::string>> stored;  ///< times, by measurement
  std::vector<std::string> batches;
  int refusals = 0;
  std::unique_ptr<rt::Listener> listener;
  std::unique_ptr<rt::Stream> peer;
  std::string text;
};

/// Counts how often it is asked.
struct CountingClock final : rt::WallClock {
  explicit CountingClock(const rt::WallClock& real) : real_(real) {}
  [[nodiscard]] rt::UnixTime now() const override { return (nows += 1, real_.now()); }
  [[nodiscard]] bool synchronised() const override {
    return (questions += 1, real_.synchronised());
  }
  [[nodiscard]] rt::BootId boot_id() const override { return real_.boot_id(); }
  const rt::WallClock& real_;
  mutable int nows = 0, questions = 0;
};

/// The agent's own socket.
struct RealSocket {
  explicit RealSocket(World& world) : world_(world), worker(world.loop, world.world.dice("w")) {
    start();
  }
  void start() {
    socket = agent::LineSocket::listen({world_.loop, world_.clock, worker, intake}, world_.streams,
                                       {kPath})
                 .value();
  }
  World& world_;
  sim::SimWorker worker;
  sim::FakeIntake intake;
  std::unique_ptr<agent::LineSocket> socket;
};

}  // namespace

TEST_CASE("readings of a window go as one batch, and are told when it is answered") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const auto first = World::offer(*link, {reading(1.5, 10), reading(2, 11)});
  world.world.run_for(50ms);
  const auto second = World::offer(*link, {reading(3, 12)});
  CHECK(agent.take() == "m,device=a v=1.5 10\nm,device=a v=2 11\nm,device=a v=3 12\n\n");
  CHECK(first->text() == "nothing");
  CHECK(link->state().held == 3);
  CHECK(agent.say("ok 3\n").empty());
  CHECK(first->text() == "ok");
  CHECK(second->text() == "ok");
  CHECK(link->state().on_disk == 3);
  CHECK(link->state().held == 0);
  CHECK(link->state().held_bytes == 0);
  CHECK(link->state().connected);
}

TEST_CASE("the agent's own socket stores what was offered, under its unit") {
  World world;
  RealSocket agent(world);
  const auto link = world.make_link();
  Measured text = with_unit(reading(0, 3), "a b");
  text.key.field = "f =,";
  text.value = DeviceValue::of(std::string("say \"hi\""));
  Measured count = reading(0, 4);
  count.value = DeviceValue::of(std::int64_t{-7});
  const auto told = World::offer(*link, {with_unit(reading(20, 1), "\xc2\xb0\x43"),
                                         with_unit(reading(21, 2), "\xc2\xb0\x43"), text, count});
  world.world.run_for(1s);
  CHECK(told->text() == "ok");
  CHECK(sim::readings_of(agent.intake.durable) ==
        std::vector<std::string>{
            "m,device=a v f \xc2\xb0\x43 = 20 @1", "m,device=a v f \xc2\xb0\x43 = 21 @2",
            "m,device=a f\\ \\=\\, s a\\ b = \"say \"hi\"\" @3", "m,device=a v i = -7i @4"});
  CHECK(agent.socket->health().errors == 0);
}

TEST_CASE("a unit is said once a connection, again when it changes, and taken back") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  World::offer(*link, {with_unit(reading(1, 1), "C"), with_unit(reading(2, 2), "C")});
  CHECK(agent.take() == "#unit m,device=a v C\nm,device=a v=1 1\nm,device=a v=2 2\n\n");
  CHECK(agent.say("ok 2\n").empty());
  World::offer(*link,
               {with_unit(reading(3, 3), "C"), with_unit(reading(4, 4), "F"), reading(5, 5)});
  CHECK(agent.take() ==
        "m,device=a v=3 3\n#unit m,device=a v F\nm,device=a v=4 4\n"
        "#unit m,device=a v \nm,device=a v=5 5\n\n");
  agent.peer.reset();
  world.world.run_for(1s);
  CHECK(agent.take() ==
        "#unit m,device=a v C\nm,device=a v=3 3\n#unit m,device=a v F\nm,device=a v=4 4\n"
        "#unit m,device=a v \nm,device=a v=5 5\n\n");
}

TEST_CASE("what was not answered is sent again on the next connection, in order, before the rest") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  std::vector<std::shared_ptr<Told>> told;
  for (int i = 0; i < 3; ++i) {
    told.push_back(World::offer(*link, {reading(i, i)}));
    world.world.run_for(150ms);
  }
  CHECK(agent.say("ok 1\n") == "m,device=a v=0 0\n\nm,device=a v=1 1\n\nm,device=a v=2 2\n\n");
  agent.peer.reset();
  world.world.run_for(10ms);
  told.push_back(World::offer(*link, {reading(3, 3)}));
  CHECK_FALSE(link->state().connected);
  world.world.run_for(600ms);
  CHECK(agent.connections == 2);
  CHECK(agent.take() == "m,device=a v=1 1\n\nm,device=a v=2 2\n\nm,device=a v=3 3\n\n");
  agent.say("ok 1\nok 1\nok 1\n");
  for (const auto& each : told) CHECK(each->text() == "ok");
  CHECK(link->state().on_disk == 4);
}

TEST_CASE("at most some batches are in flight, and what waits is gathered") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  for (int i = 0; i < 10; ++i) {
    World::offer(*link, {reading(i, i)});
    world.world.run_for(150ms);
  }
  std::size_t batches = 0;
  const std::string sent = agent.take();
  for (std::size_t at = 0; (at = sent.find("\n\n", at)) != std::string::npos; ++at) batches += 1;
  CHECK(batches == AgentLink::kInFlightMax);
  std::string rest;
  for (int i = 4; i < 10; ++i) rest += fmt::format("m,device=a v={} {}\n", i, i);
  CHECK(agent.say("ok 1\n") == rest + "\n");
}

TEST_CASE("64 KiB go at once, without waiting for the window") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  world.world.run_for(1ms);
  std::vector<Measured> many;
  for (int i = 0; i < 3000; ++i) many.push_back(reading(i, i));
  const auto told = World::offer(*link, std::move(many));
  world.world.run_for(1ms);
  CHECK(agent.got.size() > 32 * 1024);
  CHECK(agent.got.find("\n\n") <= HeldLines::kBatchBytes);
  for (int i = 0; i < 20 && told->statuses.empty(); ++i) {
    const std::string got = agent.take();
    std::size_t lines = 0;
    std::string answers;
    for (std::size_t at = 0; at < got.size(); at = got.find('\n', at) + 1) {
      if (got[at] == '\n') answers += fmt::format("ok {}\n", std::exchange(lines, 0));
      if (got[at] != '\n') lines += 1;
    }
    agent.peer->send(answers);
  }
  CHECK(told->text() == "ok");
  CHECK(link->state().on_disk == 3000);
}

TEST_CASE("a reading without a time has the same one each time it is sent") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const std::int64_t came = world.clock.now().ns;
  World::offer(*link, {reading(1)});
  const std::string line = fmt::format("m,device=a v=1 {}\n\n", came);
  CHECK(agent.take() == line);
  world.clock.jump(5s);
  agent.peer.reset();
  world.world.run_for(1s);
  CHECK(agent.take() == line);
}

TEST_CASE(
    "while the clock is not synchronised a reading goes without a time, alone of its series") {
  World world;
  world.clock.set_synchronised(false);
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  Measured other = reading(9);
  other.key.field = "w";
  World::offer(*link, {reading(1), other, reading(2)});
  World::offer(*link, {reading(3, 33)});
  CHECK(agent.take() == "m,device=a v=1\nm,device=a w=9\n\n");
  CHECK(agent.say("ok 2\n") == "m,device=a v=2\nm,device=a v=3 33\n\n");
}

TEST_CASE("readings that wait while the clock becomes right get the times at which they came") {
  World world;
  world.clock.set_synchronised(false);
  const auto link = world.make_link();
  const std::int64_t came = world.clock.now().ns;
  World::offer(*link, {reading(1)});
  world.world.run_for(10s);
  World::offer(*link, {reading(2)});
  world.world.run_for(5s);
  world.clock.set_synchronised(true);
  ScriptedAgent agent(world);
  world.world.run_for(31s);
  CHECK(agent.got ==
        fmt::format("m,device=a v=1 {}\n\nm,device=a v=2 {}\n\n", came, came + 10'000'000'000));
}

TEST_CASE("readings that come together have one time, and those of one series follow each other") {
  World world;
  const std::int64_t came = world.clock.now().ns;
  Measured other = reading(9);
  other.key.field = "w";
  const std::vector<Measured> readings = {reading(1), other, reading(2), reading(3)};
  SUBCASE("that of their arrival") {
    ScriptedAgent agent(world);
    CountingClock clock(world.clock);
    AgentLink link({world.loop, world.streams, clock, world.log}, kPath);
    World::offer(link, readings);
    CHECK(clock.nows == 1);
    CHECK(clock.questions == 1);
    CHECK(agent.take() == fmt::format("m,device=a v=1 {}\nm,device=a w=9 {}\nm,device=a v=2 {}\n"
                                      "m,device=a v=3 {}\n\n",
                                      came, came, came + 1, came + 2));
  }
  SUBCASE("also when it is known later") {
    world.clock.set_synchronised(false);
    const auto link = world.make_link();
    World::offer(*link, readings);
    world.world.run_for(15s);
    world.clock.set_synchronised(true);
    ScriptedAgent agent(world);
    world.world.run_for(31s);
    CHECK(agent.got == fmt::format("m,device=a v=1 {}\nm,device=a w=9 {}\n\nm,device=a v=2 {}\n\n"
                                   "m,device=a v=3 {}\n\n",
                                   came, came, came + 1, came + 2));
  }
}

TEST_CASE("whoever gives a time is not asked for ours") {
  World world;
  const CountingClock clock(world.clock);
  AgentLink link({world.loop, world.streams, clock, world.log}, kPath);
  World::offer(link, {reading(1, 1)});
  CHECK(clock.nows + clock.questions == 0);
}

TEST_CASE("a reading that tells its age gets the time of its arrival less that") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const std::int64_t came = world.clock.now().ns;
  World::offer(*link, {old(reading(1), 2s), old(reading(2), 1s), reading(3), old(reading(4), 1s)});
  CHECK(
      agent.take() ==
      fmt::format("m,device=a v=1 {}\nm,device=a v=2 {}\nm,device=a v=3 {}\nm,device=a v=4 {}\n\n",
                  came - 2'000'000'000, came - 1'000'000'000, came, came - 999'999'999));
}

TEST_CASE("an age counts from the arrival also when the clock becomes right later") {
  World world;
  world.clock.set_synchronised(false);
  const std::int64_t came = world.clock.now().ns;
  const auto link = world.make_link();
  World::offer(*link, {old(reading(1), 2s)});
  {
    ScriptedAgent agent(world);
    world.world.run_for(31s);
    CHECK(agent.got == "m,device=a v=1\n\n");
  }
  world.world.run_for(5s);
  world.clock.set_synchronised(true);
  ScriptedAgent agent(world);
  world.world.run_for(31s);
  CHECK(agent.got == fmt::format("m,device=a v=1 {}\n\n", came - 2'000'000'000));
}

TEST_CASE("an agent that is away is asked less and less often, and the log says it once") {
  World world;
  const auto link = world.make_link();
  const auto told = World::offer(*link, {reading(1, 1)});
  world.world.run_for(10min);
  CHECK(world.log.count(rt::LogLevel::kWarning) == 1);
  CHECK(world.log.count_containing("no such file; readings are held, 8 MiB of them at most") == 1);
  CHECK(link->state().why.find("no such file") != std::string::npos);
  CHECK_FALSE(link->state().connected);
  ScriptedAgent agent(world);
  world.world.run_for(1s);
  CHECK(agent.connections == 0);
  world.world.run_for(AgentLink::kRetryMost);
  CHECK(agent.connections == 1);
  CHECK(agent.take() == "m,device=a v=1 1\n\n");
  agent.say("ok 1\n");
  CHECK(told->text() == "ok");
  CHECK(link->state().why.empty());
  agent.peer.reset();
  world.world.run_for(600ms);
  CHECK(agent.connections == 2);
}

TEST_CASE("a connection that ends before it has answered does not make the next one come sooner") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  for (int i = 0; i < 600; ++i) {
    world.world.run_for(100ms);
    agent.peer.reset();
  }
  CHECK(agent.connections >= 6);
  CHECK(agent.connections <= 8);
}

TEST_CASE("when too much is held the oldest goes, is counted and told") {
  World world;
  const auto link = world.make_link();
  const auto first = World::offer(*link, {reading(-1, -1)});
  std::size_t offered = 1;
  std::shared_ptr<Told> last;
  while (link->state().lost == 0) {
    std::vector<Measured> some;
    for (int i = 0; i < 100; ++i) some.push_back(reading(i, std::int64_t(offered) + i));
    offered += some.size();
    last = World::offer(*link, std::move(some));
    REQUIRE(link->state().held_bytes <= HeldLines::kBytesMax);
    REQUIRE(offered < 1'000'000);
  }
  world.world.run_for(1ms);
  CHECK(first->text() == to_string(Errc::kFull));
  CHECK(last->text() == "nothing");
  CHECK(link->state().lost + link->state().held == offered);
  CHECK(link->state().held_bytes > HeldLines::kBytesMax - 2 * 256 * 1024);
  CHECK(world.log.count_containing("the oldest are being lost") == 1);
}

TEST_CASE("what the agent has been sent and may still answer for is not shed") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const auto first = World::offer(*link, {reading(1, 1)});
  CHECK(agent.take() == "m,device=a v=1 1\n\n");
  std::size_t offered = 1;
  while (link->state().lost == 0) {
    std::vector<Measured> some;
    for (int i = 0; i < 100; ++i) some.push_back(reading(i, std::int64_t(offered) + i));
    offered += some.size();
    World::offer(*link, std::move(some));
    REQUIRE(offered < 1'000'000);
  }
  world.world.run_for(1ms);
  REQUIRE(first->text() == "nothing");
  agent.say("ok 1\n");
  CHECK(first->text() == "ok");
  CHECK(link->state().on_disk == 1);
  CHECK(link->state().on_disk + link->state().lost + link->state().held == offered);
}

TEST_CASE("an offer that takes half of the room is refused, and nothing is lost for it") {
  World world;
  const auto link = world.make_link();
  const auto first = World::offer(*link, {reading(-1, 1)});
  std::vector<Measured> many;
  for (int i = 0; i < 100'000; ++i) many.push_back(reading(i, i));
  many.front().key.measurement = "#";
  const auto told = World::offer(*link, std::move(many));
  world.world.run_for(1ms);
  CHECK(told->text() == to_string(Errc::kInvalid));
  CHECK(first->text() == "nothing");
  CHECK(link->state().lost == 0);
  CHECK(link->state().held == 1);
  CHECK(link->state().bad == 100'000);
  CHECK(world.log.count_containing("send less at once") == 1);
  many.clear();
  for (int i = 0; i < 10'000; ++i) many.push_back(reading(i, i));
  const auto fits = World::offer(*link, std::move(many));
  RealSocket agent(world);
  world.world.run_for(60s);
  CHECK(fits->text() == "ok");
  CHECK(link->state().on_disk == 10'001);
}

TEST_CASE("what the spool does not take is sent again after a pause, before what came later") {
  for (const char* what : {"spool is full: 1 bytes are held", "busy, send it again: too much"}) {
    INFO(what);
    World world;
    ScriptedAgent agent(world);
    const auto link = world.make_link();
    const auto first = World::offer(*link, {reading(1, 1)});
    world.world.run_for(150ms);
    const auto second = World::offer(*link, {reading(2, 2)});
    agent.take();
    agent.peer->send(fmt::format("error 0: {}\nok 0\nerror 0: {}\nok 0\n", what, what));
    const auto third = World::offer(*link, {reading(3, 3)});
    CHECK(agent.take().empty());
    CHECK(link->state().why.find(what) != std::string::npos);
    world.world.run_for(400ms);
    CHECK(agent.take() == "m,device=a v=1 1\n\nm,device=a v=2 2\n\nm,device=a v=3 3\n\n");
    CHECK(agent.say("ok 1\nok 1\nok 1\n").empty());
    CHECK(first->text() == "ok");
    CHECK(second->text() == "ok");
    CHECK(third->text() == "ok");
    CHECK(agent.connections == 1);
    CHECK(world.log.count(rt::LogLevel::kWarning) == 1);
  }
}

TEST_CASE("measurements that the agent has room for pass those that it has none for") {
  World world;
  FullAgent agent(world);
  world.log.keep_from(rt::LogLevel::kInfo);
  agent.full = {"cold"};
  const auto link = world.make_link();
  std::vector<std::shared_ptr<Told>> cold, warm, mixed;
  for (int i = 0; i < 200; ++i) {
    cold.push_back(World::offer(*link, {of("cold", i)}));
    warm.push_back(World::offer(*link, {of("warm", i), of("wet", i)}));
    mixed.push_back(World::offer(*link, {of("wet", 1000 + i), of("cold", 1000 + i)}));
    world.world.run_for(rt::Millis{(i * 37) % 150});
  }
  world.world.run_for(2s);
  CHECK(agent.stored["warm"].size() == 200);
  CHECK(agent.stored["wet"].size() == 400);
  CHECK_FALSE(agent.stored.contains("cold"));
  for (const auto& each : warm) CHECK(each->text() == "ok");
  for (const auto& each : cold) CHECK(each->text() == "nothing");
  CHECK(link->state().held == 400);
  CHECK(link->state().why.find("takes no readings of cold: spool is full") != std::string::npos);
  CHECK(world.log.count(rt::LogLevel::kWarning) == 1);
  CHECK(agent.refusals < 60);  // it is asked less and less often, and some batches at a time
  agent.full.clear();
  world.world.run_for(31s);
  CHECK(agent.stored["cold"].size() == 400);
  CHECK(agent.stored["wet"].size() == 400);
  for (const auto& each : cold) CHECK(each->text() == "ok");
  for (const auto& each : mixed) CHECK(each->text() == "ok");
  std::vector<std::string> in_order;
  for (int i = 0; i < 200; ++i) {
    in_order.push_back(std::to_string(i));
    in_order.push_back(std::to_string(1000 + i));
  }
  CHECK(agent.stored["cold"] == in_order);
  CHECK(agent.stored["wet"] == in_order);
  CHECK(link->state().why.empty());
  CHECK(link->state().held_bytes == 0);
  CHECK(world.log.count_containing("has room for all readings again") == 1);
  // Nothing goes apart any more.
  agent.batches.clear();
  World::offer(*link, {of("cold", 1), of("warm", 1)});
  world.world.run_for(1s);
  CHECK(agent.batches == std::vector<std::string>{"cold,device=a v=1 1\nwarm,device=a v=1 1\n"});
}

TEST_CASE("what a full class holds back is bounded, and costs the others nothing") {
  World world;
  FullAgent agent(world);
  agent.full = {"cold"};
  const auto link = world.make_link();
  int offered = 0, more = 0;
  for (; more < 10; ++offered) {
    REQUIRE(offered < 1000);
    if (link->state().lost > 0) more += 1;
    std::vector<Measured> some = {of("warm", offered)};
    for (int i = 0; i < 500; ++i) some.push_back(of("cold", i));
    World::offer(*link, std::move(some));
    world.world.run_for(200ms);
    REQUIRE(link->state().held_bytes <= HeldLines::kBytesMax);
  }
  world.world.run_for(1s);
  CHECK(agent.stored["warm"].size() == std::size_t(offered));
  CHECK(link->state().lost + link->state().held == std::size_t(offered) * 500);
  CHECK(world.log.count_containing("the oldest are being lost") == 1);
}

TEST_CASE("a bad line is gone, counted and in the log with what the agent says of it") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const auto good = World::offer(*link, {with_unit(reading(1, 1), "C")});
  const auto bad = World::offer(*link, {with_unit(reading(2, 2), "F"), reading(3, 3)});
  const auto last = World::offer(*link, {reading(4, 4)});
  CHECK(agent.take() ==
        "#unit m,device=a v C\nm,device=a v=1 1\n#unit m,device=a v F\nm,device=a v=2 2\n"
        "#unit m,device=a v \nm,device=a v=3 3\nm,device=a v=4 4\n\n");
  CHECK(agent.say("error 4: no good\nok 3\n").empty());
  CHECK(good->text() == "ok");
  CHECK(bad->text() == to_string(Errc::kInvalid));
  CHECK(bad->statuses.at(0).error().message == "a bad line to the agent: no good");
  CHECK(last->text() == "ok");
  CHECK(link->state().bad == 1);
  CHECK(link->state().on_disk == 3);
  CHECK(world.log.count_containing("no good") == 1);
}

TEST_CASE("of several bad lines all that may be gone are told so") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  std::vector<std::shared_ptr<Told>> told;
  for (int i = 0; i < 4; ++i) told.push_back(World::offer(*link, {reading(i, i)}));
  agent.take();
  agent.say("error 2: no good\nok 2\n");
  CHECK(told[0]->text() == "ok");
  for (std::size_t i = 1; i < 4; ++i) CHECK(told[i]->text() == to_string(Errc::kInvalid));
  CHECK(link->state().bad == 2);
  CHECK(link->state().held_bytes == 0);
}

TEST_CASE("a unit that the agent does not take loses no reading") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const auto told = World::offer(*link, {with_unit(reading(1, 1), "C")});
  agent.take();
  agent.say("error 1: more than 4096 units\nok 1\n");
  CHECK(told->text() == "ok");
  CHECK(link->state().bad == 0);
  CHECK(world.log.count_containing("more than 4096 units") == 1);
}

TEST_CASE("what no line can say never reaches the agent, and does not take others along") {
  World world;
  RealSocket agent(world);
  const auto link = world.make_link();
  const auto refused = [&](const Measured& bad) {
    const auto told = World::offer(*link, {bad, reading(1, 1)});
    world.world.run_for(1s);
    return told->text();
  };
  Measured bad = reading(std::numeric_limits<double>::quiet_NaN(), 1);
  CHECK(refused(bad) == to_string(Errc::kInvalid));
  bad = reading(0, 1);
  bad.value = DeviceValue::of(std::string("two\nlines"));
  CHECK(refused(bad) == to_string(Errc::kInvalid));
  bad.value = DeviceValue::of(std::string("\xff"));
  CHECK(refused(bad) == to_string(Errc::kInvalid));
  bad.value = DeviceValue::of(std::string(60'000, '"'));
  CHECK(refused(bad) == to_string(Errc::kInvalid));
  for (const char* name : {"", "#m", "\tm", "a\nb", "\xff"}) {
    INFO(name);
    bad = reading(0, 1);
    bad.key.measurement = name;
    CHECK(refused(bad) == to_string(Errc::kInvalid));
  }
  CHECK(link->state().bad == 9);
  CHECK(link->state().on_disk == 9);
  CHECK(agent.socket->health().errors == 0);
}

TEST_CASE("an offer of nothing is on disk, and one without a handler does no harm") {
  World world;
  RealSocket agent(world);
  const auto link = world.make_link();
  const auto told = World::offer(*link, {});
  CHECK(told->text() == "nothing");
  link->offer({reading(1, 1)}, {});
  world.world.run_for(1s);
  CHECK(told->text() == "ok");
  CHECK(link->state().on_disk == 1);
}

TEST_CASE("whoever does not answer as an agent does is left, and nothing is lost") {
  for (const std::string& answer :
       {std::string("hello\n"), std::string("ok x\n"), std::string("ok 1\nok 1\n"),
        std::string("error x: y\n"), std::string(AgentLink::kAnswerBytesMax + 1, 'x')}) {
    INFO(answer.substr(0, 20));
    World world;
    ScriptedAgent agent(world);
    const auto link = world.make_link();
    const auto first = World::offer(*link, {reading(1, 1)});
    agent.take();
    agent.say(answer);
    const auto second = World::offer(*link, {reading(2, 2)});
    world.world.run_for(1s);
    CHECK(agent.connections == 2);
    agent.peer->send(first->statuses.empty() ? "ok 1\nok 1\n" : "ok 1\n");
    world.world.run_for(100ms);
    CHECK(first->text() == "ok");
    CHECK(second->text() == "ok");
  }
}

TEST_CASE("half an answer goes with its connection, and is not held against the next one") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  const auto told = World::offer(*link, {reading(1, 1)});
  CHECK(agent.take() == "m,device=a v=1 1\n\n");
  agent.peer->send("error 0: busy, send it again: too much\n");
  agent.peer->close_after_send();
  world.world.run_for(1s);
  CHECK(agent.connections == 2);
  CHECK(agent.take() == "m,device=a v=1 1\n\n");
  CHECK(agent.say("error 1: no good\nok 0\n").empty());
  CHECK(told->text() == to_string(Errc::kInvalid));
  CHECK(link->state().bad == 1);
  CHECK(link->state().held == 0);
}

TEST_CASE("an agent with too many connections is asked again later") {
  World world;
  ScriptedAgent agent(world);
  const auto link = world.make_link();
  world.world.run_for(10ms);
  agent.peer->send("error 0: too many connections, 64 are open\n");
  agent.peer->close_after_send();
  world.world.run_for(100ms);
  CHECK(link->state().why.find("too many connections") != std::string::npos);
  world.world.run_for(1s);
  CHECK(agent.connections == 2);
}

TEST_CASE("over restarts of the agent each reading is stored once for its time") {
  World world;
  auto agent = std::make_unique<RealSocket>(world);
  const auto link = world.make_link();
  std::vector<std::shared_ptr<Told>> told;
  std::set<std::string> stored;
  for (int i = 0; i < 200; ++i) {
    told.push_back(World::offer(*link, {with_unit(reading(i, i), "C")}));
    world.world.run_for(rt::Millis{(i * 37) % 150});
    if (i % 20 == 19) {
      for (const auto& each : sim::readings_of(agent->intake.durable)) stored.insert(each);
      agent->socket.reset();
      agent->intake.durable.clear();
      world.world.run_for(300ms);
      agent->start();
    }
  }
  world.world.run_for(60s);
  for (const auto& each : sim::readings_of(agent->intake.durable)) stored.insert(each);
  CHECK(stored.size() == 200);
  for (const auto& each : told) CHECK(each->text() == "ok");
  CHECK(link->state().on_disk == 200);
}

TEST_CASE("a link that is dropped tells nobody any more") {
  World world;
  RealSocket agent(world);
  auto link = world.make_link();
  const auto empty = World::offer(*link, {});
  const auto told = World::offer(*link, {reading(1, 1)});
  link.reset();
  world.world.run_for(60s);
  CHECK(empty->text() == "nothing");
  CHECK(told->text() == "nothing");
}

}  // namespace fieldpost::test

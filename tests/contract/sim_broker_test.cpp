#include "tests/contract/mqtt_recorder.h"
#include "tests/contract/rigs.h"
#include "tests/support/sim/sim_log.h"

namespace fieldpost::test {
namespace {

using rt::Millis;
using rt::MqttMessage;
using rt::Seconds;
using sim::LinkState;

rt::MqttOptions options_of(const std::string& client_id) {
  rt::MqttOptions options;
  options.url = "mqtt://sim";
  options.client_id = client_id;
  options.will = MqttMessage{"will/" + client_id, "dead", true};
  return options;
}

/// A watcher of everything, and a sender in a process of its own.
struct Two {
  explicit Two(std::uint64_t seed = 1) : world(seed) {
    connect(watcher, "watcher");
    REQUIRE(watcher.mqtt->subscribe("#").has_value());
    connect(sender, "sender");
    world.run_for(Seconds{1});
  }
  void connect(MqttRecorder& client, const std::string& id) {
    client.mqtt->connect(options_of(id));
    REQUIRE(world.run_until([&] { return client.online; }, Seconds{60}));
  }
  /// Sends numbers, as fast as the window allows, reconnecting as often as needed.
  void send_numbers(int count) {
    for (int sent = 0; sent < count;) {
      if (!sender.online) connect(sender, "sender");
      if (sender.mqtt->publish({"n", std::to_string(sent), false})) sent += 1;
      world.run_for(Millis{5});
    }
    world.run_for(Seconds{30});
  }
  [[nodiscard]] std::vector<int> numbers() const {
    std::vector<int> all;
    for (const MqttMessage& message : watcher.messages) {
      if (message.topic == "n") all.push_back(std::stoi(message.payload));
    }
    return all;
  }

  sim::SimWorld world;
  sim::SimBroker broker{world};
  sim::SimLoop watcher_loop{world}, sender_loop{world};
  MqttRecorder watcher{std::make_unique<sim::SimMqtt>(watcher_loop, broker)};
  MqttRecorder sender{std::make_unique<sim::SimMqtt>(sender_loop, broker)};
};

TEST_CASE("in calm weather all numbers come once, in order") {
  Two two;
  two.send_numbers(300);
  std::vector<int> expected;
  for (int i = 0; i < 300; ++i) expected.push_back(i);
  CHECK(two.numbers() == expected);
  CHECK(two.sender.pubacks.size() == 300);
}

TEST_CASE("a link that loses does so after PUBACK, and says nothing") {
  Two two;
  two.broker.set_faults({.lose_pct = 20});
  two.send_numbers(300);
  CHECK(two.numbers().size() < 250);
  CHECK(two.numbers().size() > 100);
  CHECK(two.sender.pubacks.size() == 300);
  CHECK(two.sender.disconnects == 0);
  CHECK(two.broker.counts().lost > 50);
}

TEST_CASE("a link that duplicates delivers more than was sent") {
  Two two;
  two.broker.set_faults({.duplicate_pct = 20});
  two.send_numbers(300);
  CHECK(two.numbers().size() > 350);
}

TEST_CASE("a link that reorders delivers all, out of order") {
  Two two;
  two.broker.set_faults({.reorder_pct = 20});
  two.send_numbers(300);
  auto numbers = two.numbers();
  CHECK(numbers.size() == 300);
  CHECK_FALSE(std::is_sorted(numbers.begin(), numbers.end()));
}

TEST_CASE("a slow link delays") {
  Two two;
  two.broker.set_faults({.delay_least = Seconds{3}, .delay_most = Seconds{3}});
  REQUIRE(two.sender.mqtt->publish({"n", "1", false}).has_value());
  two.world.run_for(Millis{5900});
  CHECK(two.numbers().empty());
  two.world.run_for(Millis{200});
  CHECK(two.numbers().size() == 1);
}

TEST_CASE("a link that breaks is noticed on both sides: the sender's will is published") {
  Two two;
  two.broker.set_faults({.break_pct = 5});
  two.send_numbers(100);
  CHECK(two.sender.disconnects > 0);
  CHECK(two.broker.wills_published() > 0);
  CHECK(two.broker.retained("will/sender") == "dead");
}

TEST_CASE("a half-open link keeps messages back; healed in time, nothing is lost") {
  Two two;
  two.broker.set_link("sender", LinkState::kHalfOpen);
  REQUIRE(two.sender.mqtt->publish({"n", "1", false}).has_value());
  two.world.run_for(Seconds{20});  // below 1.5 keepalives
  CHECK(two.numbers().empty());
  two.broker.set_link("sender", LinkState::kUp);
  two.world.run_for(Seconds{1});
  CHECK(two.numbers().size() == 1);
  two.world.run_for(Seconds{100});
  CHECK(two.sender.disconnects == 0);
}

TEST_CASE(
    "a link that stays half-open is noticed by keepalive on both sides, and its messages lost") {
  Two two;
  two.broker.set_link("sender", LinkState::kHalfOpen);
  REQUIRE(two.sender.mqtt->publish({"n", "1", false}).has_value());
  two.world.run_for(Seconds{23});
  CHECK(two.broker.wills_published() == 1);
  CHECK_FALSE(two.broker.connected("sender"));
  two.world.run_for(Seconds{15});
  CHECK(two.sender.disconnects == 1);
  two.sender.mqtt->connect(options_of("sender"));
  two.world.run_for(Seconds{11});
  CHECK(two.sender.disconnects == 2);
  CHECK(two.sender.why == "connecting timed out");
  two.broker.set_link("sender", LinkState::kUp);
  two.connect(two.sender, "sender");
  two.world.run_for(Seconds{100});
  CHECK(two.numbers().empty());
  CHECK(two.broker.connected("sender"));
  CHECK(two.sender.online);
  CHECK(two.broker.wills_published() == 1);
}

TEST_CASE("a reset link breaks at once and refuses until it is up") {
  Two two;
  two.broker.set_link("sender", LinkState::kReset);
  two.world.run_for(Seconds{1});
  CHECK(two.sender.disconnects == 1);
  CHECK(two.broker.wills_published() == 1);
  two.sender.mqtt->connect(options_of("sender"));
  two.world.run_for(Seconds{1});
  CHECK(two.sender.why == "connection refused");
  two.broker.calm();
  two.connect(two.sender, "sender");
  CHECK(two.watcher.disconnects == 0);
}

TEST_CASE("a crashed broker publishes no wills; what it retained is kept or wiped") {
  for (const auto retained : {sim::Retained::kKept, sim::Retained::kWiped}) {
    Two two;
    REQUIRE(two.sender.mqtt->publish({"state", "alive", true}).has_value());
    two.world.run_for(Seconds{1});
    two.broker.crash(retained);
    two.world.run_for(Seconds{1});
    CHECK(two.sender.disconnects == 1);
    CHECK(two.watcher.disconnects == 1);
    CHECK(two.broker.wills_published() == 0);
    two.broker.start();
    CHECK(two.broker.retained("state").has_value() == (retained == sim::Retained::kKept));
  }
}

TEST_CASE("a killed process leaves its will at once, one that lost power by keepalive") {
  Two killed;
  killed.sender_loop.kill();
  killed.sender.mqtt.reset();
  killed.world.run_for(Seconds{1});
  CHECK(killed.watcher.got("will/sender", "dead"));
  Two powerless;
  powerless.broker.lose_power("sender");
  powerless.sender_loop.kill();
  powerless.sender.mqtt.reset();
  powerless.world.run_for(Seconds{20});
  CHECK(powerless.broker.connected("sender"));
  powerless.world.run_for(Seconds{5});
  CHECK(powerless.watcher.got("will/sender", "dead"));
}

TEST_CASE("nothing of a killed daemon happens any more: timers, posts, jobs, messages") {
  Two two;
  int happened = 0;
  sim::SimWorker worker(two.watcher_loop, two.world.dice("worker"));
  two.watcher_loop.after(Seconds{1}, [&] { happened += 1; });
  two.watcher_loop.post([&] { happened += 1; });
  worker.run([&] { happened += 1; }, [&] { happened += 1; });
  REQUIRE(two.sender.mqtt->publish({"n", "1", false}).has_value());
  two.watcher_loop.kill();
  two.watcher_loop.post([&] { happened += 1; });
  two.world.run_for(Seconds{60});
  CHECK(happened == 0);
  CHECK(two.numbers().empty());
  CHECK(two.sender.pubacks.size() == 1);
}

TEST_CASE("a job of a killed daemon may have happened without its done, or not at all") {
  int happened = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    sim::SimWorld world(seed);
    sim::SimLoop loop(world);
    sim::SimWorker worker(loop, world.dice("worker"));
    worker.run([&] { happened += 1; }, [] { FAIL("killed before"); });
    world.schedule(std::chrono::microseconds{500}, [&] { loop.kill(); });
    worker.set_delays({.job_most = Seconds{1}, .done_most = Seconds{1}});
    world.run_for(Seconds{10});
  }
  CHECK(happened > 0);
  CHECK(happened < 50);
}

TEST_CASE("a tap sees what the broker takes and may swallow it") {
  Two two;
  std::string seen;
  two.broker.set_tap([&](const std::string& client, const MqttMessage& message) {
    seen = client + " " + message.payload;
    return false;
  });
  REQUIRE(two.sender.mqtt->publish({"n", "1", false}).has_value());
  two.world.run_for(Seconds{1});
  CHECK(seen == "sender 1");
  CHECK(two.numbers().empty());
  two.broker.set_tap(nullptr);
  two.broker.inject({"n", "2", false});
  two.world.run_for(Seconds{1});
  CHECK(two.numbers() == std::vector{2});
}

TEST_CASE("filters match as MQTT says") {
  CHECK(sim::filter_matches("a/b", "a/b"));
  CHECK_FALSE(sim::filter_matches("a/b", "a/b/c"));
  CHECK_FALSE(sim::filter_matches("a/b/c", "a/b"));
  CHECK(sim::filter_matches("a/+/c", "a/b/c"));
  CHECK_FALSE(sim::filter_matches("a/+", "a/b/c"));
  CHECK(sim::filter_matches("a/#", "a/b/c"));
  CHECK(sim::filter_matches("a/#", "a"));
  CHECK_FALSE(sim::filter_matches("a/#", "ab"));
  CHECK(sim::filter_matches("+/+", "/b"));
  CHECK_FALSE(sim::filter_matches("#", "$SYS/x"));
}

std::uint64_t trace_of(std::uint64_t seed) {
  Two two(seed);
  sim::SimLog log(two.world, "test");
  two.world.set_jitter(Millis{3});
  two.broker.set_faults({.lose_pct = 5, .duplicate_pct = 5, .reorder_pct = 5, .break_pct = 2});
  two.send_numbers(50);
  log.info("received {}", two.numbers().size());
  return two.world.trace_hash();
}

TEST_CASE("the same seed gives the same trace, another seed another") {
  CHECK(trace_of(7) == trace_of(7));
  CHECK(trace_of(7) != trace_of(8));
}

TEST_CASE("a stream of chance is never given twice, and the same in each run") {
  sim::SimWorld world(3);
  sim::SimWorld again(3);
  auto first = world.dice("agent");
  auto second = world.dice("agent");
  CHECK(first.next() != second.next());
  auto repeated = again.dice("agent");
  auto fresh = sim::SimWorld(3).dice("agent");
  CHECK(repeated.next() == fresh.next());
}

}  // namespace
}  // namespace fieldpost::test

#include <fstream>

#include "proto/rt/mqtt_window.h"
#include "tests/contract/mqtt_recorder.h"
#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

using rt::Errc;
using rt::MqttMessage;
using rt::Seconds;

template <typename Rig>
rt::MqttOptions options_of(const Rig& rig, const std::string& client_id) {
  rt::MqttOptions options;
  options.url = rig.url();
  options.client_id = client_id;
  options.keepalive = Seconds{2};
  options.connect_timeout = Seconds{3};
  return options;
}

template <typename Rig>
void connect(Rig& rig, MqttRecorder& client, const std::string& client_id) {
  client.mqtt->connect(options_of(rig, client_id));
  REQUIRE(rig.run_until([&] { return client.online; }));
}

/// Tries again as often as it fails: a broker that just came back may first end what it had.
template <typename Rig>
void reconnect(Rig& rig, MqttRecorder& client, const std::string& client_id) {
  auto failed = client.disconnects;
  client.mqtt->connect(options_of(rig, client_id));
  REQUIRE(rig.run_until([&] {
    if (std::exchange(failed, client.disconnects) != client.disconnects) {
      client.mqtt->connect(options_of(rig, client_id));
    }
    return client.online;
  }));
}

template <typename Rig>
void publish(Rig& rig, MqttRecorder& client, const MqttMessage& message) {
  const auto token = client.mqtt->publish(message);
  REQUIRE(token.has_value());
  REQUIRE(
      rig.run_until([&] { return !client.pubacks.empty() && client.pubacks.back() == *token; }));
}

template <typename Rig>
void subscribe(Rig& rig, MqttRecorder& client, const std::string& filter) {
  REQUIRE(client.mqtt->subscribe(filter).has_value());
  // A message through the broker and back proves that the subscription stands.
  REQUIRE(client.mqtt->subscribe("probe/+").has_value());
  publish(rig, client, {"probe/x", "", false});
  REQUIRE(rig.run_until([&] { return client.got("probe/x", ""); }));
  client.messages.clear();
}

TEST_CASE_TEMPLATE("a client connects, hears the receive maximum, publishes and gets its PUBACK",
                   Rig, RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  CHECK(client.receive_maximum == 20);  // mosquitto's default
  publish(rig, client, {"a/b", "payload", false});
  CHECK(client.pubacks.size() == 1);
  CHECK(client.disconnects == 0);
}

TEST_CASE_TEMPLATE("messages come by filter, in order, also empty and large ones", Rig, RealMqttRig,
                   SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  subscribe(rig, client, "a/+/c");
  const std::string large(256 * 1024, '\xff');
  for (const auto& payload : {std::string("first"), std::string(), large}) {
    publish(rig, client, {"a/b/c", payload, false});
  }
  publish(rig, client, {"a/b/d", "not for us", false});
  REQUIRE(rig.run_until([&] { return client.messages.size() == 3; }));
  CHECK(client.messages[0].payload == "first");
  CHECK(client.messages[1].payload.empty());
  CHECK(client.messages[2].payload == large);
  CHECK_FALSE(client.messages[0].retain);
}

TEST_CASE_TEMPLATE("a retained message awaits the subscriber, until an empty one clears it", Rig,
                   RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  publish(rig, client, {"state/x", "alive", true});
  publish(rig, client, {"state/y", "alive", true});
  publish(rig, client, {"state/y", "", true});
  REQUIRE(client.mqtt->subscribe("state/#").has_value());
  REQUIRE(rig.run_until([&] { return !client.messages.empty(); }));
  publish(rig, client, {"state/z", "now", false});
  REQUIRE(rig.run_until([&] { return client.got("state/z", "now"); }));
  REQUIRE(client.messages.size() == 2);
  CHECK(client.messages[0].topic == "state/x");
  CHECK(client.messages[0].payload == "alive");
  CHECK(client.messages[0].retain);
}

TEST_CASE_TEMPLATE(
    "who connects under a name takes it over, and the will of the other is published", Rig,
    RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder watcher(rig.make_client());
  connect(rig, watcher, "watcher");
  subscribe(rig, watcher, "will");
  MqttRecorder first(rig.make_client());
  MqttRecorder second(rig.make_client());
  auto options = options_of(rig, "same");
  options.will = MqttMessage{"will", "dead", true};
  first.mqtt->connect(options);
  REQUIRE(rig.run_until([&] { return first.online; }));
  second.mqtt->connect(options_of(rig, "same"));
  CHECK(rig.run_until([&] { return second.online && !first.online; }));
  CHECK(rig.run_until([&] { return watcher.got("will", "dead"); }));
  CHECK(first.disconnects == 1);
  CHECK_FALSE(first.why.empty());
}

TEST_CASE_TEMPLATE("a goodbye leaves no will behind and calls nothing", Rig, RealMqttRig,
                   SimMqttRig) {
  Rig rig;
  MqttRecorder watcher(rig.make_client());
  connect(rig, watcher, "watcher");
  subscribe(rig, watcher, "will/#");
  MqttRecorder leaver(rig.make_client());
  auto options = options_of(rig, "leaver");
  options.will = MqttMessage{"will/leaver", "dead", false};
  leaver.mqtt->connect(options);
  REQUIRE(rig.run_until([&] { return leaver.online; }));
  leaver.mqtt->disconnect();
  CHECK(leaver.mqtt->publish({"a", "b", false}).error().code == Errc::kUnavailable);
  // Coming back at once is allowed; it waits until the goodbye is said.
  leaver.mqtt->connect(options);
  REQUIRE(rig.run_until([&] { return leaver.connects == 2; }));
  leaver.mqtt.reset();  // is a goodbye too
  publish(rig, watcher, {"will/none", "probe", false});
  REQUIRE(rig.run_until([&] { return watcher.got("will/none", "probe"); }));
  CHECK(leaver.disconnects == 0);
  CHECK_FALSE(watcher.got("will/leaver", "dead"));
}

TEST_CASE_TEMPLATE("a refused connection is reported, and a later one succeeds", Rig, RealMqttRig,
                   SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  rig.stop_broker();
  client.mqtt->connect(options_of(rig, "one"));
  REQUIRE(rig.run_until([&] { return client.disconnects == 1; }));
  CHECK_FALSE(client.why.empty());
  CHECK(client.connects == 0);
  CHECK(client.mqtt->publish({"a", "b", false}).error().code == Errc::kUnavailable);
  CHECK(client.mqtt->subscribe("a").error().code == Errc::kUnavailable);
  rig.start_broker();
  connect(rig, client, "one");
  publish(rig, client, {"a", "b", false});
  CHECK(client.disconnects == 1);
}

TEST_CASE_TEMPLATE(
    "a broker that restarts is noticed; what it retained and our new connection stand", Rig,
    RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  publish(rig, client, {"state/x", "alive", true});
  rig.stop_broker();
  REQUIRE(rig.run_until([&] { return client.disconnects == 1; }));
  rig.start_broker();
  connect(rig, client, "one");
  REQUIRE(client.mqtt->subscribe("state/#").has_value());
  CHECK(rig.run_until([&] { return client.got("state/x", "alive"); }));
  publish(rig, client, {"a", "b", false});
  CHECK(client.connects == 2);
  CHECK(client.disconnects == 1);
}

TEST_CASE_TEMPLATE("a frozen broker is noticed, connecting to it times out, thawed it is as before",
                   Rig, RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  rig.freeze_broker();
  REQUIRE(rig.run_until([&] { return client.disconnects == 1; }));
  client.mqtt->connect(options_of(rig, "one"));
  REQUIRE(rig.run_until([&] { return client.disconnects == 2; }));
  CHECK(client.connects == 1);
  rig.thaw_broker();
  reconnect(rig, client, "one");
  publish(rig, client, {"a", "b", false});
}

TEST_CASE_TEMPLATE("the window bounds bytes and messages in flight, and opens as PUBACKs come", Rig,
                   RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  const std::string large(rt::kMqttWindowBytes / 4, 'x');
  std::size_t sent = 0;
  while (client.mqtt->publish({"large", large, false})) sent += 1;
  CHECK(sent == 3);  // the topics count too
  CHECK(client.mqtt->publish({"large", large, false}).error().code == Errc::kBusy);
  REQUIRE(rig.run_until([&] { return client.pubacks.size() == sent; }));
  sent = 0;
  while (client.mqtt->publish({"small", "x", false})) sent += 1;
  CHECK(sent == rt::kMqttWindowCount);
  REQUIRE(rig.run_until([&] { return client.pubacks.size() == 3 + sent; }));
  publish(rig, client, {"again", "x", false});
}

TEST_CASE_TEMPLATE("a window that was full is open on the next connection", Rig, RealMqttRig,
                   SimMqttRig) {
  Rig rig;
  MqttRecorder client(rig.make_client());
  connect(rig, client, "one");
  rig.freeze_broker();
  while (client.mqtt->publish({"small", "x", false})) {
  }
  REQUIRE(rig.run_until([&] { return client.disconnects == 1; }));
  rig.thaw_broker();
  reconnect(rig, client, "one");
  client.pubacks.clear();
  publish(rig, client, {"a", "b", false});
  CHECK(client.pubacks.size() == 1);  // and none of the old connection
}

TEST_CASE_TEMPLATE("a client may be dropped in any state", Rig, RealMqttRig, SimMqttRig) {
  Rig rig;
  MqttRecorder connecting(rig.make_client());
  connecting.mqtt->connect(options_of(rig, "connecting"));
  connecting.mqtt.reset();
  MqttRecorder frozen(rig.make_client());
  connect(rig, frozen, "frozen");
  rig.freeze_broker();
  frozen.mqtt.reset();
  rig.thaw_broker();
  MqttRecorder idle(rig.make_client());
  idle.mqtt.reset();
  CHECK(connecting.connects + connecting.disconnects == 0);
}

TEST_CASE("a publish that the real broker does not permit ends the connection, with the reason") {
  RealRig rig;
  const TempDirectory directory;
  std::ofstream(directory.file("acl")) << "topic readwrite open/#\n";
  MosquittoProcess broker(
      {.persistence = false, .extra_config = "acl_file " + directory.file("acl")});
  MqttRecorder client(std::make_unique<rt::PahoMqtt>(rig.loop));
  rt::MqttOptions options;
  options.url = broker.url();
  options.client_id = "one";
  client.mqtt->connect(options);
  REQUIRE(rig.run_until([&] { return client.online; }));
  REQUIRE(client.mqtt->publish({"forbidden", "x", false}).has_value());
  CHECK(rig.run_until([&] { return client.disconnects == 1; }));
  CHECK(client.why.find("refused") != std::string::npos);
  CHECK(client.pubacks.empty());
  client.mqtt->connect(options);
  REQUIRE(rig.run_until([&] { return client.online; }));
  publish(rig, client, {"open/x", "x", false});
  CHECK(client.disconnects == 1);
}

}  // namespace
}  // namespace fieldpost::test

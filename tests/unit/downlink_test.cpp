#include "coordinator/ingest/downlink.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace fieldpost::coordinator {
namespace {

/// Takes messages until its window is full.
class NarrowMqtt final : public rt::Mqtt {
 public:
  void set_handlers(rt::MqttHandlers) override {}
  void connect(const rt::MqttOptions&) override {}
  void disconnect() override {}
  rt::Result<std::uint64_t> publish(rt::MqttMessage message) override {
    if (!connected) return rt::Error{rt::Errc::kUnavailable, "not connected"};
    if (room == 0) return rt::Error{rt::Errc::kBusy, "the window is full"};
    room -= 1;
    sent.push_back(message.topic);
    return sent.size();
  }
  rt::Status subscribe(const std::string&) override { return rt::ok(); }

  bool connected = true;
  int room = 0;
  std::vector<std::string> sent;
};

TEST_CASE("what the window has no room for goes out later, in order and once") {
  NarrowMqtt mqtt;
  Downlink downlink(mqtt);
  mqtt.room = 1;
  for (const char* topic : {"a", "b", "c"}) CHECK(downlink.send({topic, "", false}).has_value());
  CHECK(mqtt.sent == std::vector<std::string>{"a"});
  mqtt.room = 1;
  CHECK(downlink.send({"d", "", false}).has_value());  // does not overtake
  CHECK(mqtt.sent == std::vector<std::string>{"a", "b"});
  mqtt.room = 5;
  downlink.pump();
  CHECK(mqtt.sent == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(downlink.waiting() == 0);
}

TEST_CASE("more than the bound is refused, and there is room again when some has left") {
  NarrowMqtt mqtt;
  Downlink downlink(mqtt);
  const std::string half(Downlink::kBytesMax / 2 - 1, 'x');
  CHECK(downlink.send({"a", half, false}).has_value());
  CHECK(downlink.send({"b", half, false}).has_value());
  CHECK(downlink.send({"c", "x", false}).error().code == rt::Errc::kFull);
  mqtt.room = 1;
  downlink.pump();
  CHECK(downlink.send({"d", "x", false}).has_value());
}

TEST_CASE("without a connection nothing is kept") {
  NarrowMqtt mqtt;
  Downlink downlink(mqtt);
  CHECK(downlink.send({"a", "", false}).has_value());
  downlink.clear();
  mqtt.connected = false;
  CHECK(downlink.send({"b", "", false}).error().code == rt::Errc::kUnavailable);
  mqtt.connected = true;
  mqtt.room = 5;
  downlink.pump();
  CHECK(mqtt.sent.empty());
}

}  // namespace
}  // namespace fieldpost::coordinator

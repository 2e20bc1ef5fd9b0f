#include "proto/rt/mqtt_inbox.h"

#include <doctest/doctest.h>

#include "proto/rt/mqtt_window.h"

namespace fieldpost::rt {
namespace {

MqttEvent message_of(std::size_t bytes) {
  return {.kind = MqttEvent::Kind::kMessage,
          .number = 0,
          .why = {},
          .message = {"t", std::string(bytes, 'x'), false}};
}

TEST_CASE("a burst wakes the loop once, and again after it was taken") {
  int wakes = 0;
  bool more = false;
  MqttInbox inbox([&] { wakes += 1; });
  for (int i = 0; i < 10; ++i) inbox.offer(message_of(1));
  CHECK(wakes == 1);
  CHECK(inbox.take(4, more).size() == 4);
  CHECK(more);
  inbox.offer(message_of(1));
  CHECK(wakes == 1);  // the taker comes back by itself
  CHECK(inbox.take(100, more).size() == 7);
  CHECK_FALSE(more);
  inbox.offer(message_of(1));
  CHECK(wakes == 2);
}

TEST_CASE("messages above the inbox's bytes are dropped and counted, what matters is not") {
  bool more = false;
  MqttInbox inbox([] {});
  const std::size_t fit = kMqttInboxBytesMax / (1 << 20);
  for (std::size_t i = 0; i < fit; ++i) inbox.offer(message_of((1 << 20) - 1));
  CHECK(inbox.dropped() == 0);
  inbox.offer(message_of(0));
  CHECK(inbox.dropped() == 1);
  inbox.offer({.kind = MqttEvent::Kind::kLost, .number = 0, .why = "gone", .message = {}});
  CHECK(inbox.take(fit, more).size() == fit);
  CHECK(inbox.take(fit, more).front().why == "gone");
  inbox.offer(message_of(1));
  CHECK(inbox.take(fit, more).size() == 1);
}

TEST_CASE("messages above the inbox's count are dropped and counted") {
  MqttInbox inbox([] {});
  for (std::size_t i = 0; i < kMqttInboxCountMax + 3; ++i) inbox.offer(message_of(0));
  CHECK(inbox.dropped() == 3);
}

TEST_CASE("a closed inbox takes nothing and wakes nobody") {
  bool more = false;
  int wakes = 0;
  MqttInbox inbox([&] { wakes += 1; });
  inbox.close();
  inbox.offer(message_of(1));
  CHECK(inbox.take(1, more).empty());
  CHECK(wakes == 0);
}

TEST_CASE("the window honours the receive maximum, and lets a message above its bytes go alone") {
  MqttWindow window;
  CHECK_FALSE(window.try_take(1));
  window.open(2);
  CHECK(window.try_take(1));
  CHECK(window.try_take(1));
  CHECK_FALSE(window.try_take(1));
  window.give_back(1);
  CHECK_FALSE(window.try_take(kMqttWindowBytes));
  window.give_back(1);
  CHECK(window.try_take(kMqttWindowBytes + 1));
  CHECK_FALSE(window.try_take(1));
}

}  // namespace
}  // namespace fieldpost::rt

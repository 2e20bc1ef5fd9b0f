#pragma once

#include <cstdint>
#include <deque>

#include "proto/rt/mqtt.h"

namespace fieldpost::coordinator {

/// What the coordinator says, in order: what the broker's window has no room for waits here. After
/// a broken connection every node comes back at once and wants an answer. Loop thread.
class Downlink {
 public:
  static constexpr std::size_t kBytesMax = 32 << 20;

  explicit Downlink(rt::Mqtt& mqtt) : mqtt_(mqtt) {}

  /// kUnavailable: not connected. kFull: too much waits already; the message is dropped, and the
  /// node that it was for asks again.
  rt::Status send(rt::MqttMessage message);
  /// Says what the broker's window has room for: at each PUBACK, and now and then, since a window
  /// with nothing under way brings none.
  void pump();
  void clear();  ///< the connection is gone, and what was to be said with it
  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }

 private:
  [[nodiscard]] static std::size_t size_of(const rt::MqttMessage& message) {
    return message.topic.size() + message.payload.size();
  }

  rt::Mqtt& mqtt_;
  std::deque<rt::MqttMessage> queue_;
  std::size_t bytes_ = 0;
};

}  // namespace fieldpost::coordinator

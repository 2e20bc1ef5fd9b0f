#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "proto/rt/mqtt.h"

namespace fieldpost::rt {

inline constexpr std::size_t kMqttInboxBytesMax = 16 << 20;
inline constexpr std::size_t kMqttInboxCountMax = 10'000;

/// What Paho's thread has to say.
struct MqttEvent {
  enum class Kind : std::uint8_t {
    kConnected,      ///< number: receive maximum
    kConnectFailed,  ///< why
    kLost,           ///< why
    kLeft,           ///< our own goodbye is said
    kMessage,        ///< message
    kTaken,          ///< number: token
    kRefused,        ///< why; the broker refuses a publish or a subscription
  };
  Kind kind = Kind::kLost;
  std::uint64_t number = 0;
  std::string why;
  MqttMessage message;
};

/// The door between Paho's thread and the loop. Messages above the bounds are dropped and counted:
/// whoever sent them sends again, since nothing was acknowledged (A5). Other events are few.
class MqttInbox {
 public:
  /// `wake` is called on the offering thread, once for a burst.
  explicit MqttInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void offer(MqttEvent event) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      if (event.kind == MqttEvent::Kind::kMessage && !has_room(event)) {
        dropped_ += 1;
        return;
      }
      bytes_ += size_of(event);
      events_.push_back(std::move(event));
      if (std::exchange(woken_, true)) return;
    }
    wake_();
  }

  /// At most `count_max` events, oldest first. `more` says that some are left; then the taker
  /// comes back by itself.
  std::deque<MqttEvent> take(std::size_t count_max, bool& more) {
    const std::lock_guard lock(mutex_);
    std::deque<MqttEvent> taken;
    while (!events_.empty() && taken.size() < count_max) {
      bytes_ -= size_of(events_.front());
      taken.push_back(std::move(events_.front()));
      events_.pop_front();
    }
    more = woken_ = !events_.empty();
    return taken;
  }

  void close() {  ///< later offers are ignored
    const std::lock_guard lock(mutex_);
    closed_ = true;
    events_.clear();
  }

  [[nodiscard]] std::uint64_t dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }

 private:
  static std::size_t size_of(const MqttEvent& event) {
    return event.message.topic.size() + event.message.payload.size();
  }
  [[nodiscard]] bool has_room(const MqttEvent& event) const {
    return events_.size() < kMqttInboxCountMax && bytes_ + size_of(event) <= kMqttInboxBytesMax;
  }

  std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<MqttEvent> events_;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool woken_ = false;
  bool closed_ = false;
};

}  // namespace fieldpost::rt

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace fieldpost::rt {

/// Bytes published and not yet taken by the broker. Above the socket's buffer Paho goes on only at
/// its next one-second poll, so the bound is well below 4 MiB.
inline constexpr std::size_t kMqttWindowBytes = 3 << 19;  // 1.5 MiB
inline constexpr std::size_t kMqttWindowCount = 20;

/// What one connection may have in flight. A message above the byte bound goes alone.
class MqttWindow {
 public:
  /// A fresh connection: nothing in flight; the broker's receive maximum is honoured.
  void open(std::uint16_t receive_maximum) {
    bytes_ = count_ = 0;
    count_max_ = std::min<std::size_t>(kMqttWindowCount, receive_maximum);
  }
  [[nodiscard]] bool try_take(std::size_t bytes) {
    if (count_ >= count_max_ || (count_ > 0 && bytes_ + bytes > kMqttWindowBytes)) return false;
    count_ += 1;
    bytes_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) {
    count_ -= 1;
    bytes_ -= bytes;
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::size_t count_max_ = 0;
};

}  // namespace fieldpost::rt

#pragma once

#include <algorithm>
#include <utility>

#include "proto/rt/time.h"

namespace fieldpost::bridge {

/// How long to wait before a port is tried again: twice as long each time.
class RetryPause {
 public:
  static constexpr rt::Nanos kFirst = rt::Millis(500);
  static constexpr rt::Nanos kMost = rt::Seconds(10);

  [[nodiscard]] rt::Nanos take() { return std::exchange(next_, std::min(next_ * 2, kMost)); }
  void reset() { next_ = kFirst; }

 private:
  rt::Nanos next_ = kFirst;
};

}  // namespace fieldpost::bridge

#pragma once

#include <algorithm>
#include <utility>

#include "proto/rt/random.h"
#include "proto/rt/time.h"

namespace fieldpost::agent {

/// Waits that double up to a bound, each shortened by up to a half so that nodes do not come back
/// all at once.
class Backoff {
 public:
  Backoff(rt::Nanos first, rt::Nanos most, rt::Random& random)
      : first_(first), most_(most), next_(first), random_(random) {}
  rt::Nanos take() {
    const rt::Nanos wait = std::exchange(next_, std::min(next_ * 2, most_));
    const auto jitter = static_cast<std::int64_t>(random_.next_id() % 512);
    return wait - wait * jitter / 1024;
  }
  void reset() { next_ = first_; }

 private:
  rt::Nanos first_, most_, next_;
  rt::Random& random_;
};

}  // namespace fieldpost::agent

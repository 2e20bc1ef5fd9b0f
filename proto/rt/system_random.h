#pragma once

#include "proto/rt/random.h"

namespace fieldpost::rt {

/// The kernel's generator. Any thread.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace fieldpost::rt

#pragma once

#include "proto/rt/random.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::sim {

/// Random bytes out of the seed. Give each process life a stream of its own (SimWorld::dice does),
/// or a restarted daemon draws the ids of its former life again.
class SimRandom final : public rt::Random {
 public:
  explicit SimRandom(Dice dice) : dice_(dice) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(dice_.next() >> 56U);
  }

 private:
  Dice dice_;
};

}  // namespace fieldpost::sim

#include "tests/support/sim/dice.h"

#include <bit>

#include "proto/rt/result.h"

namespace fieldpost::sim {

std::uint64_t fold(std::uint64_t hash, std::string_view bytes) {
  for (const char byte : bytes) {
    hash ^= static_cast<std::uint8_t>(byte);
    hash *= 0x100000001b3U;
  }
  return hash;
}

Dice::Dice(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    word = mixed ^ (mixed >> 31U);
  }
}

std::uint64_t Dice::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Dice::below(std::uint64_t bound) {
  FP_CHECK(bound > 0);
  const std::uint64_t biased = (0 - bound) % bound;  // draws below this would favour small results
  for (;;) {
    if (const std::uint64_t drawn = next(); drawn >= biased) return drawn % bound;
  }
}

std::uint64_t Dice::between(std::uint64_t least, std::uint64_t most) {
  FP_CHECK(least <= most);
  const std::uint64_t span = most - least;
  return span == UINT64_MAX ? next() : least + below(span + 1);
}

rt::Nanos Dice::between(rt::Nanos least, rt::Nanos most) {
  FP_CHECK(least <= most);
  return least + rt::Nanos{below(static_cast<std::uint64_t>((most - least).count()) + 1)};
}

}  // namespace fieldpost::sim

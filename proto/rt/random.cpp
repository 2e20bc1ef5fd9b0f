#include "proto/rt/random.h"

#include <array>
#include <bit>

namespace fieldpost::rt {

std::uint64_t Random::next_id() {
  for (;;) {
    std::array<std::uint8_t, 8> bytes{};
    fill(bytes);
    if (const auto id = std::bit_cast<std::uint64_t>(bytes); id != 0) return id;
  }
}

}  // namespace fieldpost::rt

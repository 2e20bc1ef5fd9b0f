#pragma once

#include <cstdint>
#include <span>

namespace fieldpost::rt {

/// Random bytes from the operating system's generator (or from the simulation's seed).
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;
  /// Never zero, so that zero can mean "none".
  [[nodiscard]] std::uint64_t next_id();
};

}  // namespace fieldpost::rt

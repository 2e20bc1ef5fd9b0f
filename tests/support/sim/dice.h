#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "proto/rt/time.h"

namespace fieldpost::sim {

/// FNV-1a over bytes; the hash of traces and of names.
[[nodiscard]] std::uint64_t fold(std::uint64_t hash, std::string_view bytes);
inline constexpr std::uint64_t kFoldStart = 0xcbf29ce484222325U;

/// A stream of chance (xoshiro256**, seeded by splitmix64). The same on every machine and
/// compiler, which the standard library's distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed);
  [[nodiscard]] std::uint64_t next();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);  ///< 0 … bound - 1; bound > 0
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most);  ///< both included
  [[nodiscard]] rt::Nanos between(rt::Nanos least, rt::Nanos most);              ///< both included
  [[nodiscard]] bool chance(int percent) { return below(100) < static_cast<unsigned>(percent); }
  /// A stream of its own, so that draws here and there do not disturb each other.
  [[nodiscard]] Dice fork() { return Dice(next()); }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace fieldpost::sim

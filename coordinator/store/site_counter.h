#pragma once

#include <algorithm>
#include <cstdint>

#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// The largest ordinal or command id that is taken from a node's word: a corrupt or hostile one
/// must not use the counter up. SQLite's integers reach twice as far.
inline constexpr std::uint64_t kToldNumberMax = 1ull << 62;

/// What comes after `last` in a counter that is never behind the clock in ms since 1970 ([name-5],
/// [cmd-1]): a store that was set back does not give a number twice, and a clock that was wrong
/// does not make it go back.
[[nodiscard]] inline std::uint64_t next_number(std::uint64_t last, rt::UnixTime now) {
  const std::int64_t ms = std::max<std::int64_t>(now.ns / 1'000'000, 0);
  return std::max(last + 1, static_cast<std::uint64_t>(ms));
}

}  // namespace fieldpost::coordinator

#pragma once

#include <array>
#include <cstdint>

#include "proto/rt/time.h"

namespace fieldpost::rt {

using BootId = std::array<std::uint8_t, 16>;  ///< random, new at each boot of the kernel

/// Wall clock and the facts about it. Any thread.
class WallClock {
 public:
  virtual ~WallClock() = default;
  [[nodiscard]] virtual UnixTime now() const = 0;
  /// Whether the kernel calls the clock synchronised (adjtimex without STA_UNSYNC).
  [[nodiscard]] virtual bool synchronised() const = 0;
  [[nodiscard]] virtual BootId boot_id() const = 0;
};

}  // namespace fieldpost::rt

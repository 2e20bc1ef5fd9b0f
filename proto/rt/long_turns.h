#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/rt/time.h"

namespace fieldpost::rt {

/// What the log says of turns of the loop that took long (A7): a line a minute at most, with their
/// number and the longest of them. Plain state; loop thread.
class LongTurns {
 public:
  static constexpr Seconds kReportEvery{60};

  /// The line to log now; nullopt: this turn goes into the next one.
  [[nodiscard]] std::optional<std::string> add(Nanos took, Instant now);

 private:
  std::uint64_t count_ = 0;  ///< since the last line
  Nanos longest_{0};
  std::optional<Instant> reported_at_;
};

}  // namespace fieldpost::rt

#pragma once

#include <cstdint>
#include <string_view>

namespace fieldpost::agent::runner {

/// How a job or a step ended.
enum class Verdict : std::uint8_t {
  kPassed,
  kFailed,
  kCancelled,
  kTimedOut,
  kSilent,       ///< it said nothing for too long
  kOutOfMemory,  ///< the kernel ended something of it at its bound
  kDiskFull,
  kInterrupted,  ///< the runner or the machine went down under it
};

[[nodiscard]] std::string_view to_string(Verdict verdict);

}  // namespace fieldpost::agent::runner

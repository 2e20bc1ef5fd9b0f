#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fieldpost::pipeline {

/// How a job ended.
enum class Verdict : std::uint8_t {
  kPassed,
  kFailed,
  kCancelled,
  kTimedOut,
  kSilent,
  kOutOfMemory,
  kDiskFull,
  kInterrupted,
  kAgentLost,
};

inline constexpr std::array kVerdicts = {
    Verdict::kPassed,   Verdict::kFailed,      Verdict::kCancelled,
    Verdict::kTimedOut, Verdict::kSilent,      Verdict::kOutOfMemory,
    Verdict::kDiskFull, Verdict::kInterrupted, Verdict::kAgentLost,
};

[[nodiscard]] std::string_view to_string(Verdict verdict);  ///< "out_of_memory"
[[nodiscard]] std::optional<Verdict> parse_verdict(std::string_view name);

}  // namespace fieldpost::pipeline

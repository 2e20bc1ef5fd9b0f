#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/build.h"

namespace fieldpost::agent {

/// Of one line of the runner.
inline constexpr std::size_t kRunnerLineBytesMax = 1 << 20;
/// That may follow a line.
inline constexpr std::size_t kRunnerBytesMax = 1 << 20;
inline constexpr std::size_t kRunnerJobsMax = 1024;

/// How far a job is at the runner.
struct RunnerJob {
  wire::JobAttempt attempt;
  std::uint32_t facts = 0;      ///< it has
  std::uint64_t log_bytes = 0;  ///< it has
  bool operator==(const RunnerJob&) const = default;
};

/// Something that happened to a job, as the runner says it.
struct RunnerFact {
  std::string type;
  std::string text;  ///< a JSON object, at most wire::kBuildFactBytesMax
  bool operator==(const RunnerFact&) const = default;
};

/// An answer of the runner (agent/runner/README.md). What it does not say is empty.
struct RunnerReply {
  std::uint32_t slots = 0;                     ///< of `hello`: jobs that run at a time
  std::optional<std::vector<RunnerJob>> jobs;  ///< of `hello`: all that it has
  std::vector<RunnerFact> facts;               ///< of `facts`
  std::size_t size = 0;                        ///< of what follows the line
  std::string bytes;                           ///< that; the parser leaves it empty
};

/// `line` has no line feed. kCorrupt: no runner says that. Else an error is the runner's own: kBusy
/// and kUnavailable (ask again), kNotFound, kFull, kIo, and kInvalid for all others.
rt::Result<RunnerReply> parse_runner_reply(std::string_view line);

}  // namespace fieldpost::agent

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/runner/job/job.h"
#include "agent/runner/job/verdict.h"
#include "proto/rt/clock.h"
#include "proto/rt/time.h"

namespace fieldpost::agent::runner {

/// Facts of a job: JSON objects, a line each, {"n":0,"type":"started",…}. Numbers `n` begin at 0
/// and have no holes; the last one is `ended`.

/// What holds the processes of a job.
struct Isolation {
  std::string limits;       ///< "cgroup v2", "cgroup v1", "rlimits"
  bool bubblewrap = false;  ///< namespaces
};

struct StartedFact {
  rt::UnixTime time;
  rt::BootId boot{};
  Isolation isolation;
};
struct StepStartedFact {
  std::size_t step = 0;  ///< 0: the checkout; steps of the spec count from 1
  std::string name;
  rt::UnixTime time;
};
struct StepEndedFact {
  std::size_t step = 0;
  Verdict verdict = Verdict::kPassed;
  int exit_code = 0;
  int signal = 0;
  double seconds = 0;
};
struct ArtifactFact {
  std::string name;
  std::string path;  ///< what it was called in the workspace; NAME.tar where it is several files
  std::uint64_t size = 0;
  std::string sha256;
};
struct EndedFact {
  Verdict verdict = Verdict::kPassed;
  std::string why;  ///< empty: it passed
  Pairs outputs;
  std::uint64_t log_bytes = 0;
  rt::UnixTime time;
};

[[nodiscard]] std::string encode(std::uint64_t n, const StartedFact& fact);
[[nodiscard]] std::string encode(std::uint64_t n, const StepStartedFact& fact);
[[nodiscard]] std::string encode(std::uint64_t n, const StepEndedFact& fact);
[[nodiscard]] std::string encode(std::uint64_t n, const ArtifactFact& fact);
[[nodiscard]] std::string encode(std::uint64_t n, const EndedFact& fact);

/// Of the `ended` fact; nullopt: it is another one.
[[nodiscard]] std::optional<std::uint64_t> ended_log_bytes(std::string_view line);
/// Of an artifact's fact; nullopt: it is another one.
[[nodiscard]] std::optional<ArtifactFact> decode_artifact(std::string_view line);
[[nodiscard]] std::string hex(const rt::BootId& boot);

}  // namespace fieldpost::agent::runner

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/job/job.h"
#include "agent/runner/sandbox/sandbox.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// What a step has besides its spec: all of it interpolated.
struct StepScript {
  std::string run;
  std::string working_directory;
  Pairs env;                       ///< of job and step, and what steps before it set
  std::vector<std::string> paths;  ///< before all others in PATH, the last one first
};

/// What a step left for those after it.
struct StepWords {
  Pairs outputs;
  Pairs env;
  std::vector<std::string> paths;
};

/// The directories that a job works in, outside and as it sees them:
///
///   build/workspace, build/home   /build          kept from step to step
///   tmp                           /tmp            the same
///   steps/N                       /step           of one step; nobody else sees it
///
/// What we write for a step lies where no step before it could put anything.
class Workplace {
 public:
  Workplace(rt::Files& files, const SandboxSettings& sandbox, std::string directory);

  rt::Status make();
  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string outer_workspace() const { return directory_ + "/build/workspace"; }
  /// As the job sees them.
  [[nodiscard]] std::string build() const { return place_of(sandbox_, build_); }
  [[nodiscard]] std::string workspace() const { return build() + "/workspace"; }
  [[nodiscard]] std::string home() const { return build() + "/home"; }

  /// A command that sees the job's directories, and starts in the workspace.
  [[nodiscard]] SandboxedCommand command(std::vector<std::string> argv) const;
  /// Writes the files of step `n`, and gives the command that runs it.
  rt::Result<SandboxedCommand> make_step(std::size_t n, const Job& job, const StepScript& script);
  /// kInvalid: the step wrote something else than it should have, or too much of it.
  rt::Result<StepWords> read_step(std::size_t n);

 private:
  [[nodiscard]] SandboxBind step_bind(std::size_t n) const;
  [[nodiscard]] Pairs variables(const Job& job, const StepScript& script,
                                const std::string& step) const;
  rt::Result<std::string> read_words(const std::string& path);

  rt::Files& files_;
  const SandboxSettings& sandbox_;
  std::string directory_;
  SandboxBind build_;
  SandboxBind tmp_;
};

}  // namespace fieldpost::agent::runner

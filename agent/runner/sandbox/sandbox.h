#pragma once

#include <string>
#include <vector>

#include "agent/runner/job/job.h"

namespace fieldpost::agent::runner {

/// How processes of jobs are shut in; the same for all jobs.
struct SandboxSettings {
  bool bubblewrap = true;                       ///< else they see what the runner's user sees
  std::vector<std::string> system_directories;  ///< to be seen, not written to
};

struct SandboxBind {
  std::string from;  ///< outside
  std::string to;    ///< inside
  bool writable = false;
};

/// What one process of a job gets.
struct SandboxedCommand {
  std::vector<std::string> argv;
  std::vector<SandboxBind> binds;
  std::string directory;           ///< where it starts, as it sees it
  std::vector<std::string> enter;  ///< files of cgroups; none: `limits` become bounds of processes
  JobLimits limits;
  bool network = false;
};

/// The command that starts it: enters the cgroup, shuts itself in, and runs it with no environment
/// but PATH and LANG.
[[nodiscard]] std::vector<std::string> sandbox_argv(const SandboxSettings& settings,
                                                    const SandboxedCommand& command);
/// Where a process sees what lies at `bind.from`: there, where nothing is bound.
[[nodiscard]] const std::string& place_of(const SandboxSettings& settings, const SandboxBind& bind);

/// For every process that the runner starts, inside a sandbox or not.
[[nodiscard]] std::vector<std::string> plain_environment();
/// Whether somebody can be shut in here: a command that only succeeds then.
[[nodiscard]] std::vector<std::string> sandbox_trial(const SandboxSettings& settings);

}  // namespace fieldpost::agent::runner

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::rt {

struct ExitStatus {
  int code = 0;    ///< exit code, when `signal` is 0
  int signal = 0;  ///< the signal that ended it
};

/// A running child in a process group of its own. Dropping it kills the whole group, and calls no
/// handler any more. What the child leaves behind in its group when it exits is killed too.
class Child {
 public:
  virtual ~Child() = default;
  virtual void signal_group(int signal_number) = 0;
  /// Pauses or resumes what the child says: its pipes fill up, and then it stands still. What is in
  /// them when it exits comes all the same.
  virtual void set_reading(bool reading) = 0;
};

struct SpawnOptions {
  std::vector<std::string> argv;         ///< argv[0] is searched in PATH
  std::vector<std::string> environment;  ///< "K=V", added to ours
  std::string directory;                 ///< empty: ours
  /// Also when we are killed: SIGKILL to the child itself. A program that is not there is then no
  /// failure of `spawn`, but exit code 127, and stderr says "failed to execute".
  bool dies_with_us = false;
  bool only_this_environment = false;  ///< nothing of ours beside it
  bool stderr_to_stdout = false;       ///< one pipe, so that the order of what is said stays
};

struct SpawnHandlers {
  std::function<void(std::string bytes)> on_stdout;
  std::function<void(std::string bytes)> on_stderr;
  std::function<void(ExitStatus)> on_exit;  ///< after the last on_stdout and on_stderr
};

class Spawner {
 public:
  virtual ~Spawner() = default;
  virtual Result<std::unique_ptr<Child>> spawn(const SpawnOptions& options,
                                               SpawnHandlers handlers) = 0;
};

}  // namespace fieldpost::rt

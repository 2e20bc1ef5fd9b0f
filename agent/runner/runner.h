#pragma once

#include <memory>

#include "agent/runner/config.h"
#include "agent/runner/control/control_server.h"
#include "agent/runner/run/job_desk.h"
#include "proto/rt/streams.h"

namespace fieldpost::agent::runner {

/// The runner, composed: the desk of jobs and the socket where the agent asks it.
class Runner {
 public:
  struct Ports {
    JobDesk::Ports desk;  ///< all of them outlive the runner
    rt::Streams& streams;
    std::string version;
    bool bubblewrap = true;  ///< it works here
  };
  /// Fails as the disk and the socket do.
  static rt::Result<std::unique_ptr<Runner>> make(const Ports& ports, const RunnerConfig& config);

  [[nodiscard]] const JobDesk& desk() const { return *desk_; }

 private:
  Runner() = default;
  std::unique_ptr<JobDesk> desk_;
  std::unique_ptr<ControlServer> control_;
};

/// What holds the processes of jobs, in words.
[[nodiscard]] Isolation isolation_of(const Cgroups& cgroups, bool bubblewrap);

}  // namespace fieldpost::agent::runner

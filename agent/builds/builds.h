#pragma once

#include <string>
#include <vector>

#include "agent/builds/artifact_sender.h"
#include "agent/builds/build_verbs.h"
#include "agent/builds/job_shipper.h"
#include "agent/builds/runner_link.h"
#include "agent/builds/runner_watch.h"

namespace fieldpost::agent {

/// What builds stand on. All of it outlives them.
struct BuildPorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Streams& streams;
  rt::Log& log;
};

/// The label of a node that has a runner.
inline constexpr const char* kRunnerLabel = "runner";

/// The agent's side of builds, composed: the runner at its socket, what it knows, and the verbs
/// that it is told. Decides nothing itself. Loop thread.
class Builds {
 public:
  Builds(const BuildPorts& ports, SpoolFront& front, BodyWriter& bodies, const std::string& socket);
  Builds(const Builds&) = delete;
  Builds& operator=(const Builds&) = delete;

  /// Does not outlive this.
  void add_to(Inbox& inbox);
  void start();
  /// What the node's labels say beside kRunnerLabel: `runner-slots=N`, while the runner answers.
  [[nodiscard]] std::vector<std::string> labels() const;

 private:
  RunnerLink runner_;
  JobShipper shipper_;
  BuildVerbs verbs_;
  ArtifactSender artifacts_;
  RunnerWatch watch_;
};

}  // namespace fieldpost::agent

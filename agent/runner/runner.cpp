#include "agent/runner/runner.h"

#include <utility>

namespace fieldpost::agent::runner {

Isolation isolation_of(const Cgroups& cgroups, bool bubblewrap) {
  switch (cgroups.kind()) {
    case CgroupKind::kV2: return {"cgroup v2", bubblewrap};
    case CgroupKind::kV1: return {"cgroup v1", bubblewrap};
    case CgroupKind::kNone: return {"rlimits", bubblewrap};
  }
  return {"rlimits", bubblewrap};
}

rt::Result<std::unique_ptr<Runner>> Runner::make(const Ports& ports, const RunnerConfig& config) {
  JobDesk::Options options;
  options.state_directory = config.state_directory;
  options.slots = config.slots;
  options.cache_bytes_max = config.cache_bytes_max;
  options.run.sandbox = {ports.bubblewrap, config.system_directories};
  options.run.isolation = isolation_of(ports.desk.cgroups, ports.bubblewrap);
  options.run.limits = config.limits;
  options.run.git_protocols = config.git_protocols;
  auto desk = JobDesk::open(ports.desk, std::move(options));
  if (!desk) return desk.error();
  std::unique_ptr<Runner> runner(new Runner());
  runner->desk_ = *std::move(desk);
  auto control = ControlServer::listen(
      {ports.desk.loop, *runner->desk_, ports.version, hex(ports.desk.clock.boot_id())},
      ports.streams, config.control_socket);
  if (!control) return control.error();
  runner->control_ = *std::move(control);
  return runner;
}

}  // namespace fieldpost::agent::runner

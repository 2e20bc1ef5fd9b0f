#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/runner/sandbox/cgroups.h"

namespace fieldpost::sim {

/// Cgroups in memory.
class FakeCgroups final : public agent::runner::Cgroups {
 public:
  struct Group {
    agent::runner::JobLimits limits;
    std::vector<int> signals;
    std::uint64_t oom_kills = 0;
    bool is_busy = false;  ///< something in it does not go
  };
  agent::runner::CgroupKind is = agent::runner::CgroupKind::kV2;
  std::map<std::string, Group> groups;

  [[nodiscard]] agent::runner::CgroupKind kind() const override { return is; }
  rt::Result<std::vector<std::string>> make(const std::string& job,
                                            const agent::runner::JobLimits& limits) override {
    if (is == agent::runner::CgroupKind::kNone) return std::vector<std::string>();
    groups[job].limits = limits;
    return std::vector<std::string>{"/cgroup/" + job + "/cgroup.procs"};
  }
  void signal(const std::string& job, int signal_number) override {
    if (const auto found = groups.find(job); found != groups.end()) {
      found->second.signals.push_back(signal_number);
    }
  }
  [[nodiscard]] std::uint64_t oom_kills(const std::string& job) const override {
    const auto found = groups.find(job);
    return found == groups.end() ? 0 : found->second.oom_kills;
  }
  rt::Status remove(const std::string& job) override {
    const auto found = groups.find(job);
    if (found != groups.end() && found->second.is_busy) {
      return rt::Error{rt::Errc::kBusy, "removing the cgroup " + job};
    }
    groups.erase(job);
    return rt::ok();
  }
  [[nodiscard]] std::vector<std::string> list() const override {
    std::vector<std::string> out;
    for (const auto& [job, group] : groups) out.push_back(job);
    return out;
  }
};

}  // namespace fieldpost::sim

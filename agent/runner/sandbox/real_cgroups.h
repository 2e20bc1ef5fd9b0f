#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/runner/sandbox/cgroups.h"
#include "proto/rt/files.h"

namespace fieldpost::agent::runner {

/// Cgroups of the kernel, below the one that the process is in: of version 2 where they are
/// delegated to us, else the hierarchies memory, pids and cpu of version 1, else none.
class RealCgroups final : public Cgroups {
 public:
  /// Moves the process into a group of its own beside those of the jobs, as version 2 wants it.
  /// `why_not`: why a better kind is not in force; empty when it is.
  static RealCgroups open(rt::Files& files, std::string& why_not,
                          const std::string& root = "/sys/fs/cgroup");

  [[nodiscard]] CgroupKind kind() const override { return kind_; }
  rt::Result<std::vector<std::string>> make(const std::string& job,
                                            const JobLimits& limits) override;
  void signal(const std::string& job, int signal_number) override;
  [[nodiscard]] std::uint64_t oom_kills(const std::string& job) const override;
  rt::Status remove(const std::string& job) override;
  [[nodiscard]] std::vector<std::string> list() const override;

 private:
  explicit RealCgroups(rt::Files& files) : files_(&files) {}
  rt::Status open_v2(const std::string& root);
  rt::Status open_v1(const std::string& root);
  rt::Status set_bounds(const std::string& job, const JobLimits& limits);
  rt::Status write(const std::string& path, std::string_view value);
  [[nodiscard]] std::vector<int> processes(const std::string& job) const;

  rt::Files* files_;
  CgroupKind kind_ = CgroupKind::kNone;
  std::vector<std::string> bases_;  ///< v2: one; v1: of memory, pids and cpu
};

}  // namespace fieldpost::agent::runner

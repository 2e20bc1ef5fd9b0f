#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/runner/job/job.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

enum class CgroupKind : std::uint8_t { kNone, kV1, kV2 };

/// Groups of processes, one for each job, by its id. Where the kind is kNone, all of it does
/// nothing: `make` gives no files, and bounds are for others to set.
class Cgroups {
 public:
  virtual ~Cgroups() = default;
  [[nodiscard]] virtual CgroupKind kind() const = 0;
  /// Makes one, empty, with these bounds. Gives the files that a process enters it by: it writes
  /// its number into each.
  virtual rt::Result<std::vector<std::string>> make(const std::string& job,
                                                    const JobLimits& limits) = 0;
  /// To every process in it; SIGKILL also reaches those that are being made. Others spare the outer
  /// process of a namespace of processes, which would take the others with it at once.
  virtual void signal(const std::string& job, int signal_number) = 0;
  /// How often the kernel ended a process of it at its bound of memory.
  [[nodiscard]] virtual std::uint64_t oom_kills(const std::string& job) const = 0;
  /// kBusy: there are processes in it still. One that is not there is no error.
  virtual rt::Status remove(const std::string& job) = 0;
  /// All that are there, of earlier lives too.
  [[nodiscard]] virtual std::vector<std::string> list() const = 0;
};

}  // namespace fieldpost::agent::runner

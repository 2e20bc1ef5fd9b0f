#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/wire/build.h"

/// Which job goes to which runner. Pure.
namespace fieldpost::coordinator {

/// A node with a runner.
struct Runner {
  std::string node;
  std::vector<std::string> labels;
  unsigned slots = 1;
  unsigned busy = 0;  ///< slots that are leased
  bool is_online = false;
  bool is_drained = false;  ///< it gets nothing new, by the operator's word
};

struct QueuedJob {
  wire::JobId job;
  int priority = 0;                 ///< higher ones go first
  std::uint64_t build = 0;          ///< of two builds the older one goes first
  std::uint32_t place = 0;          ///< in its build
  std::vector<std::string> labels;  ///< its runner has all of them, in either case
};

struct Assignment {
  wire::JobId job;
  std::string node;
  auto operator<=>(const Assignment&) const = default;
};

/// What can go now. Of the runners that have all labels and a free slot the one with most of its
/// slots free takes it, then the first by name. One that waits for a runner holds up no others.
[[nodiscard]] std::vector<Assignment> dispatch(std::vector<QueuedJob> jobs,
                                               std::vector<Runner> runners);

/// Why a job that `dispatch` left waits, for people.
[[nodiscard]] std::string why_waiting(const QueuedJob& job, const std::vector<Runner>& runners);

/// Labels are the same in either case, as on GitHub.
[[nodiscard]] bool has_labels(const Runner& runner, const std::vector<std::string>& wanted);

}  // namespace fieldpost::coordinator

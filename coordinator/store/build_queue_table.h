#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// Whether jobs go to nodes at all, as the operator last said.
struct QueueState {
  bool is_paused = false;
  std::string changed_by;    ///< empty: never
  std::int64_t changed = 0;  ///< ns
};

/// What operators said of the queue of jobs and of nodes. What changes runs inside the caller's
/// transaction.
class BuildQueueTable {
 public:
  explicit BuildQueueTable(rt::Database& db) : db_(db) {}

  rt::Result<QueueState> state();
  rt::Status set_paused(bool is_paused, const std::string& by, rt::UnixTime now);
  /// Nodes that get no job any more, by name.
  rt::Result<std::vector<std::string>> drained_nodes();
  /// kNotFound: no such node.
  rt::Status set_drained(const std::string& node, bool is_drained);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <optional>

#include "coordinator/builds/build.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// What the store has of an attempt of a job.
struct AttemptExtent {
  std::uint64_t log_stored = 0;             ///< bytes
  std::optional<std::uint64_t> log_bytes;   ///< of the whole; none: its `ended` is not here
  std::optional<std::uint32_t> fact_count;  ///< likewise
  [[nodiscard]] bool has_whole_log() const { return log_bytes && log_stored >= *log_bytes; }
};

/// Attempts that nodes were told of, or tell of. An attempt is one node's: of the lease, or of the
/// first that tells of it. What changes runs inside the caller's transaction.
class BuildAttemptTable {
 public:
  explicit BuildAttemptTable(rt::Database& db) : db_(db) {}

  /// It is this node's by a lease. kDenied: nodes know it already.
  rt::Status begin(const wire::JobAttempt& attempt, NodeNo node, rt::UnixTime now);
  /// A node tells of it. true: it was not known. kInvalid: it is another node's.
  rt::Result<bool> take(const wire::JobAttempt& attempt, NodeNo node, rt::UnixTime now);
  /// A fence of the job that no attempt has had, above this one. kFull: there is none.
  rt::Result<std::uint64_t> next_fence(const wire::JobAttempt& attempt);
  /// Nothing of an attempt that is not known.
  rt::Result<AttemptExtent> extent(const wire::JobAttempt& attempt);
  rt::Status add_log(const wire::JobAttempt& attempt, std::uint64_t bytes);
  /// What `ended` says. `log_stored`: of what it says is the log.
  rt::Status set_end(const wire::JobAttempt& attempt, const AttemptExtent& extent);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

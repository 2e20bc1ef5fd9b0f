#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/store/mask.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// A node's deletions in force, but for rules: each is looked at for every batch of its times.
inline constexpr std::int64_t kDeletionsOfNodeMax = 1000;

/// kRetired: done, and another covers all that it covers.
enum class DeletionState : std::uint8_t { kPending = 1, kDone = 2, kRule = 3, kRetired = 4 };

/// The deletions of a node, but for rules, that touch these times.
rt::Result<Masks> masks_of(rt::Database& db, NodeNo node, std::int64_t first, std::int64_t last);
/// Whether a row of this measurement concerns a series: of a rule it is a pattern.
[[nodiscard]] bool concerns(std::string_view measurement, bool by_rule,
                            std::string_view series_key);
/// Those of them that concern the series of this key.
[[nodiscard]] Masks masks_for(const Masks& of_node, std::string_view series_key);

/// Which series and times of a node go.
struct DeletionScope {
  NodeNo node = 0;
  std::string measurement;              ///< empty: any
  std::int64_t first_time = INT64_MIN;  ///< both included
  std::int64_t last_time = INT64_MAX;
  std::string reason;  ///< who asked and why, for people
};

/// The same as a user asks for it: of one node or of all.
struct DeletionRequest {
  std::string node;                     ///< empty: any
  std::string measurement;              ///< empty: any
  std::int64_t first_time = INT64_MIN;  ///< both included
  std::int64_t last_time = INT64_MAX;
  std::string reason;
};
/// What became of it at one node.
struct Deletion {
  std::string node;
  std::int64_t gap = 0;  ///< shows it in the list of gaps
};

/// Enters a deletion and the gap that shows it; from the commit on no answer has what it covers.
/// Those that are done and of which it covers all retire. `ordinal_max` and `marks` as in Mask.
/// Returns the gap. kFull at `kDeletionsOfNodeMax`. Inside the caller's transaction.
rt::Result<std::int64_t> add_deletion(rt::Database& db, const DeletionScope& scope,
                                      std::uint64_t ordinal_max,
                                      const std::vector<wire::Rank>& marks, rt::UnixTime now);
/// A hello stated an incarnation that the store did not know: of its ordinal deletions that were
/// made before cover what there was by then, not all that its process goes on to write. Inside the
/// caller's transaction.
rt::Status mark_deletions(rt::Database& db, NodeNo node, const wire::Rank& mark);
/// The row that counts what a rule takes from a node: made if new. Inside the caller's transaction.
rt::Result<std::int64_t> rule_row(rt::Database& db, const DeletionScope& scope, rt::UnixTime now);

rt::Status add_taken(rt::Database& db, const Taken& taken);
/// Widens the times of a rule's row, and of its gap, to these.
rt::Status widen_rule(rt::Database& db, std::int64_t row, std::int64_t first, std::int64_t last);
rt::Status finish_deletion(rt::Database& db, std::int64_t row);

struct PendingDeletion {
  NodeNo node = 0;
  Mask mask;
};
/// The oldest that chunks still hold some of.
rt::Result<std::optional<PendingDeletion>> next_pending(rt::Database& db);

}  // namespace fieldpost::coordinator

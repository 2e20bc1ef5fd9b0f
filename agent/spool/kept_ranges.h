#pragma once

#include <cstddef>

#include "agent/spool/spool.h"

namespace fieldpost::agent {

/// Ranges of kept names that a statement may have; above it the oldest kept records go. They are
/// only there for a store that was restored, and each range makes every hello longer: where
/// delivered sampled names, which were never on disk, lie between durable ones, each kept record is
/// a range of its own.
inline constexpr std::size_t kKeptRangesMax = 4096;
inline constexpr std::size_t kTrimRecordsMax = 4096;  ///< deleted in one transaction

/// Deletes the oldest kept records until they make at most `ranges_max` ranges, at most
/// `records_max` of them in this one transaction. Returns whether more are to go. Not while a hello
/// is unanswered [hello-4]. Repeating is safe; on failure nothing is changed.
rt::Result<bool> trim_kept(Spool& spool, std::size_t ranges_max, std::size_t records_max);

}  // namespace fieldpost::agent

#pragma once

#include <cstdint>
#include <vector>

#include "agent/spool/spool.h"

/// Gaps as records of the spool. `next_seq` gives names, and is advanced only by transactions that
/// succeed; `stamp` is the time now.
namespace fieldpost::agent {

/// [shed-3]: supersedes all held gap records, when they take more than `reserve` bytes, by as few
/// as tell the same: causes, names and sets stay apart or whole, of time spans the hull of each
/// cause. Returns whether it did.
rt::Result<bool> merge_gaps(Spool& spool, std::uint64_t reserve, const wire::Clock& stamp,
                            std::uint64_t& next_seq);

/// Writes gaps as records of class kGap, each below the limits of a record, inside the caller's
/// transaction.
rt::Status insert_gaps(Spool& spool, std::vector<wire::Gap> gaps, const wire::Clock& stamp,
                       std::uint64_t& next_seq);

/// Deletes one record, if it is on disk, and writes `gap`, and the gaps that it carried,
/// in its place.
rt::Status replace_by_gap(Spool& spool, const wire::Name& name, wire::Gap gap,
                          const wire::Clock& stamp, std::uint64_t& next_seq);

/// Adds names to a gap, joined to the last range when they continue it with the same count.
void add_gap_name(std::vector<wire::GapNames>& names, const wire::GapNames& more);
/// Adds a set of series to a gap whose sets are known; above wire::kGapSetsMax they are not known.
void add_gap_set(wire::Gap& gap, const wire::Hash128& set);
/// Widens the time span of a gap, which is not known (both 0) before the first call.
void add_gap_span(wire::Gap& gap, std::int64_t first_time, std::int64_t last_time);

}  // namespace fieldpost::agent

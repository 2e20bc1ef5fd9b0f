#pragma once

#include <vector>

#include "proto/wire/ids.h"

/// Sets of seqs as ascending, disjoint ranges.
namespace fieldpost::wire {

/// Sorts and joins overlapping and adjacent ranges.
[[nodiscard]] std::vector<SeqRange> normalise(std::vector<SeqRange> ranges);
[[nodiscard]] std::vector<SeqRange> unite(std::vector<SeqRange> a, const std::vector<SeqRange>& b);
/// What is in `from` (ascending, disjoint) and not in `what` (ascending, disjoint).
[[nodiscard]] std::vector<SeqRange> subtract(const std::vector<SeqRange>& from,
                                             const std::vector<SeqRange>& what);

}  // namespace fieldpost::wire

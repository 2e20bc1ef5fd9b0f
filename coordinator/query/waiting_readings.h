#pragma once

#include <map>

#include "coordinator/query/query_state.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {

using RunsByBoot = std::map<wire::Id128, Run>;

using RunsBySeries = std::map<SeriesId, RunsByBoot>;
using MasksBySeries = std::map<SeriesId, Masks>;

/// Readings of these series of a node in [from, to) that are not compacted yet: winners among
/// themselves, ascending by time, by the boot that stamped them. Without what the masks cover. Each
/// batch is decoded once.
rt::Result<RunsBySeries> waiting_readings(QueryState& state, NodeNo node,
                                          const MasksBySeries& series, TimeRange range);

}  // namespace fieldpost::coordinator

#pragma once

#include <map>

#include "coordinator/query/query_state.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {

using RunsByBoot = std::map<wire::Id128, Run>;

/// Readings of a series in [from, to) that are not compacted yet: winners among themselves,
/// ascending by time, by the boot that stamped them. Without what the masks cover.
rt::Result<RunsByBoot> waiting_readings(QueryState& state, const SeriesRow& series, TimeRange range,
                                        const Masks& masks);

}  // namespace fieldpost::coordinator

#pragma once

#include <map>

#include "coordinator/query/query_state.h"

namespace fieldpost::coordinator {

/// Adds what waits in the batches of one node to the counts of its series. Series that are not in
/// the map are passed over.
rt::Status add_waiting(QueryState& state, NodeNo node, std::map<SeriesId, ColumnCount>& counts);

/// The range with open ends closed to what the series has.
rt::Result<TimeRange> close_range(QueryState& state, const SeriesRow& series, TimeRange range);

}  // namespace fieldpost::coordinator

#pragma once

#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "coordinator/query/ledger_query.h"

namespace fieldpost::coordinator {

/// Late messages of a session that ended are ignored, too: fewer between two states say nothing.
inline constexpr std::uint64_t kIgnoredMany = 10;

/// What is wrong with a node, one sentence each. `live` may be null: nothing was heard of it.
[[nodiscard]] std::vector<std::string> alarms_of(const NodeRecord& record, const NodeLive* live);

}  // namespace fieldpost::coordinator

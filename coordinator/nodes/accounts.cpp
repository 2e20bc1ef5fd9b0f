#include "coordinator/nodes/accounts.h"

#include <algorithm>

namespace fieldpost::coordinator {

Accounts accounts_of(const NodeRecord& record) {
  // A loss that the node counts may still be on its way here, in a record that it holds.
  const std::uint64_t lost = std::max(record.readings_lost, record.shed);
  const std::uint64_t settled = record.delivered + lost + record.quarantined;
  Accounts out;
  out.accepted = std::max(record.accepted, settled);
  out.held = std::min(record.held, out.accepted - settled);
  out.gaps_unknown = record.lost_unknown;
  if (!out.gaps_unknown) out.unexplained = out.accepted - settled - out.held;
  return out;
}

}  // namespace fieldpost::coordinator

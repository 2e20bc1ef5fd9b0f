#pragma once

#include <cstdint>

#include "coordinator/query/ledger_query.h"

namespace fieldpost::coordinator {

/// Where the readings of a node are. What it told is older than what was delivered since.
struct Accounts {
  std::uint64_t accepted = 0;
  std::uint64_t held = 0;         ///< at most what is accepted and not settled
  std::uint64_t unexplained = 0;  ///< accepted, settled neither way, held no more
  bool gaps_unknown = false;      ///< some gap does not know how many: what is missing may be in it
};

[[nodiscard]] Accounts accounts_of(const NodeRecord& record);

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

/// How far a node has delivered.
struct SettledNode {
  std::string id;
  bool has_agent = false;          ///< false: it writes over HTTP only, and owes nothing ever
  std::int64_t settled_until = 0;  ///< ns: all it accepted before is stored, or in a gap
  bool is_unconfirmed = false;    ///< a gap of it may still close, or a restored store waits for it
  std::uint64_t quarantined = 0;  ///< records that are not understood
};

/// Of every node, ordered by id. `from`: gaps that end before are passed over.
rt::Result<std::vector<SettledNode>> settled_nodes(rt::Database& db, std::int64_t from);

/// A node's clock and the arrival of its readings are not told apart more finely than this, ns.
inline constexpr std::int64_t kSettledMargin = 10'000'000'000;

}  // namespace fieldpost::coordinator

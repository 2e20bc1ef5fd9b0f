#pragma once

#include <cstdint>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// How commands to nodes end, and which of those that ended are kept: the newest ones of each node,
/// and the one that tells it how often to measure, for what came of it is asked later. The image of
/// a flash goes when that ends. Runs inside the caller's transaction.
class CommandOutcomes {
 public:
  static constexpr std::int64_t kAnsweredKept = 1000;  ///< of a node, as its inbox does
  static constexpr std::int64_t kDroppedAtOnce = 256;  ///< older ones, whenever one ends

  explicit CommandOutcomes(rt::Database& db) : db_(db) {}

  /// What the node told. The first one counts; but an unknown one gives way to it [cmd-5]. A
  /// command that is not there changes nothing.
  rt::Status note_told(std::int64_t node_no, std::uint64_t id, std::string_view outcome);
  /// Those of the node that are open end as unknown.
  rt::Status end_open(std::int64_t node_no);
  /// Those that are open and expired by then end as expired.
  rt::Status end_expired(rt::UnixTime now);

 private:
  rt::Status drop_old(std::int64_t node_no);

  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// [back-4]: to when the store was set back, and which nodes have not said since what they know.
/// Store thread; inside the caller's transaction.
class SetBack {
 public:
  explicit SetBack(rt::Database& db) : db_(db) {}

  /// Call once, before anything of this start is written: nothing that it has is newer.
  rt::Status load();
  /// A hello proved it. What came over HTTP since then nobody can tell: that becomes a gap of each
  /// node that such writes went to. Said again before everybody answered, it changes nothing.
  rt::Status note(rt::UnixTime now);
  /// A hello of the node was confirmed. True when it is the last one that was waited for.
  rt::Result<bool> note_hello(NodeNo node, rt::UnixTime now);

 private:
  rt::Result<bool> is_noted();
  rt::Status add_gaps_of_http(rt::UnixTime now);

  rt::Database& db_;
  std::int64_t newest_ns_ = 0;  ///< that the store knew when it was opened
};

}  // namespace fieldpost::coordinator

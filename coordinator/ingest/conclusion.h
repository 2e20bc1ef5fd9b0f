#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/ingest/statement.h"
#include "coordinator/store/ledger.h"
#include "coordinator/store/set_back.h"
#include "proto/rt/result.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// Entries of each kind in one welcome. Of verdicts, what does not fit is published again; of
/// missing names, see Conclusion::more_missing.
inline constexpr std::size_t kWelcomeEntriesMax = 1500;

/// What a confirmed hello led to.
struct Conclusion {
  bool run_twice = false;          ///< two machines are one node: not welcomed [back-3]
  wire::Welcome welcome;           ///< without ids, time and credit
  std::vector<std::int64_t> gaps;  ///< rows that were added
  bool store_was_set_back = false;
  bool all_answered = false;  ///< since it was set back; this node was the last
  bool branch_changed = false;
  bool more_missing = false;  ///< than the welcome has room for
  int numbers_refused = 0;    ///< ordinals and marks beyond `kToldNumberMax`
};

/// Takes confirmed hellos into the ledger ([wel-1], [wel-2], section 7). Store thread.
class Concluder {
 public:
  Concluder(rt::Database& db, Ledger& ledger, SetBack& set_back, std::size_t entries_max)
      : db_(db), ledger_(ledger), set_back_(set_back), entries_max_(entries_max) {}

  /// [hello-5]: whether the digest is that of the ancestors which the statement does not list.
  rt::Result<bool> digest_agrees(const Statement& statement);

  /// In one transaction of its own; nothing is changed on failure.
  rt::Result<Conclusion> conclude(const Statement& statement, const Moment& moment);

  /// [back-3]: the operator says that the node is one machine (again).
  rt::Status release(NodeNo node, rt::UnixTime now);

 private:
  struct Stated {
    IncarnationRow row;
    const wire::IncarnationStatement* said = nullptr;  ///< null: only in the digest
  };
  rt::Result<std::vector<IncarnationRow>> unlisted_ancestors(const Statement& statement);
  rt::Result<std::vector<Stated>> enter_all(NodeNo node, const Statement& statement,
                                            rt::UnixTime now, Conclusion& conclusion);
  rt::Status note_hello(NodeNo node, rt::UnixTime now, Conclusion& out);
  rt::Result<bool> follow_branch(const NodeRow& node, const std::vector<Stated>& chain,
                                 const wire::IncarnationId& live, bool live_was_left_behind,
                                 bool known_before, const Moment& moment, Conclusion& out);
  rt::Status leave_behind(const IncarnationRow& row, std::optional<std::int64_t>& gap, NodeNo node,
                          const Moment& moment, Conclusion& out);
  rt::Status settle_missing(const Stated& stated, std::optional<std::int64_t>& gap, NodeNo node,
                            wire::GapCause cause, rt::UnixTime now, Conclusion& out);
  rt::Status answer(const Stated& stated, Conclusion& out);

  rt::Database& db_;
  Ledger& ledger_;
  SetBack& set_back_;
  std::size_t entries_max_;
};

}  // namespace fieldpost::coordinator

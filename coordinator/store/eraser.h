#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/store/chunk_purge.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/moment.h"
#include "coordinator/store/retention.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kRetentionEveryNs = 300'000'000'000;
/// A reading outlives its rule by at most this part of `keep`: what is left of a chunk that still
/// holds younger ones is written again only then.
inline constexpr std::int64_t kOutlivePart = 8;

/// Takes what is deleted or too old out of the chunks, and gives free space back to the file
/// system, in steps that each are a short transaction. Store thread. A step that failed or was
/// stopped has done nothing; what it was about begins anew.
class Eraser {
 public:
  explicit Eraser(rt::Database& db) : db_(db) {}

  struct Step {
    bool more = false;              ///< there is more to do at once
    std::uint64_t readings = 0;     ///< taken out
    std::uint64_t bytes = 0;        ///< that they took in the file, about
    std::int64_t finished_gap = 0;  ///< the gap of the deletion that is done with; 0: none
    bool by_rule = false;
  };
  /// kCorrupt: a chunk that is partly covered
  /// could not be decoded; it is set aside, and the next step goes on.
  rt::Result<Step> step(const RetentionRules& rules, const Moment& now);

 private:
  struct Place {
    std::int64_t deletion = 0;
    SeriesId after = 0;
    wire::Id128 boot;
    std::int64_t time = 0;
  };
  struct Member {
    SeriesId id = 0;
    NodeNo node = 0;
    wire::ValueType type = wire::ValueType::kF64;
    const RetentionRule* rule = nullptr;
    std::int64_t limit = 0;  ///< older ones go
  };

  rt::Result<Step> purge(const PendingDeletion& pending);
  rt::Result<Step> finish(const PendingDeletion& pending);
  rt::Result<std::vector<Member>> members_of(const PendingDeletion& pending);
  rt::Status purge_round(ChunkPurge& chunks, const std::vector<Member>& members, const Mask& mask);
  rt::Result<std::optional<wire::Id128>> next_boot(const std::vector<Member>& members);

  rt::Result<Step> retain(const RetentionRules& rules);
  rt::Status begin_pass(const Moment& now);
  rt::Result<std::vector<Member>> find_due(const RetentionRules& rules);
  rt::Result<bool> is_due(const Member& member);
  rt::Result<bool> outlived(ChunkPurge& chunks, const Member& member);

  rt::Result<Step> commit(rt::Transaction& transaction, ChunkPurge& chunks);
  rt::Error set_damaged_aside(const ChunkPurge& chunks, rt::Error error);

  rt::Database& db_;
  rt::UnixTime now_;  ///< of the step
  Place place_;
  bool in_pass_ = false;
  rt::UnixTime pass_time_;
  SeriesId pass_after_ = 0;
  SeriesId pass_next_ = 0;  ///< where the step's series end
  bool pass_ends_ = false;  ///< with them
  std::optional<std::int64_t> last_pass_ns_;
};

/// The time that ages are told by. A clock that is not synchronised may be wrong by years, and what
/// it calls old would be gone: it is believed only up to the last pass that began while it was.
/// Readings tell no time here: one of a far future would make all others old.
rt::Result<rt::UnixTime> retention_time(rt::Database& db, const Moment& now);

/// Gives part of the free pages beyond a reserve back to the file system; whether there are more.
rt::Result<bool> shrink_file(rt::Database& db);

}  // namespace fieldpost::coordinator

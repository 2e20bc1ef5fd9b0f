#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"
#include "proto/wire/ids.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

/// Names a loss in every store that it comes to: the one that declared it first, and its row there.
struct GapOrigin {
  wire::StoreId store;
  std::int64_t no = 0;
  auto operator<=>(const GapOrigin&) const = default;
};

/// A gap as it goes into the ledger.
struct NewGap {
  NodeNo node = 0;
  wire::GapCause cause = wire::GapCause::kUnknown;
  bool unconfirmed = false;
  std::int64_t first_time = 0, last_time = 0;  ///< both 0: not known
  std::vector<wire::Hash128> sets;
  bool sets_known = false;
  std::uint64_t readings = 0;  ///< of no name; those of its names are added to it
  bool readings_known = true;
  std::uint64_t fragments = 0;      ///< of bodies
  std::optional<GapOrigin> origin;  ///< of an imported one; absent: this store, or not known
};

/// Of a gap that tellings of one loss made; more are not known which.
inline constexpr std::size_t kJoinedSetsMax = 1024;

/// Returns its row. Inside the caller's transaction.
rt::Result<std::int64_t> insert_gap(rt::Database& db, const NewGap& gap, rt::UnixTime since);

// Node, cause and times of a gap never change. One that has its origin's number and differs in them
// is another loss: an archive may lie, and a store that was set back gives numbers again.

/// Whether the origin of `gap` is a row that this store declared itself, in whatever state.
rt::Result<bool> is_own_gap(rt::Database& db, const NewGap& gap);

/// Tells the row with the origin of `gap` what `gap` tells; false: there is none. An archive has of
/// a loss what it had become, and only the series of its experiment: so all series that were told,
/// the largest numbers, and not known once one did not know. Nothing that was declared is taken
/// back. Inside the caller's transaction; repeating is safe.
rt::Result<bool> join_gap(rt::Database& db, const NewGap& gap);

}  // namespace fieldpost::coordinator

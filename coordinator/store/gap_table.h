#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"
#include "proto/wire/messages.h"

namespace fieldpost::coordinator {

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
  std::uint64_t fragments = 0;  ///< of bodies
};

/// Returns its row. Inside the caller's transaction.
rt::Result<std::int64_t> insert_gap(rt::Database& db, const NewGap& gap, rt::UnixTime since);

}  // namespace fieldpost::coordinator

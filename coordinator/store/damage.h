#pragma once

#include <string_view>

#include "coordinator/store/batch_table.h"
#include "coordinator/store/chunk_table.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

/// Rows whose bytes cannot be decoded are moved out of the way, so that the rest goes on.
namespace fieldpost::coordinator {

inline constexpr int kDamagedKeptMax = 256;  ///< rows of each kind; the oldest go, not their gaps

struct DamageFound {
  std::string_view why;
  rt::UnixTime now;
};

/// Each is one transaction: its readings are delivered no more, but in a gap, cause `damaged`.
rt::Status set_aside(rt::Database& db, const BatchRow& batch, const DamageFound& found);
rt::Status set_aside(rt::Database& db, const ChunkRow& chunk, const DamageFound& found);

/// The batch came again, and is stored: the gap of the one that was set aside is closed. Inside the
/// caller's transaction.
rt::Status heal(rt::Database& db, const ReadingBatch& batch);

}  // namespace fieldpost::coordinator

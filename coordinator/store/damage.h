#pragma once

#include <string_view>

#include "coordinator/store/batch_table.h"
#include "coordinator/store/chunk_table.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

/// Rows whose bytes cannot be decoded are moved out of the way, so that the rest goes on. Each is
/// one transaction.
namespace fieldpost::coordinator {

inline constexpr int kDamagedKeptMax = 256;  ///< rows of each kind; the oldest go

rt::Status set_aside(rt::Database& db, const BatchRow& batch, std::string_view why);
rt::Status set_aside(rt::Database& db, const ChunkRow& chunk, std::string_view why);

}  // namespace fieldpost::coordinator

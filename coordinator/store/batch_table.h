#pragma once

#include <cstdint>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "coordinator/store/series_catalog.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {

/// A row of `batch` without its payload.
struct BatchRow {
  std::int64_t no = 0;
  NodeNo node = 0;
  wire::Rank rank;
  std::int64_t set_no = 0;
  wire::Id128 boot;
  std::int64_t first_time = 0;
  std::int64_t last_time = 0;
  std::uint64_t readings = 0;
  std::uint64_t raw_size = 0;
};

struct DecodedBatch {
  BatchRow row;
  SeriesIds ids;  ///< of each column
  SetPtr set;
  wire::Columns columns;
  std::vector<wire::Rank> origin_ranks;

  /// One rank for the whole column, or one for each reading.
  [[nodiscard]] std::vector<wire::Rank> ranks_of(std::size_t column) const;
};

/// The ranks of a column's readings: one for all of them, or one for each.
[[nodiscard]] std::vector<wire::Rank> ranks_of(const wire::Columns& columns, std::size_t column,
                                               const wire::Rank& record,
                                               const std::vector<wire::Rank>& origins);

/// What waits for compaction of one node.
struct Waiting {
  std::uint64_t batches = 0;
  std::uint64_t readings = 0;
  std::int64_t oldest_ns = INT64_MAX;  ///< when the first of them was received
};

/// How the boot that stamped readings is stored: no bytes for none.
[[nodiscard]] std::string boot_bytes(const wire::Id128& boot);

/// Whether another batch has its rank: one of other readings, not the same again.
rt::Result<bool> is_rank_taken(rt::Database& db, const ReadingBatch& batch);

/// Does nothing when it is there already. kInvalid when another one has its rank.
rt::Status insert_batch(rt::Database& db, const ReadingBatch& batch, std::int64_t set_no,
                        rt::UnixTime now);

/// All of a node by rank.
rt::Result<std::vector<BatchRow>> waiting_batches(rt::Database& db, NodeNo node);

struct TakeLimits {
  std::size_t readings_max = 0;
  std::size_t raw_bytes_max = 0;
};
/// The lowest ranks of a node up to the limits, at least one if there is one.
rt::Result<std::vector<BatchRow>> oldest_batches(rt::Database& db, NodeNo node,
                                                 const TakeLimits& limits);

/// kCorrupt when the payload is damaged, or its set or series are missing; kNotFound when the row
/// is gone.
rt::Result<DecodedBatch> load_batch(rt::Database& db, SeriesCatalog& catalog, const BatchRow& row);

rt::Result<Waiting> count_waiting(rt::Database& db, NodeNo node);

}  // namespace fieldpost::coordinator

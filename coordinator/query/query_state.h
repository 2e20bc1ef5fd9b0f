#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/batch_table.h"
#include "coordinator/store/chunk_table.h"
#include "coordinator/store/mask.h"
#include "coordinator/store/series_catalog.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kDamagedKnownMax = 4096;  ///< then they are reported again
inline constexpr std::size_t kBatchCountsCachedMax = 4096;

/// What is in one column of a batch.
struct ColumnCount {
  std::uint64_t count = 0;
  std::int64_t first_time = INT64_MAX;
  std::int64_t last_time = INT64_MIN;
};

/// Remembers what could not be decoded, so that it is reported once and then left out.
class DamageLog {
 public:
  /// kCorrupt the first time for this row, then success: the caller leaves it out. Other errors
  /// stay what they are.
  rt::Status judge(const BatchRow& row, const rt::Error& error);
  rt::Status judge(const ChunkRow& row, const rt::Error& error);

 private:
  using Key = std::pair<std::int64_t, std::int64_t>;
  rt::Status judge(std::set<Key>& known, Key key, const rt::Error& error);
  std::set<Key> batches_;
  std::set<Key> chunks_;
};

struct QueryState {
  explicit QueryState(rt::Database opened) : db(std::move(opened)), catalog(db), packs(db) {}

  rt::Database db;
  SeriesCatalog catalog;
  PackReader packs;
  DamageLog damage;
  /// By node and rank: what a rank stands for never changes.
  std::map<std::pair<NodeNo, wire::Rank>, std::vector<ColumnCount>> batch_counts;
};

/// A read transaction from its first statement to the end of its scope.
class Snapshot {
 public:
  explicit Snapshot(rt::Database& db) : db_(db) {}
  ~Snapshot() { db_.rollback(); }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  rt::Status begin() { return db_.execute("BEGIN"); }

 private:
  rt::Database& db_;
};

struct SeriesRow {
  SeriesId id = 0;
  NodeNo node = 0;
  wire::ValueType type = wire::ValueType::kF64;
};
/// kNotFound: no such series.
rt::Result<SeriesRow> find_series(rt::Database& db, SeriesId id);

/// Makes a stored value of the series a calibrated one; without a calibration, and of strings,
/// nothing changes.
void calibrate(Reading& reading, const SeriesRow& series, const Calibration& calibration);

/// What is deleted of a series among these times.
rt::Result<Masks> masks_of(QueryState& state, const SeriesRow& series, TimeRange range);
/// Those of a node's that concern the series.
rt::Result<Masks> masks_among(QueryState& state, SeriesId series, const Masks& of_node);

}  // namespace fieldpost::coordinator

#pragma once

#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "coordinator/store/batch_table.h"
#include "coordinator/store/chunk_table.h"
#include "coordinator/store/mask.h"
#include "coordinator/store/pack_writer.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/run.h"
#include "coordinator/store/series_catalog.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kStepRawBytesMax = 64 << 20;  ///< of batches, decompressed, in a step
/// New readings take a chunk before them along when it has less than so many times their number:
/// each reading is written again a logarithmic number of times.
inline constexpr std::size_t kMergeRatio = 2;
inline constexpr std::size_t kChunkStringBytesMax = 1 << 20;  ///< of distinct texts in a chunk

/// Moves the oldest batches of one node into chunks. One object is one step, inside a transaction
/// of the caller; after a failure the caller rolls back and asks what was damaged.
class Compaction {
 public:
  using Damaged = std::variant<BatchRow, ChunkRow>;

  Compaction(rt::Database& db, SeriesCatalog& catalog)
      : db_(db), catalog_(catalog), packs_(db), reader_(db) {}

  rt::Status run(NodeNo node, std::size_t readings_max);
  /// What `run` could not decode when it failed with kCorrupt.
  [[nodiscard]] const std::optional<Damaged>& damaged() const { return damaged_; }

 private:
  struct SeriesRun {
    Run run;
    wire::ValueType type = wire::ValueType::kF64;
    Masks masks;
  };
  struct Totals {
    std::int64_t count = 0;  ///< more, or fewer
    std::int64_t first_time = INT64_MAX;
    std::int64_t last_time = INT64_MIN;
  };

  rt::Status collect(const BatchRow& row);
  std::vector<SeriesRun*>& runs_for(const DecodedBatch& batch);
  rt::Status merge(const ChunkOrder& of, SeriesRun& incoming);
  rt::Status extend(const ChunkOrder& of, const SeriesRun& series, Run& segment);
  rt::Status overlay(const ChunkRow& chunk, const SeriesRun& series, Run& segment);
  rt::Status take_chunk(const ChunkRow& chunk, const SeriesRun& series, Run& into);
  rt::Status write(const ChunkOrder& of, wire::ValueType type, const Run& segment,
                   std::size_t piece_max);
  rt::Status add_totals(SeriesId series);

  rt::Database& db_;
  SeriesCatalog& catalog_;
  PackWriter packs_;
  PackReader reader_;
  std::map<std::pair<wire::Id128, SeriesId>, SeriesRun> runs_;
  std::map<std::pair<wire::Id128, std::int64_t>, std::vector<SeriesRun*>> runs_of_set_;
  std::optional<std::int64_t> written_until_;  ///< of the series being merged
  Totals totals_;                              ///< of the series being merged
  Masks masks_;                                ///< of the node
  Taken taken_;
  std::optional<Damaged> damaged_;
};

}  // namespace fieldpost::coordinator

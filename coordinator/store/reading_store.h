#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {

using NodeNo = std::int64_t;    ///< row of `node`
using SeriesId = std::int64_t;  ///< row of `series`; never used again

/// One readings record, decoded and checked, on its way into the store.
struct ReadingBatch {
  NodeNo node = 0;
  wire::Rank rank;  ///< of the record, or of its first name
  std::shared_ptr<const wire::SeriesSet> set;
  wire::Columns columns;                 ///< decoded from `payload`
  std::vector<wire::Rank> origin_ranks;  ///< one for each of columns.origins
  std::string payload;                   ///< as it came, kept as it is until compaction
  std::uint8_t codec = 0;
  std::uint32_t raw_size = 0;
  /// The boot that stamped these readings while its clock was not synchronised; zero: good times.
  wire::Id128 boot;
};

struct CompactionLimits {
  std::size_t batches_min = 64;              ///< of one node, before it is worth it
  std::int64_t age_max_ns = 60'000'000'000;  ///< or when its oldest batch is this old
  std::size_t readings_max = 500'000;        ///< decoded in one step
};

/// Everything about readings in the store: series, series sets, batches as they came, and chunks
/// per series into which they are compacted. Owned and called by the store thread; one writer.
/// Durable with the transaction that the caller has open (`add_*`) or with its own
/// (`compact_step`).
class ReadingStore {
 public:
  explicit ReadingStore(rt::Database& db);
  ~ReadingStore();

  /// Reads what it keeps in memory: sets in use, series of nodes. Call once, after migrations.
  rt::Status load();

  /// kNotFound when the store does not have it. Cached.
  rt::Result<std::shared_ptr<const wire::SeriesSet>> find_set(const wire::Hash128& hash);
  /// Idempotent. kInvalid or kFull as SeriesSet::decode says.
  rt::Result<std::shared_ptr<const wire::SeriesSet>> add_set(std::string_view bytes);

  /// Ids of the set's series for this node, made if new, in the set's order. Inside a transaction.
  rt::Result<std::shared_ptr<const std::vector<SeriesId>>> series_of(NodeNo node,
                                                                     const wire::SeriesSet& set);

  /// Whether a batch that waits for compaction has this one's rank and other readings.
  rt::Result<bool> is_rank_taken(const ReadingBatch& batch);
  /// Inside the caller's transaction. Adding the same batch (same rank) again leaves one. kInvalid
  /// when the rank is taken.
  rt::Status add_batch(const ReadingBatch& batch, rt::UnixTime now);

  /// After the caller rolled a transaction back: forgets what it cached of it.
  void forget_uncommitted();

  /// Merges batches of one node into chunks, in one transaction of its own: sorted by time, one
  /// reading per series, time and boot, the highest rank wins. Returns false when there is nothing
  /// worth doing. Readers see either side of it. Safe to repeat after a crash or a failure.
  /// kCorrupt: a batch or chunk could not be decoded. It is set aside then, in a gap, and the next
  /// step goes on without it, so that each is reported once; a replay of the batch heals it.
  rt::Result<bool> compact_step(const CompactionLimits& limits, rt::UnixTime now);
  /// All that waits of a node, in as many such steps as it takes.
  rt::Status compact_all_of(NodeNo node, const CompactionLimits& limits, rt::UnixTime now);

 private:
  struct State;
  rt::Status compact_node(NodeNo node, const CompactionLimits& limits, rt::UnixTime now);
  rt::Database& db_;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "coordinator/query/query_state.h"
#include "coordinator/query/waiting_readings.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {

/// Walks the winners of one series and boot in a time range, ascending: chunks, and over them what
/// waits. At a chunk that is not decoded yet the caller may take its summary and skip it. Lives
/// inside one snapshot.
class ReadingCursor {
 public:
  ReadingCursor(QueryState& state, const SeriesRow& series, const wire::Id128& boot,
                TimeRange range, Run waiting, Masks masks);

  /// The next chunk if it lies wholly in the range and nothing waiting comes before its end; none
  /// otherwise, or when the cursor is inside it.
  rt::Result<const ChunkRow*> whole_chunk();
  void skip_chunk();

  /// Stored readings in a row over which nothing waiting comes; none where `peek` must decide.
  /// Valid until the next call of another function. `skip` passes over the first of them.
  struct Stretch {
    std::span<const std::int64_t> times;
    std::span<const std::uint64_t> values;
  };
  rt::Result<Stretch> stretch();
  void skip(std::size_t count) { at_ += count; }

  /// The next reading (its rank is not told); none at the end. Valid until `advance`.
  rt::Result<const Item*> peek();
  void advance();
  /// Of the reading that `peek` gave; empty but for strings.
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] const wire::Id128& boot() const { return boot_; }
  /// Of the reading that `peek` gave.
  [[nodiscard]] wire::Rank rank() const;

 private:
  rt::Status find_chunk();
  rt::Status find_chunks();
  rt::Status decode_chunk();
  rt::Status find_stored();
  [[nodiscard]] bool has_decoded() const { return at_ < end_; }
  [[nodiscard]] const wire::Rank& stored_rank() const;
  [[nodiscard]] const Item* waiting_item() const;

  QueryState& state_;
  SeriesRow series_;
  wire::Id128 boot_;
  TimeRange range_;
  Run waiting_;
  Masks masks_;  ///< of deletions that chunks still hold some of
  std::size_t waiting_at_ = 0;
  std::deque<ChunkRow> chunks_;  ///< found, not decoded
  std::int64_t search_from_;     ///< the next chunks end here or later
  bool found_all_ = false;
  ChunkReadings decoded_;
  std::size_t at_ = 0;   ///< next reading of the decoded chunk
  std::size_t end_ = 0;  ///< of those in the range
  Item stored_;          ///< what `peek` showed
  bool takes_waiting_ = false;
};

/// One for each boot that stamped readings of the series, ascending.
rt::Result<std::vector<ReadingCursor>> cursors_of(QueryState& state, const SeriesRow& series,
                                                  TimeRange range);
/// The same of a series whose deletions and waiting readings are known.
rt::Result<std::vector<ReadingCursor>> cursors_over(QueryState& state, const SeriesRow& series,
                                                    TimeRange range, Masks masks,
                                                    RunsByBoot waiting);

}  // namespace fieldpost::coordinator

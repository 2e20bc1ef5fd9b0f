#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

struct SeriesInfo {
  SeriesId id = 0;
  std::string node;
  wire::SeriesKey key;
  std::uint64_t count = 0;      ///< may include replaced readings until compaction
  std::int64_t first_time = 0;  ///< ns
  std::int64_t last_time = 0;
};

struct SeriesFilter {
  std::string node, measurement, field;                   ///< empty: any
  std::vector<std::pair<std::string, std::string>> tags;  ///< all must match
};

struct Reading {
  std::int64_t time = 0;
  std::uint64_t value = 0;  ///< bits as in wire::Column; 0 for strings
  std::string text;         ///< kString only
  wire::Id128 boot;         ///< zero unless stamped by a node with an unsynchronised clock
};

struct TimeRange {
  std::int64_t from = INT64_MIN;  ///< included
  std::int64_t to = INT64_MAX;    ///< excluded
};

struct Bucket {
  std::int64_t time = 0;  ///< start of the bucket
  std::uint64_t count = 0;
  double min = 0, max = 0, mean = 0, first = 0, last = 0;
};

struct QueryState;

/// Questions to the store about readings, over a read-only connection of its own; one thread (a
/// worker). No read transaction outlives a call (A4): long ranges are read page by page.
/// kCorrupt: a batch or chunk could not be decoded. Each is reported once by an object, which then
/// leaves it out.
class ReadingQuery {
 public:
  /// Opens the store's file read-only.
  static rt::Result<ReadingQuery> open(const std::string& path, const std::string& vfs);
  ReadingQuery(ReadingQuery&&) noexcept;
  ReadingQuery& operator=(ReadingQuery&&) noexcept;
  ~ReadingQuery();

  /// Ordered by id, ids above `after`, at most `limit`.
  rt::Result<std::vector<SeriesInfo>> series(const SeriesFilter& filter, SeriesId after,
                                             std::size_t limit);
  rt::Result<std::vector<SeriesInfo>> series_by_id(const std::vector<SeriesId>& ids);

  /// The winners in [from, to), ascending by time (equal times of different boots by boot), at most
  /// `limit`. The next page begins at the last time + 1; a page never ends inside equal times, and
  /// exceeds `limit` only when the first of its times has more readings than that. An empty page is
  /// the end. kNotFound: no such series.
  rt::Result<std::vector<Reading>> readings(SeriesId series, TimeRange range, std::size_t limit);

  /// At most `points` buckets of equal width over [from, to) (over the series' span when open).
  /// Empty buckets are left out, and so are NaN. kInvalid for string series and for no points;
  /// kNotFound: no such series.
  rt::Result<std::vector<Bucket>> aggregate(SeriesId series, TimeRange range, std::size_t points);

  /// The reading with the highest time of each series; missing series are left out.
  rt::Result<std::vector<std::pair<SeriesId, Reading>>> last(const std::vector<SeriesId>& ids);

 private:
  explicit ReadingQuery(std::unique_ptr<QueryState> state);
  std::unique_ptr<QueryState> state_;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "coordinator/query/time_range.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kBucketsPerSeriesMax = 100'000;

struct Bucket {
  std::int64_t time = 0;  ///< start of the bucket, ns
  std::uint64_t count = 0;
  double min = 0, max = 0, mean = 0, first = 0, last = 0;
  std::int64_t first_time = 0, last_time = 0;  ///< of the readings that gave `first` and `last`
};

/// `count` buckets of `width` ns, one after the other from `from` on.
struct BucketGrid {
  std::int64_t from = 0;
  std::uint64_t width = 1;
  std::size_t count = 0;

  /// At most `points` buckets of equal width over a range that is closed; none over an empty one.
  [[nodiscard]] static BucketGrid split(TimeRange range, std::size_t points);
  /// Buckets that begin at multiples of `width` since 1970. kInvalid: more than
  /// kBucketsPerSeriesMax.
  [[nodiscard]] static rt::Result<BucketGrid> align(TimeRange range, std::uint64_t width);

  [[nodiscard]] std::size_t index_of(std::int64_t time) const;
  [[nodiscard]] std::int64_t start_of(std::size_t index) const;
};

/// What stands in buckets without readings.
struct Fill {
  enum class With : std::uint8_t { kNothing, kNull, kPrevious, kLinear, kValue };
  With with = With::kNothing;  ///< kNothing: such buckets are left out
  double value = 0;            ///< kValue only
};

/// Joins buckets of one grid, both ascending, as if their readings had been of one series.
[[nodiscard]] std::vector<Bucket> merge(const std::vector<Bucket>& a, const std::vector<Bucket>& b);

/// All buckets of the grid; those that were missing have count 0, and NaN where nothing can be
/// said (kNull; before the first for kPrevious, and after the last too for kLinear).
[[nodiscard]] std::vector<Bucket> fill(const std::vector<Bucket>& found, const BucketGrid& grid,
                                       Fill with);

}  // namespace fieldpost::coordinator

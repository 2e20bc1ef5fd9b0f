#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/query/boot_offsets.h"
#include "coordinator/query/buckets.h"
#include "coordinator/query/calibration.h"
#include "coordinator/query/time_range.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/replacement.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/body.h"
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

[[nodiscard]] bool matches(const SeriesInfo& series, const SeriesFilter& filter);

struct Reading {
  std::int64_t time = 0;
  std::uint64_t value = 0;  ///< bits as in wire::Column, of a double if calibrated; 0 for strings
  std::string text;         ///< kString only
  wire::Id128 boot;         ///< zero unless stamped by a node with an unsynchronised clock
};

/// Readings of one series, ascending by time.
struct ReadingColumns {
  std::vector<std::int64_t> times;    ///< ns
  std::vector<std::uint64_t> values;  ///< bits as in wire::Column; 0 for strings
  std::vector<std::string> texts;     ///< kString only, one each
  std::set<wire::Id128> corrected;    ///< boots of which times among them were corrected
  void clear() {
    corrected.clear();
    times.clear();
    values.clear();
    texts.clear();
  }
};

/// With the name under which it was first accepted, in the order of names.
struct RankedReading : Reading {
  wire::Rank rank;
};

/// What is put into buckets.
enum class Derived : std::uint8_t {
  kNone,        ///< the readings
  kDerivative,  ///< of each reading the change since the one before it, a second
  kRate,        ///< the same of a counter: one that fell began again at zero
};

struct Extent {
  std::uint64_t series = 0;  ///< that have any
  std::uint64_t readings = 0;
  std::uint64_t bytes = 0;  ///< of compacted ones in the file, about
};

/// What was taken out of the readings of a node, by request or by a rule.
struct Hole {
  std::int64_t gap = 0;  ///< its id among the gaps
  std::string node;
  std::int64_t first_time = 0, last_time = 0;  ///< both included
  bool by_rule = false;
  std::string reason;
};

/// What is known of a body.
struct BodyInfo {
  std::uint64_t size = 0;
  std::string type;
  bool complete = false;  ///< it is a file
};

/// A reading that tells of a body.
struct BodyReading {
  std::int64_t time = 0;
  wire::BodyReference reference;
  bool complete = false;
};

struct BodyPage {
  std::vector<BodyReading> readings;
  std::optional<std::int64_t> next;  ///< where the next page begins; none: it was the last
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
  /// The same of all series, without their counts and times, which cost the most.
  rt::Result<std::vector<SeriesInfo>> series_keys(SeriesId after, std::size_t limit);
  rt::Result<std::vector<SeriesInfo>> series_by_id(const std::vector<SeriesId>& ids);

  /// The winners in [from, to), ascending by time (equal times of different boots by boot), at most
  /// `limit`. The next page begins at the last time + 1; a page never ends inside equal times, and
  /// exceeds `limit` only when the first of its times has more readings than that. An empty page is
  /// the end. Calibrated when the series has a calibration and is none of strings. kNotFound: no
  /// such series.
  rt::Result<std::vector<Reading>> readings(SeriesId series, TimeRange range, std::size_t limit,
                                            const Calibrations& calibrations = {});
  rt::Result<std::vector<RankedReading>> ranked_readings(SeriesId series, TimeRange range,
                                                         std::size_t limit);

  /// The same winners as columns, a great many at a time. Times are corrected where `offsets` has
  /// their boot, and `range` is of corrected times. `out` is replaced by at most `limit` of them
  /// (more when the first time has more), fewer when their texts have some MiB; whether there are
  /// more after its last time.
  rt::Result<bool> columns(SeriesId series, TimeRange range, std::size_t limit,
                           const BootOffsets& offsets, ReadingColumns& out);

  /// The open ends of `range` closed at the first and last reading of all these series; an empty
  /// range when there is none. kNotFound: no such series.
  rt::Result<TimeRange> close(const std::vector<SeriesId>& series, TimeRange range);

  /// The buckets of a grid over `range`, which is closed. Empty buckets are left out, and so are
  /// NaN. A change belongs to the time of its later reading; the first reading of the range (and of
  /// each boot) has none. Changes are computed in doubles. All of it is of calibrated values when
  /// the series has a calibration. kInvalid for string series; kNotFound: no such series.
  rt::Result<std::vector<Bucket>> aggregate(SeriesId series, TimeRange range,
                                            const BucketGrid& grid, Derived derived,
                                            const Calibrations& calibrations = {});
  /// At most `points` buckets of equal width over [from, to) (over the series' span when open).
  /// kInvalid also for no points.
  rt::Result<std::vector<Bucket>> aggregate(SeriesId series, TimeRange range, std::size_t points);

  /// How much these series have in [from, to), together. Decodes no chunk that lies wholly inside,
  /// and what waits once for all of a node. kNotFound: no such series.
  rt::Result<Extent> extent(const std::vector<SeriesId>& ids, TimeRange range);
  /// What was deleted of these series in [from, to), by gap.
  rt::Result<std::vector<Hole>> holes(const std::vector<SeriesId>& ids, TimeRange range);

  /// What was made anew of raw messages of a node's source, in the order in which it was.
  rt::Result<std::vector<ReplayRecord>> replays(const std::string& node, const std::string& source);

  /// nullopt: no fragment of it ever came.
  rt::Result<std::optional<BodyInfo>> find_body(const wire::Sha256Digest& hash);
  /// Those among the series' readings in [from, to) that tell of bodies, by time; at most `limit`,
  /// or more of one time. kNotFound: no such series.
  rt::Result<BodyPage> body_readings(SeriesId series, TimeRange range, std::size_t limit);
  /// The last one that is complete; nullopt also when it lies behind too many that are not.
  /// kNotFound: no such series.
  rt::Result<std::optional<BodyReading>> last_body(SeriesId series);

  /// The reading with the highest time of each series, calibrated like those of `readings`; missing
  /// series are left out.
  rt::Result<std::vector<std::pair<SeriesId, Reading>>> last(const std::vector<SeriesId>& ids,
                                                             const Calibrations& calibrations = {});

 private:
  explicit ReadingQuery(std::unique_ptr<QueryState> state);
  rt::Result<std::optional<BodyReading>> body_reading(const Reading& reading);
  std::unique_ptr<QueryState> state_;
};

}  // namespace fieldpost::coordinator

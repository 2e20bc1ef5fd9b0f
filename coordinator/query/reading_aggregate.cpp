#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_cursor.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/query/series_totals.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

/// What stored values of a series mean.
struct Meaning {
  wire::ValueType type;
  const Calibration& calibration;
  [[nodiscard]] double number(std::uint64_t bits) const {
    return calibration.apply(number_of(bits, type));
  }
};

/// One bucket while it fills. Boots come one after the other, so times do not ascend over all.
struct Filling {
  std::uint64_t count = 0;
  double min = INFINITY, max = -INFINITY, sum = 0, first = 0, last = 0;
  std::pair<std::int64_t, wire::Id128> first_at{};
  std::pair<std::int64_t, wire::Id128> last_at{};
};

/// What goes into a bucket at once: a reading, or a whole chunk.
struct Part {
  std::uint64_t count = 0;
  Summary summary;
  std::int64_t first_time = 0, last_time = 0;
  double first = 0, last = 0;
};

void add(Filling& bucket, const Part& part, const wire::Id128& boot) {
  const std::pair first_at{part.first_time, boot};
  const std::pair last_at{part.last_time, boot};
  if (bucket.count == 0 || first_at < bucket.first_at) {
    std::tie(bucket.first_at, bucket.first) = std::pair{first_at, part.first};
  }
  if (bucket.count == 0 || last_at > bucket.last_at) {
    std::tie(bucket.last_at, bucket.last) = std::pair{last_at, part.last};
  }
  bucket.count += part.count;
  bucket.min = std::min(bucket.min, part.summary.min);
  bucket.max = std::max(bucket.max, part.summary.max);
  bucket.sum += part.summary.sum;
}

Part part_of(const Item& item, const Meaning& meaning) {
  const double value = meaning.number(item.value);
  return {1, {value, value, value}, item.time, item.time, value, value};
}

/// Of calibrated values, by the summary of stored ones; none where it does not follow from that.
std::optional<Summary> calibrated(const ChunkRow& chunk, const Calibration& calibration) {
  if (!chunk.summary || calibration.is_none()) return chunk.summary;
  if (!calibration.is_linear()) return std::nullopt;
  const double offset = calibration.apply(0);
  const double scale = calibration.coefficients.size() == 2 ? calibration.coefficients[1] : 0;
  const double a = calibration.apply(chunk.summary->min);
  const double b = calibration.apply(chunk.summary->max);
  const double sum = chunk.summary->sum * scale + static_cast<double>(chunk.count) * offset;
  // Buckets leave out NaN, which values may become here: then each has to be looked at.
  if (std::isnan(a) || std::isnan(b) || std::isnan(sum)) return std::nullopt;
  return Summary{std::min(a, b), std::max(a, b), sum};
}

class Buckets {
 public:
  explicit Buckets(const BucketGrid& grid) : grid_(grid), filling_(grid.count) {}
  [[nodiscard]] std::size_t index_of(std::int64_t time) const { return grid_.index_of(time); }
  Filling& at(std::int64_t time) { return filling_[index_of(time)]; }

  [[nodiscard]] std::vector<Bucket> take() const {
    std::vector<Bucket> out;
    for (std::size_t i = 0; i < filling_.size(); ++i) {
      const Filling& in = filling_[i];
      if (in.count == 0) continue;
      out.push_back({grid_.start_of(i), in.count, in.min, in.max,
                     in.sum / static_cast<double>(in.count), in.first, in.last, in.first_at.first,
                     in.last_at.first});
    }
    return out;
  }

 private:
  BucketGrid grid_;
  std::vector<Filling> filling_;
};

/// Of values without NaN; with one among them the sum is NaN. Four at a time, since each sum waits
/// for the one before it.
template <wire::ValueType kType>
Summary summary_of(std::span<const std::uint64_t> values) {
  constexpr std::size_t kLanes = 4;
  std::array<double, kLanes> min, max, sum;
  min.fill(INFINITY);
  max.fill(-INFINITY);
  sum.fill(0);
  const auto take = [&](std::size_t lane, std::uint64_t bits) {
    const double value = number_of(bits, kType);
    min[lane] = value < min[lane] ? value : min[lane];
    max[lane] = value > max[lane] ? value : max[lane];
    sum[lane] += value;
  };
  const std::size_t even = values.size() - values.size() % kLanes;
  for (std::size_t i = 0; i < even; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, values[i + lane]);
  }
  for (std::size_t i = even; i < values.size(); ++i) take(0, values[i]);
  return {*std::min_element(min.begin(), min.end()), *std::max_element(max.begin(), max.end()),
          sum[0] + sum[1] + sum[2] + sum[3]};
}

Summary summary_of(std::span<const std::uint64_t> values, wire::ValueType type) {
  switch (type) {
    case wire::ValueType::kF64: return summary_of<wire::ValueType::kF64>(values);
    case wire::ValueType::kI64: return summary_of<wire::ValueType::kI64>(values);
    default: return summary_of<wire::ValueType::kU64>(values);
  }
}

/// Readings of one bucket that ascend; NaN are left out.
Part part_of(const ReadingCursor::Stretch& in, wire::ValueType type) {
  Part part{
      in.values.size(), summary_of(in.values, type),        in.times.front(),
      in.times.back(),  number_of(in.values.front(), type), number_of(in.values.back(), type)};
  if (!std::isnan(part.summary.sum)) return part;
  part = {0, {INFINITY, -INFINITY, 0}, 0, 0, 0, 0};
  for (std::size_t i = 0; i < in.values.size(); ++i) {
    const double value = number_of(in.values[i], type);
    if (std::isnan(value)) continue;
    if (part.count++ == 0) std::tie(part.first_time, part.first) = std::pair{in.times[i], value};
    std::tie(part.last_time, part.last) = std::pair{in.times[i], value};
    part.summary.min = std::min(part.summary.min, value);
    part.summary.max = std::max(part.summary.max, value);
    part.summary.sum += value;
  }
  return part;
}

void fill(Buckets& buckets, const ReadingCursor::Stretch& in, const wire::Id128& boot,
          wire::ValueType type) {
  for (std::size_t from = 0; from < in.times.size();) {
    const std::size_t bucket = buckets.index_of(in.times[from]);
    const auto past =
        std::partition_point(in.times.begin() + static_cast<std::ptrdiff_t>(from), in.times.end(),
                             [&](std::int64_t time) { return buckets.index_of(time) == bucket; });
    const auto to = static_cast<std::size_t>(past - in.times.begin());
    const Part part =
        part_of({in.times.subspan(from, to - from), in.values.subspan(from, to - from)}, type);
    if (part.count > 0) add(buckets.at(in.times[from]), part, boot);
    from = to;
  }
}

/// Takes the next chunk by its summary if it fits into one bucket.
rt::Result<bool> take_summary(Buckets& buckets, ReadingCursor& cursor, const Meaning& meaning) {
  const auto found = cursor.whole_chunk();
  if (!found) return found.error();
  const ChunkRow* chunk = *found;
  if (chunk == nullptr) return false;
  if (buckets.index_of(chunk->first_time) != buckets.index_of(chunk->last_time)) return false;
  const auto summary = calibrated(*chunk, meaning.calibration);
  if (!summary) return false;
  const Part part{chunk->count,
                  *summary,
                  chunk->first_time,
                  chunk->last_time,
                  meaning.number(chunk->first),
                  meaning.number(chunk->last)};
  add(buckets.at(chunk->first_time), part, cursor.boot());
  cursor.skip_chunk();
  return true;
}

/// The values of a stretch as calibrated doubles, in `out`.
ReadingCursor::Stretch calibrated(const ReadingCursor::Stretch& in, const Meaning& meaning,
                                  std::vector<std::uint64_t>& out) {
  out.clear();
  for (const std::uint64_t bits : in.values) {
    out.push_back(std::bit_cast<std::uint64_t>(meaning.number(bits)));
  }
  return {in.times, out};
}

rt::Status fill(Buckets& buckets, ReadingCursor& cursor, const Meaning& meaning) {
  std::vector<std::uint64_t> doubles;
  for (;;) {
    const auto taken = take_summary(buckets, cursor, meaning);
    if (!taken) return taken.error();
    if (*taken) continue;
    const auto stretch = cursor.stretch();
    if (!stretch) return stretch.error();
    if (meaning.calibration.is_none()) {
      fill(buckets, *stretch, cursor.boot(), meaning.type);
    } else {
      fill(buckets, calibrated(*stretch, meaning, doubles), cursor.boot(), wire::ValueType::kF64);
    }
    cursor.skip(stretch->times.size());
    if (!stretch->times.empty()) continue;
    const auto item = cursor.peek();
    if (!item) return item.error();
    if (*item == nullptr) return rt::ok();
    const Part part = part_of(**item, meaning);
    if (!std::isnan(part.first)) add(buckets.at((*item)->time), part, cursor.boot());
    cursor.advance();
  }
}

/// Changes a second between the readings of one boot.
class Changes {
 public:
  Changes(Derived derived, const Calibration& calibration)
      : derived_(derived), calibration_(calibration) {}

  /// `value` as it is stored: whether a counter fell, its stored values tell.
  void take(std::int64_t time, double value) {
    if (std::isnan(value)) return;
    if (has_last_) {
      const bool begins_again = derived_ == Derived::kRate && value < last_value_;
      const double from = begins_again ? 0 : last_value_;
      const double change = calibration_.apply(value) - calibration_.apply(from);
      times_.push_back(time);
      values_.push_back(std::bit_cast<std::uint64_t>(change / seconds_since_last(time)));
    }
    has_last_ = true;
    last_time_ = time;
    last_value_ = value;
  }
  /// What was not taken yet; valid until the next `take`.
  [[nodiscard]] ReadingCursor::Stretch found() const { return {times_, values_}; }
  void clear() {
    times_.clear();
    values_.clear();
  }

 private:
  [[nodiscard]] double seconds_since_last(std::int64_t time) const {
    const auto ns = static_cast<std::uint64_t>(time) - static_cast<std::uint64_t>(last_time_);
    return static_cast<double>(ns) / 1e9;
  }

  Derived derived_;
  const Calibration& calibration_;
  bool has_last_ = false;
  std::int64_t last_time_ = 0;
  double last_value_ = 0;
  std::vector<std::int64_t> times_;
  std::vector<std::uint64_t> values_;
};

rt::Status fill_changes(Buckets& buckets, ReadingCursor& cursor, const Meaning& meaning,
                        Derived derived) {
  Changes changes(derived, meaning.calibration);
  for (;;) {
    const auto stretch = cursor.stretch();
    if (!stretch) return stretch.error();
    const std::size_t count = stretch->times.size();
    for (std::size_t i = 0; i < count; ++i) {
      changes.take(stretch->times[i], number_of(stretch->values[i], meaning.type));
    }
    cursor.skip(count);
    if (count == 0) {
      const auto item = cursor.peek();
      if (!item) return item.error();
      if (*item == nullptr) return rt::ok();
      changes.take((*item)->time, number_of((*item)->value, meaning.type));
      cursor.advance();
    }
    fill(buckets, changes.found(), cursor.boot(), wire::ValueType::kF64);
    changes.clear();
  }
}

}  // namespace

rt::Result<TimeRange> ReadingQuery::close(const std::vector<SeriesId>& series, TimeRange range) {
  if (range.from != INT64_MIN && range.to != INT64_MAX) return range;
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  TimeRange all{INT64_MAX, INT64_MIN};
  for (const SeriesId id : series) {
    const auto row = find_series(state_->db, id);
    if (!row) return row.error();
    const auto closed = close_range(*state_, *row, range);
    if (!closed) return closed.error();
    if (closed->from >= closed->to) continue;
    all = {std::min(all.from, closed->from), std::max(all.to, closed->to)};
  }
  return all.from < all.to ? all : TimeRange{0, 0};
}

rt::Result<std::vector<Bucket>> ReadingQuery::aggregate(SeriesId series, TimeRange range,
                                                        const BucketGrid& grid, Derived derived,
                                                        const Calibrations& calibrations) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  const auto row = find_series(state_->db, series);
  if (!row) return row.error();
  if (row->type == wire::ValueType::kString) {
    return Error{Errc::kInvalid, "aggregating a series of strings"};
  }
  if (range.from >= range.to) return std::vector<Bucket>();
  auto cursors = cursors_of(*state_, *row, range);
  if (!cursors) return cursors.error();
  Buckets buckets(grid);
  const Meaning meaning{row->type, calibration_of(calibrations, series)};
  for (ReadingCursor& cursor : *cursors) {
    auto done = derived == Derived::kNone ? fill(buckets, cursor, meaning)
                                          : fill_changes(buckets, cursor, meaning, derived);
    if (!done) return done.error();
  }
  return buckets.take();
}

rt::Result<std::vector<Bucket>> ReadingQuery::aggregate(SeriesId series, TimeRange range,
                                                        std::size_t points) {
  if (points == 0) return Error{Errc::kInvalid, "aggregating into no points"};
  const auto closed = close({series}, range);
  if (!closed) return closed.error();
  return aggregate(series, *closed, BucketGrid::split(*closed, points), Derived::kNone);
}

}  // namespace fieldpost::coordinator

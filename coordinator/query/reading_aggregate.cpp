#include <algorithm>
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

constexpr std::size_t kBucketsMax = 100'000;  // more points: this many

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

Part part_of(const Item& item, wire::ValueType type) {
  const double value = number_of(item.value, type);
  return {1, {value, value, value}, item.time, item.time, value, value};
}

Part part_of(const ChunkRow& chunk, wire::ValueType type) {
  return {chunk.count,
          *chunk.summary,
          chunk.first_time,
          chunk.last_time,
          number_of(chunk.first, type),
          number_of(chunk.last, type)};
}

std::uint64_t distance(std::int64_t from, std::int64_t to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

/// Equal widths over a range; the last one may reach beyond it.
class Buckets {
 public:
  Buckets(TimeRange range, std::size_t points)
      : from_(range.from), width_((distance(range.from, range.to) - 1) / points + 1) {
    filling_.resize(static_cast<std::size_t>((distance(range.from, range.to) - 1) / width_) + 1);
  }
  [[nodiscard]] std::size_t index_of(std::int64_t time) const {
    return static_cast<std::size_t>(distance(from_, time) / width_);
  }
  Filling& at(std::int64_t time) { return filling_[index_of(time)]; }

  [[nodiscard]] std::vector<Bucket> take() const {
    std::vector<Bucket> out;
    for (std::size_t i = 0; i < filling_.size(); ++i) {
      const Filling& in = filling_[i];
      if (in.count == 0) continue;
      const auto start = static_cast<std::uint64_t>(from_) + i * width_;
      out.push_back({static_cast<std::int64_t>(start), in.count, in.min, in.max,
                     in.sum / static_cast<double>(in.count), in.first, in.last});
    }
    return out;
  }

 private:
  std::int64_t from_;
  std::uint64_t width_;
  std::vector<Filling> filling_;
};

/// Readings of one bucket that ascend; NaN are left out.
Part part_of(const ReadingCursor::Stretch& in, std::size_t from, std::size_t to,
             wire::ValueType type) {
  Part part{0, {INFINITY, -INFINITY, 0}, 0, 0, 0, 0};
  for (std::size_t i = from; i < to; ++i) {
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
    const Part part = part_of(in, from, to, type);
    if (part.count > 0) add(buckets.at(in.times[from]), part, boot);
    from = to;
  }
}

/// Takes the next chunk by its summary if it fits into one bucket.
rt::Result<bool> take_summary(Buckets& buckets, ReadingCursor& cursor, wire::ValueType type) {
  const auto found = cursor.whole_chunk();
  if (!found) return found.error();
  const ChunkRow* chunk = *found;
  if (chunk == nullptr || !chunk->summary) return false;
  if (buckets.index_of(chunk->first_time) != buckets.index_of(chunk->last_time)) return false;
  add(buckets.at(chunk->first_time), part_of(*chunk, type), cursor.boot());
  cursor.skip_chunk();
  return true;
}

rt::Status fill(Buckets& buckets, ReadingCursor& cursor, wire::ValueType type) {
  for (;;) {
    const auto taken = take_summary(buckets, cursor, type);
    if (!taken) return taken.error();
    if (*taken) continue;
    const auto stretch = cursor.stretch();
    if (!stretch) return stretch.error();
    fill(buckets, *stretch, cursor.boot(), type);
    cursor.skip(stretch->times.size());
    if (!stretch->times.empty()) continue;
    const auto item = cursor.peek();
    if (!item) return item.error();
    if (*item == nullptr) return rt::ok();
    const Part part = part_of(**item, type);
    if (!std::isnan(part.first)) add(buckets.at((*item)->time), part, cursor.boot());
    cursor.advance();
  }
}

}  // namespace

rt::Result<std::vector<Bucket>> ReadingQuery::aggregate(SeriesId series, TimeRange range,
                                                        std::size_t points) {
  if (points == 0) return Error{Errc::kInvalid, "aggregating into no points"};
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  const auto row = find_series(state_->db, series);
  if (!row) return row.error();
  if (row->type == wire::ValueType::kString) {
    return Error{Errc::kInvalid, "aggregating a series of strings"};
  }
  const auto closed = close_range(*state_, *row, range);
  if (!closed) return closed.error();
  if (closed->from >= closed->to) return std::vector<Bucket>();
  auto cursors = cursors_of(*state_, *row, *closed);
  if (!cursors) return cursors.error();
  Buckets buckets(*closed, std::min(points, kBucketsMax));
  for (ReadingCursor& cursor : *cursors) {
    if (auto done = fill(buckets, cursor, row->type); !done) return done.error();
  }
  return buckets.take();
}

}  // namespace fieldpost::coordinator

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

rt::Status fill(Buckets& buckets, ReadingCursor& cursor, wire::ValueType type) {
  for (;;) {
    const auto chunk = cursor.whole_chunk();
    if (!chunk) return chunk.error();
    if (*chunk != nullptr && (*chunk)->summary &&
        buckets.index_of((*chunk)->first_time) == buckets.index_of((*chunk)->last_time)) {
      add(buckets.at((*chunk)->first_time), part_of(**chunk, type), cursor.boot());
      cursor.skip_chunk();
      continue;
    }
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

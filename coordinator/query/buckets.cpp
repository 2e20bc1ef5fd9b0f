#include "coordinator/query/buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fieldpost::coordinator {
namespace {

constexpr std::array kNumbers = {&Bucket::min, &Bucket::max, &Bucket::mean, &Bucket::first,
                                 &Bucket::last};

std::uint64_t distance(std::int64_t from, std::int64_t to) {
  return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

Bucket join(const Bucket& a, const Bucket& b) {
  Bucket out = a;
  const double total = static_cast<double>(a.count + b.count);
  out.count = a.count + b.count;
  out.min = std::min(a.min, b.min);
  out.max = std::max(a.max, b.max);
  out.mean = a.mean * (static_cast<double>(a.count) / total) +
             b.mean * (static_cast<double>(b.count) / total);
  if (b.first_time < a.first_time) {
    out.first = b.first;
    out.first_time = b.first_time;
  }
  if (b.last_time >= a.last_time) {
    out.last = b.last;
    out.last_time = b.last_time;
  }
  return out;
}

Bucket empty_bucket(std::int64_t time, double value) {
  return {time, 0, value, value, value, value, value, time, time};
}

/// On the straight line from `a` to `b`, each number for itself.
Bucket between(const Bucket& a, const Bucket& b, std::int64_t time) {
  Bucket out = empty_bucket(time, 0);
  const double part =
      static_cast<double>(distance(a.time, time)) / static_cast<double>(distance(a.time, b.time));
  for (const auto number : kNumbers) out.*number = a.*number + (b.*number - a.*number) * part;
  return out;
}

/// For the bucket at `time`, which has no readings. Either neighbour may be missing.
Bucket filled(const Bucket* before, const Bucket* after, std::int64_t time, Fill with) {
  if (with.with == Fill::With::kValue) return empty_bucket(time, with.value);
  if (with.with == Fill::With::kPrevious && before != nullptr) {
    return empty_bucket(time, before->last);
  }
  if (with.with == Fill::With::kLinear && before != nullptr && after != nullptr) {
    return between(*before, *after, time);
  }
  return empty_bucket(time, NAN);
}

}  // namespace

BucketGrid BucketGrid::split(TimeRange range, std::size_t points) {
  if (range.from >= range.to) return {range.from, 1, 0};
  const std::uint64_t last = distance(range.from, range.to) - 1;
  const std::uint64_t width = last / std::min(points, kBucketsPerSeriesMax) + 1;
  return {range.from, width, static_cast<std::size_t>(last / width) + 1};
}

rt::Result<BucketGrid> BucketGrid::align(TimeRange range, std::uint64_t width) {
  if (range.from >= range.to) return BucketGrid{range.from, width, 0};
  const auto signed_width = static_cast<std::int64_t>(width);
  std::int64_t past = range.from % signed_width;
  if (past < 0) past += signed_width;
  std::int64_t from = 0;
  if (__builtin_sub_overflow(range.from, past, &from)) from = range.from;
  const std::uint64_t count = (distance(from, range.to) - 1) / width + 1;
  if (count <= kBucketsPerSeriesMax)
    return BucketGrid{from, width, static_cast<std::size_t>(count)};
  return rt::Error{rt::Errc::kInvalid,
                   fmt::format("{} buckets of this width; at most {} are given: take a wider one",
                               count, kBucketsPerSeriesMax)};
}

std::size_t BucketGrid::index_of(std::int64_t time) const {
  return static_cast<std::size_t>(distance(from, time) / width);
}

std::int64_t BucketGrid::start_of(std::size_t index) const {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(from) + index * width);
}

std::vector<Bucket> merge(const std::vector<Bucket>& a, const std::vector<Bucket>& b) {
  std::vector<Bucket> out;
  out.reserve(a.size() + b.size());
  auto left = a.begin();
  auto right = b.begin();
  while (left != a.end() || right != b.end()) {
    if (right == b.end() || (left != a.end() && left->time < right->time)) {
      out.push_back(*left++);
    } else if (left == a.end() || right->time < left->time) {
      out.push_back(*right++);
    } else {
      out.push_back(join(*left++, *right++));
    }
  }
  return out;
}

std::vector<Bucket> fill(const std::vector<Bucket>& found, const BucketGrid& grid, Fill with) {
  if (with.with == Fill::With::kNothing) return found;
  std::vector<Bucket> out;
  out.reserve(grid.count);
  auto next = found.begin();
  for (std::size_t i = 0; i < grid.count; ++i) {
    const std::int64_t time = grid.start_of(i);
    if (next != found.end() && next->time == time) {
      out.push_back(*next++);
      continue;
    }
    const Bucket* before = next == found.begin() ? nullptr : &*(next - 1);
    const Bucket* after = next == found.end() ? nullptr : &*next;
    out.push_back(filled(before, after, time, with));
  }
  return out;
}

}  // namespace fieldpost::coordinator

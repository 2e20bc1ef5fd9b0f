// Readings as columns, a great many at a time: what exports are made of.
#include <algorithm>
#include <set>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_cursor.h"
#include "coordinator/query/reading_query.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;

constexpr std::size_t kPageTextBytes = 8 << 20;

/// One boot's readings, whose times are `offset` too low.
struct Lane {
  ReadingCursor cursor;
  std::int64_t offset = 0;
  bool is_corrected = false;
};

/// The part of a range that corrected times can lie in, in stored times.
TimeRange stored_range(TimeRange range, std::int64_t offset) {
  const auto shifted = [&](std::int64_t time) {
    std::int64_t out = 0;
    if (!__builtin_sub_overflow(time, offset, &out)) return out;
    return offset > 0 ? INT64_MIN : INT64_MAX;
  };
  return {range.from == INT64_MIN ? INT64_MIN : shifted(range.from),
          range.to == INT64_MAX ? INT64_MAX : shifted(range.to)};
}

rt::Status add_corrected_lane(QueryState& state, const SeriesRow& series, const wire::Id128& boot,
                              TimeRange range, std::int64_t offset, std::vector<Lane>& lanes) {
  auto cursors = cursors_of(state, series, stored_range(range, offset));
  if (!cursors) return cursors.error();
  for (ReadingCursor& cursor : *cursors) {
    if (cursor.boot() == boot) lanes.push_back({std::move(cursor), offset, true});
  }
  return rt::ok();
}

/// One for each boot that may have readings in the range, ascending by boot.
Result<std::vector<Lane>> lanes_of(QueryState& state, const SeriesRow& series, TimeRange range,
                                   const BootOffsets& offsets) {
  std::vector<Lane> lanes;
  auto cursors = cursors_of(state, series, range);
  if (!cursors) return cursors.error();
  for (ReadingCursor& cursor : *cursors) {
    if (!offsets.contains(cursor.boot())) lanes.push_back({std::move(cursor)});
  }
  if (offsets.empty()) return lanes;
  auto boots = boots_of(state.db, series.id);
  if (!boots) return boots.error();
  const auto waiting = waiting_batches(state.db, series.node);
  if (!waiting) return waiting.error();
  for (const BatchRow& batch : *waiting) boots->push_back(batch.boot);
  for (const wire::Id128& boot : std::set(boots->begin(), boots->end())) {
    const auto offset = offsets.find(boot);
    if (offset == offsets.end()) continue;
    auto done = add_corrected_lane(state, series, boot, range, offset->second, lanes);
    if (!done) return done.error();
  }
  return lanes;
}

void add_value(const ReadingCursor& cursor, const SeriesRow& series, std::uint64_t value,
               ReadingColumns& out) {
  const bool is_text = series.type == wire::ValueType::kString;
  out.values.push_back(is_text ? 0 : value);
  if (is_text) out.texts.push_back(cursor.text());
}

void note_taken(const Lane& lane, ReadingColumns& out) {
  if (lane.is_corrected) out.corrected.insert(lane.cursor.boot());
}

/// Takes what lies in a row in the only lane; how many readings.
Result<std::size_t> take_stretch(Lane& lane, const SeriesRow& series, std::size_t room,
                                 ReadingColumns& out) {
  if (series.type == wire::ValueType::kString) return std::size_t{0};
  const auto stretch = lane.cursor.stretch();
  if (!stretch) return stretch.error();
  const std::size_t count = std::min(room, stretch->times.size());
  const auto times = stretch->times.first(count);
  if (lane.offset == 0) {
    out.times.insert(out.times.end(), times.begin(), times.end());
  } else {
    for (const std::int64_t time : times) out.times.push_back(time + lane.offset);
  }
  out.values.insert(out.values.end(), stretch->values.begin(),
                    stretch->values.begin() + static_cast<std::ptrdiff_t>(count));
  lane.cursor.skip(count);
  if (count > 0) note_taken(lane, out);
  return count;
}

struct Next {
  Lane* lane = nullptr;  ///< null: there is none
  std::int64_t time = 0;
};

Result<Next> earliest(std::vector<Lane>& lanes) {
  Next best;
  for (Lane& lane : lanes) {
    const auto item = lane.cursor.peek();
    if (!item) return item.error();
    if (*item == nullptr) continue;
    const std::int64_t time = (*item)->time + lane.offset;
    if (best.lane == nullptr || time < best.time) best = {&lane, time};
  }
  return best;
}

}  // namespace

Result<bool> ReadingQuery::columns(SeriesId series, TimeRange range, std::size_t limit,
                                   const BootOffsets& offsets, ReadingColumns& out) {
  out.clear();
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  const auto row = find_series(state_->db, series);
  if (!row) return row.error();
  if (limit == 0 || range.from >= range.to) return false;
  auto lanes = lanes_of(*state_, *row, range, offsets);
  if (!lanes) return lanes.error();
  for (std::size_t text_bytes = 0;;) {
    if (lanes->size() == 1 && out.times.size() < limit) {
      const auto taken = take_stretch(lanes->front(), *row, limit - out.times.size(), out);
      if (!taken) return taken.error();
      if (*taken > 0) continue;
    }
    const auto next = earliest(*lanes);
    if (!next) return next.error();
    if (next->lane == nullptr) return false;
    // A page ends before a time of which it would have only some.
    const bool is_full = out.times.size() >= limit || text_bytes >= kPageTextBytes;
    if (is_full && out.times.back() != next->time) return true;
    const auto item = next->lane->cursor.peek();
    if (!item) return item.error();
    out.times.push_back(next->time);
    add_value(next->lane->cursor, *row, (*item)->value, out);
    if (!out.texts.empty()) text_bytes += out.texts.back().size();
    note_taken(*next->lane, out);
    next->lane->cursor.advance();
  }
}

}  // namespace fieldpost::coordinator

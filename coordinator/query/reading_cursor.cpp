#include "coordinator/query/reading_cursor.h"

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kChunksFoundMax = 256;  // rows read ahead

}  // namespace

ReadingCursor::ReadingCursor(QueryState& state, const SeriesRow& series, const wire::Id128& boot,
                             TimeRange range, Run waiting, Masks masks)
    : state_(state),
      series_(series),
      boot_(boot),
      range_(range),
      waiting_(std::move(waiting)),
      masks_(std::move(masks)),
      search_from_(range.from) {}

const Item* ReadingCursor::waiting_item() const {
  return waiting_at_ < waiting_.items.size() ? &waiting_.items[waiting_at_] : nullptr;
}

/// Passes over chunks that are deleted as a whole.
rt::Status ReadingCursor::find_chunk() {
  while (chunks_.empty() && !found_all_) {
    if (auto done = find_chunks(); !done) return done;
  }
  return rt::ok();
}

rt::Status ReadingCursor::find_chunks() {
  const auto found = chunks_from(state_.db, {series_.id, boot_}, search_from_, kChunksFoundMax);
  if (!found) return found.error();
  found_all_ = found->size() < kChunksFoundMax;
  for (const ChunkRow& chunk : *found) {
    if (chunk.first_time >= range_.to || chunk.last_time == INT64_MAX) found_all_ = true;
    if (chunk.first_time >= range_.to) break;
    if (covers_whole(masks_, chunk) == nullptr) chunks_.push_back(chunk);
    search_from_ = chunk.last_time == INT64_MAX ? INT64_MAX : chunk.last_time + 1;
  }
  return rt::ok();
}

rt::Result<const ChunkRow*> ReadingCursor::whole_chunk() {
  if (has_decoded()) return nullptr;
  if (auto done = find_chunk(); !done) return done.error();
  if (chunks_.empty()) return nullptr;
  const ChunkRow& chunk = chunks_.front();
  const Item* waiting = waiting_item();
  const bool is_inside = chunk.first_time >= range_.from && chunk.last_time < range_.to;
  if (!is_inside || (waiting != nullptr && waiting->time <= chunk.last_time)) return nullptr;
  if (touch(masks_, chunk.first_time, chunk.last_time)) return nullptr;
  return &chunk;
}

void ReadingCursor::skip_chunk() {
  chunks_.pop_front();
}

rt::Status ReadingCursor::decode_chunk() {
  const ChunkRow chunk = chunks_.front();
  chunks_.pop_front();
  at_ = end_ = 0;
  auto readings = state_.packs.read(chunk, series_.type);
  if (!readings) return state_.damage.judge(chunk, readings.error());
  decoded_ = std::move(*readings);
  if (touch(masks_, chunk.first_time, chunk.last_time)) {
    decoded_ = leave_unmasked(std::move(decoded_), chunk.pack_no, masks_);
  }
  const auto& times = decoded_.timeline->times;
  const auto index_of = [&](std::int64_t time) {
    return static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), time) -
                                    times.begin());
  };
  at_ = index_of(range_.from);
  end_ = index_of(range_.to);
  return rt::ok();
}

/// Decodes chunks until there is a stored reading, or the next one is a waiting one.
rt::Status ReadingCursor::find_stored() {
  while (!has_decoded()) {
    if (auto done = find_chunk(); !done) return done;
    if (chunks_.empty()) return rt::ok();
    const Item* waiting = waiting_item();
    if (waiting != nullptr && waiting->time < chunks_.front().first_time) return rt::ok();
    if (auto done = decode_chunk(); !done) return done;
  }
  return rt::ok();
}

rt::Result<ReadingCursor::Stretch> ReadingCursor::stretch() {
  if (auto done = find_stored(); !done) return done.error();
  if (!has_decoded()) return Stretch{};
  const auto times = std::span(decoded_.timeline->times).subspan(at_, end_ - at_);
  std::size_t count = times.size();
  if (const Item* waiting = waiting_item(); waiting != nullptr) {
    count = static_cast<std::size_t>(std::lower_bound(times.begin(), times.end(), waiting->time) -
                                     times.begin());
  }
  return Stretch{times.first(count), std::span(decoded_.values.values).subspan(at_, count)};
}

const wire::Rank& ReadingCursor::stored_rank() const {
  std::size_t position = at_;
  auto run = decoded_.timeline->ranks.begin();
  for (; position >= run->count; ++run) position -= run->count;
  return run->rank;
}

rt::Result<const Item*> ReadingCursor::peek() {
  if (auto done = find_stored(); !done) return done.error();
  const Item* waiting = waiting_item();
  takes_waiting_ = !has_decoded();
  if (takes_waiting_) return waiting;
  stored_.time = decoded_.timeline->times[at_];
  stored_.value = decoded_.values.values[at_];
  takes_waiting_ =
      waiting != nullptr && (waiting->time < stored_.time ||
                             (waiting->time == stored_.time && waiting->rank > stored_rank()));
  return takes_waiting_ ? waiting : &stored_;
}

wire::Rank ReadingCursor::rank() const {
  return takes_waiting_ ? waiting_.items[waiting_at_].rank : stored_rank();
}

void ReadingCursor::advance() {
  const std::int64_t time = takes_waiting_ ? waiting_.items[waiting_at_].time : stored_.time;
  if (const Item* item = waiting_item(); item != nullptr && item->time == time) ++waiting_at_;
  if (has_decoded() && decoded_.timeline->times[at_] == time) ++at_;
}

const std::string& ReadingCursor::text() const {
  static const std::string none;
  if (series_.type != wire::ValueType::kString) return none;
  if (!takes_waiting_) return decoded_.values.strings[static_cast<std::size_t>(stored_.value)];
  return waiting_.strings.texts()[static_cast<std::size_t>(waiting_.items[waiting_at_].value)];
}

}  // namespace fieldpost::coordinator

#include "coordinator/query/reading_cursor.h"

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kChunksFoundMax = 256;  // rows read ahead

}  // namespace

ReadingCursor::ReadingCursor(QueryState& state, const SeriesRow& series, const wire::Id128& boot,
                             TimeRange range, Run waiting)
    : state_(state),
      series_(series),
      boot_(boot),
      range_(range),
      waiting_(std::move(waiting)),
      search_from_(range.from) {}

const Item* ReadingCursor::waiting_item() const {
  return waiting_at_ < waiting_.items.size() ? &waiting_.items[waiting_at_] : nullptr;
}

rt::Status ReadingCursor::find_chunk() {
  if (!chunks_.empty() || found_all_) return rt::ok();
  const auto found = chunks_from(state_.db, {series_.id, boot_}, search_from_, kChunksFoundMax);
  if (!found) return found.error();
  found_all_ = found->size() < kChunksFoundMax;
  for (const ChunkRow& chunk : *found) {
    if (chunk.first_time >= range_.to || chunk.last_time == INT64_MAX) found_all_ = true;
    if (chunk.first_time >= range_.to) break;
    chunks_.push_back(chunk);
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
  return &chunk;
}

void ReadingCursor::skip_chunk() {
  chunks_.pop_front();
}

rt::Status ReadingCursor::decode_chunk() {
  const ChunkRow chunk = chunks_.front();
  chunks_.pop_front();
  decoded_.items.clear();
  decoded_.strings = {};
  at_ = 0;
  if (auto done = state_.packs.append_to(decoded_, chunk, series_.type); !done) {
    decoded_.items.clear();
    return state_.damage.judge(chunk, done.error());
  }
  auto& items = decoded_.items;
  const auto past = [](std::int64_t time) {
    return [time](const Item& item) { return item.time < time; };
  };
  items.erase(std::partition_point(items.begin(), items.end(), past(range_.to)), items.end());
  at_ = static_cast<std::size_t>(
      std::partition_point(items.begin(), items.end(), past(range_.from)) - items.begin());
  return rt::ok();
}

rt::Result<const Item*> ReadingCursor::peek() {
  while (!has_decoded()) {
    if (auto done = find_chunk(); !done) return done.error();
    const Item* waiting = waiting_item();
    const bool is_before =
        waiting != nullptr && (chunks_.empty() || waiting->time < chunks_.front().first_time);
    if (is_before || chunks_.empty()) {
      takes_waiting_ = true;
      return waiting;
    }
    if (auto done = decode_chunk(); !done) return done.error();
  }
  const Item* stored = &decoded_.items[at_];
  const Item* waiting = waiting_item();
  takes_waiting_ =
      waiting != nullptr && (waiting->time < stored->time ||
                             (waiting->time == stored->time && waiting->rank > stored->rank));
  return takes_waiting_ ? waiting : stored;
}

void ReadingCursor::advance() {
  const std::int64_t time =
      takes_waiting_ ? waiting_.items[waiting_at_].time : decoded_.items[at_].time;
  if (const Item* item = waiting_item(); item != nullptr && item->time == time) ++waiting_at_;
  if (has_decoded() && decoded_.items[at_].time == time) ++at_;
}

const std::string& ReadingCursor::text() const {
  static const std::string none;
  if (series_.type != wire::ValueType::kString) return none;
  const Run& run = takes_waiting_ ? waiting_ : decoded_;
  const Item& item = takes_waiting_ ? waiting_.items[waiting_at_] : decoded_.items[at_];
  return run.strings.texts()[static_cast<std::size_t>(item.value)];
}

}  // namespace fieldpost::coordinator

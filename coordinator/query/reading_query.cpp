#include "coordinator/query/reading_query.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_cursor.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {
namespace {

/// The cursor whose next reading is the first of all by time, then boot; null at the end.
rt::Result<ReadingCursor*> earliest(std::vector<ReadingCursor>& cursors) {
  ReadingCursor* best = nullptr;
  std::int64_t best_time = 0;
  for (ReadingCursor& cursor : cursors) {  // ascending by boot
    const auto item = cursor.peek();
    if (!item) return item.error();
    if (*item == nullptr || (best != nullptr && (*item)->time >= best_time)) continue;
    best = &cursor;
    best_time = (*item)->time;
  }
  return best;
}

/// A page ends before the times that it would cut; the first of them comes whole.
template <typename Found>
bool is_page_full(const std::vector<Found>& page, std::size_t limit, std::int64_t next_time) {
  return page.size() >= limit && (page.empty() || page.back().time != next_time);
}

/// Takes the last times off again when they made the page too long.
template <typename Found>
void cut_page(std::vector<Found>& page, std::size_t limit) {
  if (page.size() <= limit || page.front().time == page.back().time) return;
  const std::int64_t cut = page[limit].time;
  while (page.back().time >= cut) page.pop_back();
}

}  // namespace

rt::Result<SeriesRow> find_series(rt::Database& db, SeriesId id) {
  rt::Statement& stmt = db.prepare("SELECT node_no, type FROM series WHERE id = ?");
  const auto row = stmt.bind(1, id).step();
  if (!row) return row.error();
  if (!*row) return rt::Error{rt::Errc::kNotFound, fmt::format("no series {}", id)};
  SeriesRow series{id, stmt.i64(0), static_cast<wire::ValueType>(stmt.i64(1))};
  stmt.reset();
  return series;
}

void calibrate(Reading& reading, const SeriesRow& series, const Calibration& calibration) {
  if (calibration.is_none() || series.type == wire::ValueType::kString) return;
  reading.value =
      std::bit_cast<std::uint64_t>(calibration.apply(number_of(reading.value, series.type)));
}

rt::Result<Masks> masks_of(QueryState& state, const SeriesRow& series, TimeRange range) {
  const auto of_node = masks_of(state.db, series.node, range.from, range.to);
  return of_node ? masks_among(state, series.id, *of_node) : of_node;
}

rt::Result<Masks> masks_among(QueryState& state, SeriesId series, const Masks& of_node) {
  if (of_node.empty()) return Masks();
  rt::Statement& stmt = state.db.prepare("SELECT key FROM series WHERE id = ?");
  const auto row = stmt.bind(1, series).step();
  if (!row) return row.error();
  Masks masks = *row ? masks_for(of_node, stmt.text(0)) : Masks();
  stmt.reset();
  return masks;
}

rt::Result<std::vector<ReadingCursor>> cursors_of(QueryState& state, const SeriesRow& series,
                                                  TimeRange range) {
  const auto masks = masks_of(state, series, range);
  if (!masks) return masks.error();
  auto waiting = waiting_readings(state, series.node, {{series.id, *masks}}, range);
  if (!waiting) return waiting.error();
  return cursors_over(state, series, range, *masks, std::move((*waiting)[series.id]));
}

rt::Result<std::vector<ReadingCursor>> cursors_over(QueryState& state, const SeriesRow& series,
                                                    TimeRange range, Masks masks,
                                                    RunsByBoot waiting) {
  const auto stored = boots_of(state.db, series.id);
  if (!stored) return stored.error();
  std::set<wire::Id128> boots(stored->begin(), stored->end());
  for (const auto& [boot, run] : waiting) boots.insert(boot);
  std::erase_if(masks, [](const Mask& mask) { return !mask.is_pending; });
  std::vector<ReadingCursor> cursors;
  for (const wire::Id128& boot : boots) {
    cursors.emplace_back(state, series, boot, range, std::move(waiting[boot]), masks);
  }
  return cursors;
}

ReadingQuery::ReadingQuery(std::unique_ptr<QueryState> state) : state_(std::move(state)) {}
ReadingQuery::ReadingQuery(ReadingQuery&&) noexcept = default;
ReadingQuery& ReadingQuery::operator=(ReadingQuery&&) noexcept = default;
ReadingQuery::~ReadingQuery() = default;

rt::Result<ReadingQuery> ReadingQuery::open(const std::string& path, const std::string& vfs) {
  rt::DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  options.vfs = vfs;
  auto db = rt::Database::open(path, options);
  if (!db) return db.error();
  return ReadingQuery(std::make_unique<QueryState>(std::move(*db)));
}

rt::Result<std::vector<ReplayRecord>> ReadingQuery::replays(const std::string& node,
                                                            const std::string& source) {
  rt::Statement& stmt = state_->db.prepare(
      "SELECT from_ns, to_ns, rules, asked_by FROM replay JOIN node ON node.no = node_no"
      " WHERE node.id = ?1 AND source = ?2 ORDER BY replay.no");
  stmt.bind_text(1, node).bind_text(2, source);
  std::vector<ReplayRecord> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({node, source, stmt.i64(0), stmt.i64(1), std::string(stmt.text(2)),
                   std::string(stmt.text(3))});
  }
}

namespace {

void set_rank(Reading&, const ReadingCursor&) {}

void set_rank(RankedReading& reading, const ReadingCursor& cursor) {
  reading.rank = cursor.rank();
}

template <typename Found>
rt::Result<std::vector<Found>> page_of(QueryState& state, SeriesId series, TimeRange range,
                                       std::size_t limit, const Calibration& calibration) {
  Snapshot snapshot(state.db);
  if (auto done = snapshot.begin(); !done) return done.error();
  const auto row = find_series(state.db, series);
  if (!row) return row.error();
  std::vector<Found> page;
  if (limit == 0 || range.from >= range.to) return page;
  auto cursors = cursors_of(state, *row, range);
  if (!cursors) return cursors.error();
  for (;;) {
    const auto cursor = earliest(*cursors);
    if (!cursor) return cursor.error();
    if (*cursor == nullptr) break;
    const auto item = (*cursor)->peek();
    if (!item) return item.error();
    if (is_page_full(page, limit, (*item)->time)) break;
    const std::uint64_t value = row->type == wire::ValueType::kString ? 0 : (*item)->value;
    Found reading;
    static_cast<Reading&>(reading) = {(*item)->time, value, (*cursor)->text(), (*cursor)->boot()};
    calibrate(reading, *row, calibration);
    set_rank(reading, **cursor);
    page.push_back(std::move(reading));
    (*cursor)->advance();
  }
  cut_page(page, limit);
  return page;
}

}  // namespace

rt::Result<std::vector<Reading>> ReadingQuery::readings(SeriesId series, TimeRange range,
                                                        std::size_t limit,
                                                        const Calibrations& calibrations) {
  return page_of<Reading>(*state_, series, range, limit, calibration_of(calibrations, series));
}

rt::Result<std::vector<RankedReading>> ReadingQuery::ranked_readings(SeriesId series,
                                                                     TimeRange range,
                                                                     std::size_t limit) {
  return page_of<RankedReading>(*state_, series, range, limit, {});
}

}  // namespace fieldpost::coordinator

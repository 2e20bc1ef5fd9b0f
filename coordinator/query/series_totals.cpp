#include "coordinator/query/series_totals.h"

#include <algorithm>

namespace fieldpost::coordinator {
namespace {

void add(ColumnCount& total, const ColumnCount& more) {
  if (more.count == 0) return;
  total.count += more.count;
  total.first_time = std::min(total.first_time, more.first_time);
  total.last_time = std::max(total.last_time, more.last_time);
}

std::vector<ColumnCount> count_columns(const wire::Columns& columns) {
  std::vector<ColumnCount> counts;
  for (const wire::Column& column : columns.columns) {
    ColumnCount& count = counts.emplace_back();
    count.count = column.count();
    for (const std::int64_t time : column.times) {
      count.first_time = std::min(count.first_time, time);
      count.last_time = std::max(count.last_time, time);
    }
  }
  return counts;
}

/// Empty for a damaged batch that was reported before. Valid until the next call.
rt::Result<const std::vector<ColumnCount>*> counts_of(QueryState& state, const BatchRow& row) {
  const std::pair key{row.node, row.rank};
  if (auto known = state.batch_counts.find(key); known != state.batch_counts.end()) {
    return &known->second;
  }
  if (state.batch_counts.size() >= kBatchCountsCachedMax) state.batch_counts.clear();
  const auto batch = load_batch(state.db, state.catalog, row);
  if (!batch) {
    static const std::vector<ColumnCount> none;
    if (auto done = state.damage.judge(row, batch.error()); !done) return done.error();
    return &none;
  }
  return &(state.batch_counts[key] = count_columns(batch->columns));
}

rt::Result<ColumnCount> stored_total(rt::Database& db, SeriesId series) {
  rt::Statement& stmt =
      db.prepare("SELECT count, first_time, last_time FROM series WHERE id = ? AND count > 0");
  const auto row = stmt.bind(1, series).step();
  if (!row) return row.error();
  ColumnCount total;
  if (*row) total = {stmt.u64(0), stmt.i64(1), stmt.i64(2)};
  stmt.reset();
  return total;
}

}  // namespace

rt::Status add_waiting(QueryState& state, NodeNo node, std::map<SeriesId, ColumnCount>& counts) {
  const auto rows = waiting_batches(state.db, node);
  if (!rows) return rows.error();
  for (const BatchRow& row : *rows) {
    const auto ids = state.catalog.find_ids(row.node, row.set_no);
    if (!ids) return ids.error();
    const auto in_batch = counts_of(state, row);
    if (!in_batch) return in_batch.error();
    for (std::size_t i = 0; i < (*in_batch)->size(); ++i) {
      const auto total = counts.find((**ids)[i]);
      if (total != counts.end()) add(total->second, (**in_batch)[i]);
    }
  }
  return rt::ok();
}

rt::Result<TimeRange> close_range(QueryState& state, const SeriesRow& series, TimeRange range) {
  if (range.from != INT64_MIN && range.to != INT64_MAX) return range;
  const auto stored = stored_total(state.db, series.id);
  if (!stored) return stored.error();
  std::map<SeriesId, ColumnCount> counts{{series.id, *stored}};
  if (auto done = add_waiting(state, series.node, counts); !done) return done.error();
  const ColumnCount& total = counts[series.id];
  if (total.count == 0) return TimeRange{0, 0};
  if (range.from == INT64_MIN) range.from = total.first_time;
  if (range.to == INT64_MAX && total.last_time != INT64_MAX) range.to = total.last_time + 1;
  return range;
}

}  // namespace fieldpost::coordinator

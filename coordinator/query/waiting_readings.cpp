#include "coordinator/query/waiting_readings.h"

#include <algorithm>
#include <bit>

namespace fieldpost::coordinator {
namespace {

/// Only the readings that the range asks for.
void append_in_range(Run& run, const DecodedBatch& batch, std::size_t column, TimeRange range) {
  Run all;
  append_column(all, batch.columns.columns[column], batch.ranks_of(column));
  for (Item item : all.items) {
    if (item.time < range.from || item.time >= range.to) continue;
    if (!all.strings.texts().empty()) {
      item.value = run.strings.index_of(all.strings.texts()[static_cast<std::size_t>(item.value)]);
    }
    run.items.push_back(item);
  }
}

}  // namespace

rt::Status DamageLog::judge(std::set<Key>& known, Key key, const rt::Error& error) {
  if (error.code != rt::Errc::kCorrupt) return error;
  if (known.contains(key)) return rt::ok();
  if (known.size() >= kDamagedKnownMax) known.clear();
  known.insert(key);
  return error;
}

rt::Status DamageLog::judge(const BatchRow& row, const rt::Error& error) {
  return judge(batches_, {row.no, std::bit_cast<std::int64_t>(row.rank.seq)}, error);
}

rt::Status DamageLog::judge(const ChunkRow& row, const rt::Error& error) {
  return judge(chunks_, {row.pack_no, row.offset}, error);
}

namespace {

/// Of each column that is wanted.
struct WantedColumn {
  std::size_t column = 0;
  SeriesId series = 0;
};

std::vector<WantedColumn> wanted_columns(const std::vector<SeriesId>& ids,
                                         const MasksBySeries& series) {
  std::vector<WantedColumn> wanted;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (series.contains(ids[i])) wanted.push_back({i, ids[i]});
  }
  return wanted;
}

rt::Status add_batch(QueryState& state, const BatchRow& row, const MasksBySeries& series,
                     TimeRange range, RunsBySeries& runs) {
  const auto ids = state.catalog.find_ids(row.node, row.set_no);
  if (!ids) return ids.error();
  const auto wanted = wanted_columns(**ids, series);
  if (wanted.empty()) return rt::ok();
  const auto batch = load_batch(state.db, state.catalog, row);
  if (!batch) return state.damage.judge(row, batch.error());
  for (const auto& [column, id] : wanted) {
    append_in_range(runs[id][row.boot], *batch, column, range);
  }
  return rt::ok();
}

}  // namespace

rt::Result<RunsBySeries> waiting_readings(QueryState& state, NodeNo node,
                                          const MasksBySeries& series, TimeRange range) {
  const auto rows = waiting_batches(state.db, node);
  if (!rows) return rows.error();
  RunsBySeries runs;
  for (const BatchRow& row : *rows) {
    if (row.last_time < range.from || row.first_time >= range.to) continue;
    if (auto done = add_batch(state, row, series, range, runs); !done) return done.error();
  }
  for (auto& [id, by_boot] : runs) {
    for (auto& [boot, run] : by_boot) {
      erase_masked(run.items, 0, series.at(id));
      settle(run);
    }
  }
  return runs;
}

}  // namespace fieldpost::coordinator

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

rt::Result<RunsByBoot> waiting_readings(QueryState& state, const SeriesRow& series, TimeRange range,
                                        const Masks& masks) {
  const auto rows = waiting_batches(state.db, series.node);
  if (!rows) return rows.error();
  RunsByBoot runs;
  for (const BatchRow& row : *rows) {
    if (row.last_time < range.from || row.first_time >= range.to) continue;
    const auto ids = state.catalog.find_ids(row.node, row.set_no);
    if (!ids) return ids.error();
    const auto at = std::find((*ids)->begin(), (*ids)->end(), series.id);
    if (at == (*ids)->end()) continue;
    const auto batch = load_batch(state.db, state.catalog, row);
    if (!batch) {
      if (auto done = state.damage.judge(row, batch.error()); !done) return done.error();
      continue;
    }
    append_in_range(runs[row.boot], *batch, static_cast<std::size_t>(at - (*ids)->begin()), range);
  }
  for (auto& [boot, run] : runs) {
    erase_masked(run.items, 0, masks);
    settle(run);
  }
  return runs;
}

}  // namespace fieldpost::coordinator

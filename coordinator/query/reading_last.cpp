#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

#include "coordinator/query/query_state.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/run.h"

namespace fieldpost::coordinator {
namespace {

/// The best answer so far for one series. Its rank is needed only between equal times and boots,
/// and is read only then.
struct Candidate {
  SeriesRow series;
  Masks masks;          ///< of deletions that chunks still hold some of
  Masks waiting_masks;  ///< of all deletions
  std::optional<Reading> best;
  std::optional<wire::Rank> rank;
  std::optional<ChunkRow> chunk;  ///< that `best` is the end of
};

using Candidates = std::unordered_map<SeriesId, Candidate>;

bool is_after(const Reading& a, const std::optional<Reading>& b) {
  return !b || std::pair(a.time, a.boot) > std::pair(b->time, b->boot);
}

rt::Status read_text(QueryState& state, Candidate& candidate) {
  if (!candidate.chunk || candidate.series.type != wire::ValueType::kString) return rt::ok();
  const auto values = state.packs.values(*candidate.chunk, candidate.series.type);
  if (!values) return values.error();
  candidate.best->value = 0;
  candidate.best->text = values->strings[static_cast<std::size_t>(values->values.back())];
  return rt::ok();
}

/// The end of what is left of a chunk that a deletion touches; whether there is any.
rt::Result<bool> offer_rest(QueryState& state, Candidate& candidate, const ChunkRow& chunk) {
  auto readings = state.packs.read(chunk, candidate.series.type);
  if (!readings) return readings.error();
  const ChunkReadings left = leave_unmasked(std::move(*readings), chunk.pack_no, candidate.masks);
  if (left.timeline->times.empty()) return false;
  Reading reading{left.timeline->times.back(), left.values.values.back(), {}, chunk.boot};
  if (candidate.series.type == wire::ValueType::kString) {
    reading.text = left.values.strings[static_cast<std::size_t>(reading.value)];
    reading.value = 0;
  }
  if (!is_after(reading, candidate.best)) return true;
  candidate.best = std::move(reading);
  candidate.rank = left.timeline->ranks.back().rank;
  candidate.chunk.reset();
  return true;
}

/// Takes the end of a chunk; false when nothing of it is left. Numbers need no more than its row.
rt::Result<bool> offer_chunk(QueryState& state, Candidate& candidate, const ChunkRow& chunk) {
  if (covers_whole(candidate.masks, chunk) != nullptr) return false;
  if (touch(candidate.masks, chunk.first_time, chunk.last_time)) {
    return offer_rest(state, candidate, chunk);
  }
  Candidate next = candidate;
  next.best = Reading{chunk.last_time, chunk.last, {}, chunk.boot};
  next.rank.reset();
  next.chunk = chunk;
  if (!is_after(*next.best, candidate.best)) return true;
  if (auto done = read_text(state, next); !done) return done.error();
  candidate = std::move(next);
  return true;
}

rt::Status offer_chunks(QueryState& state, Candidate& candidate) {
  const auto boots = boots_of(state.db, candidate.series.id);
  if (!boots) return boots.error();
  for (const wire::Id128& boot : *boots) {
    std::int64_t until = INT64_MAX;
    for (;;) {  // until one can be decoded and has something
      const auto chunk = last_chunk(state.db, {candidate.series.id, boot}, until);
      if (!chunk) return chunk.error();
      if (!*chunk) break;
      auto done = offer_chunk(state, candidate, **chunk);
      if (done && *done) break;
      if (!done) {
        if (auto judged = state.damage.judge(**chunk, done.error()); !judged) return judged;
      }
      if ((*chunk)->first_time == INT64_MIN) break;
      until = (*chunk)->first_time - 1;
    }
  }
  return rt::ok();
}

rt::Status read_rank(QueryState& state, Candidate& candidate) {
  if (candidate.rank) return rt::ok();
  const auto timeline = state.packs.timeline(*candidate.chunk);
  candidate.rank = timeline ? (*timeline)->ranks.back().rank : wire::Rank{};
  return timeline ? rt::ok() : state.damage.judge(*candidate.chunk, timeline.error());
}

rt::Status offer_item(QueryState& state, Candidate& candidate, const Run& run,
                      const wire::Id128& boot) {
  const Item& item = run.items.back();
  Reading reading{item.time, item.value, {}, boot};
  const bool is_tie = candidate.best && candidate.best->time == reading.time &&
                      candidate.best->boot == reading.boot;
  if (is_tie) {
    if (auto done = read_rank(state, candidate); !done) return done;
    if (item.rank <= *candidate.rank) return rt::ok();
  } else if (!is_after(reading, candidate.best)) {
    return rt::ok();
  }
  if (candidate.series.type == wire::ValueType::kString) {
    reading.value = 0;
    reading.text = run.strings.texts()[static_cast<std::size_t>(item.value)];
  }
  candidate.best = std::move(reading);
  candidate.rank = item.rank;
  candidate.chunk.reset();
  return rt::ok();
}

bool may_hold_later(const BatchRow& row, const std::vector<SeriesId>& ids,
                    const Candidates& candidates) {
  return std::any_of(ids.begin(), ids.end(), [&](SeriesId id) {
    const auto at = candidates.find(id);
    return at != candidates.end() && (!at->second.best || at->second.best->time <= row.last_time);
  });
}

rt::Status offer_batch(QueryState& state, Candidates& candidates, const DecodedBatch& batch) {
  for (std::size_t i = 0; i < batch.ids->size(); ++i) {
    const auto at = candidates.find((*batch.ids)[i]);
    const wire::Column& column = batch.columns.columns[i];
    if (at == candidates.end() || column.count() == 0) continue;
    Run run;
    append_column(run, column, batch.ranks_of(i));
    erase_masked(run.items, 0, at->second.waiting_masks);
    if (run.items.empty()) continue;
    if (auto done = offer_item(state, at->second, run, batch.row.boot); !done) return done;
  }
  return rt::ok();
}

/// Latest first, so that most batches need not be decoded.
rt::Status offer_batches(QueryState& state, NodeNo node, Candidates& candidates) {
  auto rows = waiting_batches(state.db, node);
  if (!rows) return rows.error();
  std::stable_sort(rows->begin(), rows->end(),
                   [](const BatchRow& a, const BatchRow& b) { return a.last_time > b.last_time; });
  for (const BatchRow& row : *rows) {
    const auto ids = state.catalog.find_ids(row.node, row.set_no);
    if (!ids) return ids.error();
    if (!may_hold_later(row, **ids, candidates)) continue;
    const auto batch = load_batch(state.db, state.catalog, row);
    if (!batch) {
      if (auto done = state.damage.judge(row, batch.error()); !done) return done;
      continue;
    }
    if (auto done = offer_batch(state, candidates, *batch); !done) return done;
  }
  return rt::ok();
}

}  // namespace

rt::Result<std::vector<std::pair<SeriesId, Reading>>> ReadingQuery::last(
    const std::vector<SeriesId>& ids, const Calibrations& calibrations) {
  Snapshot snapshot(state_->db);
  if (auto done = snapshot.begin(); !done) return done.error();
  std::map<NodeNo, Candidates> by_node;
  for (const SeriesId id : ids) {
    const auto series = find_series(state_->db, id);
    if (!series && series.error().code == rt::Errc::kNotFound) continue;
    if (!series) return series.error();
    Candidate candidate;
    candidate.series = *series;
    auto masks = masks_of(*state_, *series, {});
    if (!masks) return masks.error();
    candidate.waiting_masks = std::move(*masks);
    for (const Mask& mask : candidate.waiting_masks) {
      if (mask.is_pending) candidate.masks.push_back(mask);
    }
    if (auto done = offer_chunks(*state_, candidate); !done) return done.error();
    by_node[series->node].insert_or_assign(id, std::move(candidate));
  }
  std::unordered_map<SeriesId, Reading> found;
  for (auto& [node, candidates] : by_node) {
    if (auto done = offer_batches(*state_, node, candidates); !done) return done.error();
    for (auto& [id, candidate] : candidates) {
      if (!candidate.best) continue;
      calibrate(*candidate.best, candidate.series, calibration_of(calibrations, id));
      found.emplace(id, std::move(*candidate.best));
    }
  }
  std::vector<std::pair<SeriesId, Reading>> answer;
  for (const SeriesId id : ids) {
    if (const auto at = found.find(id); at != found.end()) answer.emplace_back(id, at->second);
  }
  return answer;
}

}  // namespace fieldpost::coordinator

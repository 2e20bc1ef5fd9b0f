#include "coordinator/store/compaction.h"

#include <algorithm>
#include <span>
#include <utility>

#include "coordinator/store/deletion_table.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;

std::span<const Item> until(std::span<const Item> items, std::int64_t end, bool included) {
  const auto past = std::partition_point(items.begin(), items.end(), [&](const Item& item) {
    return item.time < end || (included && item.time == end);
  });
  return items.first(static_cast<std::size_t>(past - items.begin()));
}

bool overlaps(std::span<const Item> items, const std::vector<ChunkRow>& next) {
  return !next.empty() && next.front().first_time <= items.front().time;
}

/// The items that go together with the first: those before the next chunk, or those in it. A chunk
/// that is not full takes along what follows it.
std::span<const Item> first_part(std::span<const Item> items, const std::vector<ChunkRow>& next) {
  if (next.empty()) return items;
  if (!overlaps(items, next)) return until(items, next[0].first_time, false);
  if (next[0].is_full) return until(items, next[0].last_time, true);
  return next.size() < 2 ? items : until(items, next[1].first_time, false);
}

/// How many of the first items go into one chunk.
std::size_t piece_count(std::span<const Item> items, const std::vector<std::string>& texts,
                        wire::ValueType type, std::size_t piece_max) {
  const std::size_t most = std::min(items.size(), piece_max);
  if (type != wire::ValueType::kString) return most;
  std::vector<bool> seen(texts.size());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < most; ++i) {
    const auto index = static_cast<std::size_t>(items[i].value);
    if (!seen[index]) bytes += texts[index].size();
    seen[index] = true;
    if (bytes > kChunkStringBytesMax && i > 0) return i;
  }
  return most;
}

}  // namespace

rt::Status Compaction::run(NodeNo node, std::size_t readings_max) {
  const auto rows =
      oldest_batches(db_, node, {.readings_max = readings_max, .raw_bytes_max = kStepRawBytesMax});
  if (!rows) return rows.error();
  auto masks = masks_of(db_, node, INT64_MIN, INT64_MAX);
  if (!masks) return masks.error();
  masks_ = std::move(*masks);
  for (const BatchRow& row : *rows) {
    if (auto done = collect(row); !done) return done;
  }
  for (auto& [key, incoming] : runs_) {
    const auto& [boot, series] = key;
    if (auto done = merge({series, boot}, incoming); !done) return done;
    incoming.run = {};
  }
  if (auto done = packs_.flush(); !done) return done;
  return add_taken(db_, taken_);
}

std::vector<Compaction::SeriesRun*>& Compaction::runs_for(const DecodedBatch& batch) {
  auto& runs = runs_of_set_[{batch.row.boot, batch.row.set_no}];
  if (!runs.empty()) return runs;
  for (std::size_t i = 0; i < batch.ids->size(); ++i) {
    SeriesRun& run = runs_[{batch.row.boot, (*batch.ids)[i]}];
    run.type = batch.set->types[i];
    run.masks = masks_for(masks_, batch.set->keys[i]);
    runs.push_back(&run);
  }
  return runs;
}

rt::Status Compaction::collect(const BatchRow& row) {
  const auto batch = load_batch(db_, catalog_, row);
  if (!batch) {
    if (batch.error().code == Errc::kCorrupt) damaged_ = row;
    return batch.error();
  }
  auto& runs = runs_for(*batch);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const wire::Column& column = batch->columns.columns[i];
    if (column.count() == 0) continue;
    const std::size_t before = runs[i]->run.items.size();
    append_column(runs[i]->run, column, batch->ranks_of(i));
    erase_masked(runs[i]->run.items, before, runs[i]->masks, &taken_);
  }
  return db_.prepare("DELETE FROM batch WHERE no = ?").bind(1, row.no).run();
}

rt::Status Compaction::merge(const ChunkOrder& of, SeriesRun& incoming) {
  settle(incoming.run);
  written_until_.reset();
  totals_ = {};
  std::span<const Item> rest = incoming.run.items;
  Run segment;
  segment.strings = std::move(incoming.run.strings);
  while (!rest.empty()) {
    const auto next = chunks_from(db_, of, rest.front().time, 2);
    if (!next) return next.error();
    const auto part = first_part(rest, *next);
    segment.items.assign(part.begin(), part.end());
    auto done = overlaps(rest, *next) ? overlay(next->front(), incoming, segment)
                                      : extend(of, incoming, segment);
    if (!done) return done;
    rest = rest.subspan(part.size());
  }
  return add_totals(of.series);
}

/// The segment lies between chunks: it takes small ones before it along.
rt::Status Compaction::extend(const ChunkOrder& of, const SeriesRun& series, Run& segment) {
  while (segment.items.size() < kChunkReadingsMax) {
    const auto before = last_chunk(db_, of, segment.items.front().time);
    if (!before) return before.error();
    if (!*before || (*before)->is_full) break;
    // What this step wrote for the series is not in the table yet; nothing may jump over it.
    if (written_until_ && (*before)->last_time <= *written_until_) break;
    if ((*before)->count >= kMergeRatio * segment.items.size()) break;
    Run earlier;
    earlier.strings = std::move(segment.strings);
    if (auto done = take_chunk(**before, series, earlier); !done) return done;
    earlier.items.insert(earlier.items.end(), segment.items.begin(), segment.items.end());
    segment = std::move(earlier);
  }
  return write(of, series.type, segment, kChunkReadingsMax);
}

/// The segment begins in a chunk; a full one is split evenly.
rt::Status Compaction::overlay(const ChunkRow& chunk, const SeriesRun& series, Run& segment) {
  Run merged;
  merged.strings = std::move(segment.strings);
  if (auto done = take_chunk(chunk, series, merged); !done) return done;
  merged.items.insert(merged.items.end(), segment.items.begin(), segment.items.end());
  settle(merged);
  segment = std::move(merged);
  if (!chunk.is_full) return extend({chunk.series, chunk.boot}, series, segment);
  const std::size_t count = segment.items.size();
  const std::size_t pieces = (count + kChunkReadingsMax - 1) / kChunkReadingsMax;
  return write({chunk.series, chunk.boot}, series.type, segment, (count + pieces - 1) / pieces);
}

rt::Status Compaction::take_chunk(const ChunkRow& chunk, const SeriesRun& series, Run& into) {
  auto readings = reader_.read(chunk, series.type);
  if (!readings) {
    if (readings.error().code == Errc::kCorrupt) damaged_ = chunk;
    return readings.error();
  }
  if (touch(series.masks, chunk.first_time, chunk.last_time)) {
    // What is deleted must not win over what came after it.
    *readings = leave_unmasked(std::move(*readings), chunk.pack_no, series.masks, &taken_);
  }
  append_chunk(into, *readings);
  totals_.count -= static_cast<std::int64_t>(chunk.count);
  return packs_.remove(chunk);
}

rt::Status Compaction::write(const ChunkOrder& of, wire::ValueType type, const Run& segment,
                             std::size_t piece_max) {
  std::span<const Item> rest = segment.items;
  totals_.count += static_cast<std::int64_t>(rest.size());
  totals_.first_time = std::min(totals_.first_time, rest.front().time);
  totals_.last_time = std::max(totals_.last_time, rest.back().time);
  written_until_ = rest.back().time;
  const std::vector<std::string>& texts = segment.strings.texts();
  while (!rest.empty()) {
    const std::size_t count = piece_count(rest, texts, type, piece_max);
    const bool is_full = count == kChunkReadingsMax || count < std::min(rest.size(), piece_max);
    if (auto done = packs_.add(of, {rest.first(count), &texts, type, is_full}); !done) return done;
    rest = rest.subspan(count);
  }
  return rt::ok();
}

rt::Status Compaction::add_totals(SeriesId series) {
  return db_
      .prepare(
          "UPDATE series SET first_time = iif(count = 0, ?2, min(first_time, ?2)),"
          " last_time = iif(count = 0, ?3, max(last_time, ?3)), count = count + ?4 WHERE id = ?1")
      .bind(1, series)
      .bind(2, totals_.first_time)
      .bind(3, totals_.last_time)
      .bind(4, totals_.count)
      .run();
}

}  // namespace fieldpost::coordinator

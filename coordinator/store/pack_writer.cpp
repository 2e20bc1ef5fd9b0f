#include "coordinator/store/pack_writer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "coordinator/store/pack_release.h"

namespace fieldpost::coordinator {
namespace {

/// The piece's values; string indexes become those of a dictionary of its own.
Values values_of(const Piece& piece) {
  Values out;
  out.values.reserve(piece.items.size());
  if (piece.type != wire::ValueType::kString) {
    for (const Item& item : piece.items) out.values.push_back(item.value);
    return out;
  }
  Dictionary own;
  for (const Item& item : piece.items) {
    out.values.push_back(own.index_of((*piece.texts)[static_cast<std::size_t>(item.value)]));
  }
  out.strings = own.texts();
  return out;
}

std::optional<Summary> summary_of(const Piece& piece) {
  if (piece.type == wire::ValueType::kString) return std::nullopt;
  Summary summary{INFINITY, -INFINITY, 0};
  for (const Item& item : piece.items) {
    const double value = number_of(item.value, piece.type);
    if (std::isnan(value)) return std::nullopt;
    summary.min = std::min(summary.min, value);
    summary.max = std::max(summary.max, value);
    summary.sum += value;
  }
  return summary;
}

}  // namespace

PackWriter::Open& PackWriter::open_for(Timeline timeline) {
  for (Open& pack : open_) {
    if (pack.bytes.size() < kPackBytesMax && pack.timeline == timeline) return pack;
  }
  Open& pack = open_.emplace_back();
  pack.bytes = encode_timeline(timeline);
  pack.time_size = static_cast<std::uint32_t>(pack.bytes.size());
  pack.timeline = std::move(timeline);
  return pack;
}

rt::Status PackWriter::add(const ChunkOrder& of, const Piece& piece) {
  if (open_.size() == kPacksOpenMax) {
    if (auto done = close_oldest(); !done) return done;
  }
  Open& pack = open_for(timeline_of(piece.items));
  const Values values = values_of(piece);
  const std::string sealed = encode_values(values, piece.type);
  ChunkRow chunk;
  chunk.series = of.series;
  chunk.boot = of.boot;
  chunk.first_time = piece.items.front().time;
  chunk.last_time = piece.items.back().time;
  chunk.count = piece.items.size();
  chunk.is_full = piece.is_full;
  chunk.time_size = pack.time_size;
  chunk.offset = static_cast<std::uint32_t>(pack.bytes.size());
  chunk.size = static_cast<std::uint32_t>(sealed.size());
  chunk.first = values.values.front();
  chunk.last = values.values.back();
  chunk.summary = summary_of(piece);
  pack.bytes += sealed;
  pack.chunks.push_back(chunk);
  return rt::ok();
}

rt::Status PackWriter::close_oldest() {
  const Open pack = std::move(open_.front());
  open_.pop_front();
  auto done = db_.prepare("INSERT INTO pack (made_for, users, bytes) VALUES (?1, ?1, ?2)")
                  .bind(1, static_cast<std::int64_t>(pack.chunks.size()))
                  .bind_blob(2, pack.bytes)
                  .run();
  if (!done) return done;
  const std::int64_t pack_no = db_.last_insert_rowid();
  for (ChunkRow chunk : pack.chunks) {
    chunk.pack_no = pack_no;
    if (auto added = insert_chunk(db_, chunk); !added) return added;
  }
  return rt::ok();
}

rt::Status PackWriter::remove(const ChunkRow& chunk) {
  ++released_[chunk.pack_no];
  return delete_chunk(db_, chunk);
}

rt::Status PackWriter::flush() {
  while (!open_.empty()) {
    if (auto done = close_oldest(); !done) return done;
  }
  for (const auto& [pack_no, users] : std::exchange(released_, {})) {
    if (auto done = release_pack(db_, pack_no, users); !done) return done;
  }
  return rt::ok();
}

}  // namespace fieldpost::coordinator

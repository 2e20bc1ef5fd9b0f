#include "coordinator/store/chunk_codec.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

#include "proto/wire/codec_bytes.h"
#include "proto/wire/codec_ints.h"
#include "proto/wire/hash.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using wire::codec::ByteReader;

constexpr std::size_t kSealBytes = 9;  // codec, raw size, CRC

Error damaged(std::string_view what) {
  return {Errc::kCorrupt, "decoding a chunk: " + std::string(what)};
}

void put_u32(std::string& out, std::uint32_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

std::uint32_t u32_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string seal(std::string_view raw) {
  const wire::Compressed compressed = wire::compress(raw, kChunkZstdLevel);
  std::string out(1, static_cast<char>(compressed.codec));
  put_u32(out, static_cast<std::uint32_t>(raw.size()));
  put_u32(out, wire::crc32c(compressed.bytes));
  return out + compressed.bytes;
}

rt::Result<std::string> unseal(std::string_view sealed) {
  if (sealed.size() < kSealBytes) return damaged("it is too short");
  const std::string_view bytes = sealed.substr(kSealBytes);
  if (wire::crc32c(bytes) != u32_at(sealed, 5)) return damaged("its check sum is wrong");
  return wire::decompress(bytes, static_cast<std::uint8_t>(sealed[0]), u32_at(sealed, 1));
}

/// One of the three numbers of each rank run.
template <typename Of>
std::vector<std::uint64_t> column_of(const std::vector<RankRun>& ranks, Of of) {
  std::vector<std::uint64_t> out;
  out.reserve(ranks.size());
  for (const RankRun& run : ranks) out.push_back(of(run));
  return out;
}

class TimelineReader {
 public:
  explicit TimelineReader(std::string_view raw) : bodies_(raw) {}

  rt::Result<Timeline> read() {
    const std::size_t count = bodies_.count(kChunkReadingsMax);
    const std::size_t runs = bodies_.count(count);
    heads_ = ByteReader(bodies_.take(bodies_.count(bodies_.rest().size())));
    Timeline timeline;
    for (const std::uint64_t time : take(count)) {
      timeline.times.push_back(std::bit_cast<std::int64_t>(time));
    }
    const auto ordinals = take(runs);
    const auto seqs = take(runs);
    const auto counts = take(runs);
    for (std::size_t i = 0; i < runs; ++i) {
      timeline.ranks.push_back({{ordinals[i], seqs[i]}, static_cast<std::uint32_t>(counts[i])});
    }
    if (!heads_.at_end() || !bodies_.at_end()) return damaged("its times or ranks are wrong");
    return timeline;
  }

 private:
  std::vector<std::uint64_t> take(std::size_t count) {
    std::vector<std::uint64_t> values(count);
    if (count > 0) wire::codec::take_ints(heads_, bodies_, values);
    return values;
  }

  ByteReader bodies_;
  ByteReader heads_{{}};
};

bool is_sound(const Timeline& timeline) {
  if (timeline.times.empty()) return false;
  for (std::size_t i = 1; i < timeline.times.size(); ++i) {
    if (timeline.times[i - 1] >= timeline.times[i]) return false;
  }
  std::uint64_t covered = 0;
  for (const RankRun& run : timeline.ranks) {
    if (run.count == 0) return false;
    covered += run.count;
  }
  return covered == timeline.times.size();
}

}  // namespace

Timeline timeline_of(std::span<const Item> items) {
  Timeline timeline;
  timeline.times.reserve(items.size());
  for (const Item& item : items) {
    timeline.times.push_back(item.time);
    if (timeline.ranks.empty() || timeline.ranks.back().rank != item.rank) {
      timeline.ranks.push_back({item.rank, 0});
    }
    ++timeline.ranks.back().count;
  }
  return timeline;
}

std::string encode_timeline(const Timeline& timeline) {
  FP_CHECK(!timeline.times.empty());
  wire::codec::IntsEncoder encoder;
  wire::codec::Sinks sinks;
  std::vector<std::uint64_t> times;
  times.reserve(timeline.times.size());
  for (const std::int64_t time : timeline.times)
    times.push_back(std::bit_cast<std::uint64_t>(time));
  encoder.encode(times, sinks);
  const auto& ranks = timeline.ranks;
  encoder.encode(column_of(ranks, [](const RankRun& run) { return run.rank.ordinal; }), sinks);
  encoder.encode(column_of(ranks, [](const RankRun& run) { return run.rank.seq; }), sinks);
  encoder.encode(column_of(ranks, [](const RankRun& run) { return run.count; }), sinks);
  std::string raw;
  wire::codec::put_varint(raw, times.size());
  wire::codec::put_varint(raw, ranks.size());
  wire::codec::put_varint(raw, sinks.heads.size());
  return seal(raw + sinks.heads + sinks.bodies);
}

rt::Result<Timeline> decode_timeline(std::string_view sealed) {
  const auto raw = unseal(sealed);
  if (!raw) return raw.error();
  auto timeline = TimelineReader(*raw).read();
  if (timeline && !is_sound(*timeline)) return damaged("its times or ranks are wrong");
  return timeline;
}

std::string encode_values(const Values& values, wire::ValueType type) {
  wire::Columns columns;
  // The times are in the timeline; equal ones cost nothing.
  columns.columns.push_back(
      {std::vector<std::int64_t>(values.values.size()), values.values, values.strings});
  return seal(wire::encode_columns(columns, std::array{type}));
}

rt::Result<Values> decode_values(std::string_view sealed, wire::ValueType type, std::size_t count) {
  const auto raw = unseal(sealed);
  if (!raw) return raw.error();
  auto columns = wire::decode_columns(*raw, std::array{type});
  if (!columns) return columns.error();
  wire::Column& column = columns->columns.front();
  if (column.count() != count) return damaged("its values are not as many as its times");
  return Values{std::move(column.values), std::move(column.strings)};
}

}  // namespace fieldpost::coordinator

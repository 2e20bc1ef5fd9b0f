#include "coordinator/store/chunk_codec.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "proto/wire/codec_bytes.h"
#include "proto/wire/codec_ints.h"
#include "proto/wire/codec_values.h"
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

std::span<std::uint64_t> as_words(std::vector<std::int64_t>& times) {
  return {reinterpret_cast<std::uint64_t*>(times.data()), times.size()};
}

class TimelineReader {
 public:
  explicit TimelineReader(std::string_view raw) : bodies_(raw) {}

  rt::Result<Timeline> read() {
    const std::size_t count = bodies_.count(kChunkReadingsMax);
    const std::size_t runs = bodies_.count(count);
    heads_ = ByteReader(bodies_.take(bodies_.count(bodies_.rest().size())));
    Timeline timeline;
    timeline.times.resize(count);
    take(as_words(timeline.times));
    std::vector<std::uint64_t> ordinals(runs), seqs(runs), counts(runs);
    for (auto* column : {&ordinals, &seqs, &counts}) take(*column);
    for (std::size_t i = 0; i < runs; ++i) {
      timeline.ranks.push_back({{ordinals[i], seqs[i]}, static_cast<std::uint32_t>(counts[i])});
    }
    if (!heads_.at_end() || !bodies_.at_end()) return damaged("its times or ranks are wrong");
    return timeline;
  }

 private:
  void take(std::span<std::uint64_t> values) {
    if (!values.empty()) wire::codec::take_ints(heads_, bodies_, values);
  }

  ByteReader bodies_;
  ByteReader heads_{{}};
};

bool is_sound(const Timeline& timeline) {
  if (timeline.times.empty()) return false;
  std::size_t unordered = 0;
  for (std::size_t i = 1; i < timeline.times.size(); ++i) {
    unordered += timeline.times[i - 1] >= timeline.times[i] ? 1u : 0u;
  }
  if (unordered > 0) return false;
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
  wire::codec::ValuesEncoder encoder;
  wire::codec::Sinks sinks;
  encoder.encode({{}, values.values, values.strings}, type, sinks);
  std::string raw;
  wire::codec::put_varint(raw, sinks.heads.size());
  return seal(raw + sinks.heads + sinks.bodies);
}

rt::Result<Values> decode_values(std::string_view sealed, wire::ValueType type, std::size_t count) {
  if (count == 0 || count > kChunkReadingsMax) return damaged("its number of values is wrong");
  const auto raw = unseal(sealed);
  if (!raw) return raw.error();
  ByteReader bodies(*raw);
  ByteReader heads(bodies.take(bodies.count(bodies.rest().size())));
  wire::Column column;
  column.values.resize(count);
  std::size_t strings_left = count;
  wire::codec::take_values(heads, bodies, type, strings_left, column);
  if (!heads.at_end() || !bodies.at_end()) return damaged("its values are wrong");
  return Values{std::move(column.values), std::move(column.strings)};
}

}  // namespace fieldpost::coordinator

#include "proto/wire/readings_codec.h"

#include <fmt/format.h>

#include "proto/wire/codec_frame.h"
#include "proto/wire/codec_values.h"
#include "proto/wire/limits.h"

namespace fieldpost::wire {
namespace {

using codec::ByteReader;

rt::Error corrupt(std::string_view what) {
  return {rt::Errc::kCorrupt, fmt::format("decoding readings: {}", what)};
}

std::span<const std::uint64_t> as_words(const std::vector<std::int64_t>& times) {
  return {reinterpret_cast<const std::uint64_t*>(times.data()), times.size()};
}

std::span<std::uint64_t> as_words(std::vector<std::int64_t>& times) {
  return {reinterpret_cast<std::uint64_t*>(times.data()), times.size()};
}

void check(const Columns& columns, std::span<const ValueType> types) {
  FP_CHECK(columns.columns.size() == types.size());
  FP_CHECK(columns.readings() <= kRecordReadingsMax);
  FP_CHECK(columns.origins.empty() || columns.origin_runs.size() == types.size());
  for (const Column& column : columns.columns) {
    FP_CHECK(column.values.size() == column.times.size());
  }
}

std::vector<std::vector<std::int64_t>> take_times(ByteReader& heads, ByteReader& bodies,
                                                  const std::vector<std::size_t>& counts) {
  std::vector<std::vector<std::int64_t>> times(counts.size());
  for (std::size_t i = 0; i < counts.size() && heads.ok() && bodies.ok(); ++i) {
    times[i].resize(counts[i]);
    codec::take_ints(heads, bodies, as_words(times[i]));
  }
  return times;
}

}  // namespace

std::size_t Columns::readings() const {
  std::size_t sum = 0;
  for (const Column& column : columns) sum += column.count();
  return sum;
}

std::string encode_columns(const Columns& columns, std::span<const ValueType> types) {
  check(columns, types);
  const bool origins = !columns.origins.empty();
  std::string out(1, static_cast<char>(codec::kVersion));
  codec::put_presence(out, columns, origins ? codec::kOrigins : std::uint8_t{0});
  std::vector<const Column*> present;
  for (const Column& column : columns.columns) {
    if (column.count() > 0) present.push_back(&column);
  }
  std::vector<const Column*> firsts;
  codec::put_time_refs(out, codec::find_time_refs(present, firsts));
  codec::Sinks sinks;
  codec::ValuesEncoder encoder;
  for (const Column* column : firsts) encoder.encode_ints(as_words(column->times), sinks);
  for (const Column* column : present) {
    const auto index = static_cast<std::size_t>(column - columns.columns.data());
    encoder.encode(*column, types[index], sinks);
  }
  if (origins) codec::put_origins(sinks.heads, columns);
  codec::put_varint(out, sinks.heads.size());
  return out + sinks.heads + sinks.bodies;
}

rt::Result<Columns> decode_columns(std::string_view bytes, std::span<const ValueType> types) {
  ByteReader bodies(bytes);
  if (bodies.byte() != codec::kVersion) return corrupt("unknown version");
  std::uint8_t flags = 0;
  const auto present = codec::take_presence(bodies, types.size(), flags);
  const auto refs = codec::take_time_refs(bodies, present.size());
  ByteReader heads(bodies.take(bodies.count(bodies.rest().size())));
  if (!bodies.ok()) return corrupt("bad frame");
  const auto times = take_times(heads, bodies, refs.counts);
  Columns out;
  out.columns.resize(types.size());
  std::size_t strings_left = kRecordReadingsMax;
  for (std::size_t i = 0; i < present.size() && heads.ok() && bodies.ok(); ++i) {
    Column& column = out.columns[present[i]];
    column.times = times[refs.refs[i]];
    column.values.resize(column.times.size());
    codec::take_values(heads, bodies, types[present[i]], strings_left, column);
  }
  if (heads.ok() && (flags & codec::kOrigins) != 0) codec::take_origins(heads, out);
  if (!heads.at_end() || !bodies.at_end()) return corrupt("bad columns");
  return out;
}

bool says_origins(std::string_view bytes) {
  return bytes.size() >= 2 && (static_cast<std::uint8_t>(bytes[1]) & codec::kOrigins) != 0;
}

}  // namespace fieldpost::wire

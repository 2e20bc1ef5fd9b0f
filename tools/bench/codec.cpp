#include "tools/bench/codec.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::bench {
namespace {

/// Cuts parsed readings into records: of each column at most `most`, of all together what a record
/// may have.
std::vector<wire::Columns> records_of(const wire::ParsedLines& lines, std::size_t most) {
  most = std::min(most, wire::kRecordReadingsMax / lines.columns.size());
  std::vector<wire::Columns> records;
  for (std::size_t from = 0; from < lines.columns[0].count(); from += most) {
    wire::Columns record;
    for (const wire::Column& column : lines.columns) {
      wire::Column part;
      const std::size_t to = std::min(from + most, column.count());
      for (std::size_t i = from; i < to; ++i) {
        part.times.push_back(column.times[i]);
        part.values.push_back(column.values[i]);
      }
      record.columns.push_back(std::move(part));
    }
    records.push_back(std::move(record));
  }
  return records;
}

/// Calls a second of `work`, repeated until it took a while.
template <typename Work>
double rate(double seconds, Work work) {
  using Clock = std::chrono::steady_clock;
  work();
  std::size_t calls = 0;
  const auto start = Clock::now();
  double elapsed = 0;
  while (elapsed < seconds) {
    work();
    ++calls;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return static_cast<double>(calls) / elapsed;
}

}  // namespace

CodecMeasured measure_codec(const Shape& shape, double seconds, int zstd_level) {
  wire::LineParser parser;
  const auto lines = parser.parse(shape.lines, {});
  const auto count = static_cast<double>(lines.readings);
  const auto records = records_of(lines, shape.column_readings);
  std::vector<std::string> encoded;
  CodecMeasured out{shape.name, lines.readings, 0, 0, 0, 0, 0};
  for (const wire::Columns& record : records) {
    encoded.push_back(wire::encode_columns(record, lines.types));
    out.bytes_raw += static_cast<double>(encoded.back().size()) / count;
    const auto packed = wire::compress(encoded.back(), zstd_level);
    out.bytes_zstd += static_cast<double>(packed.bytes.size()) / count;
  }
  std::size_t sink = 0;
  out.parse_per_s = count * rate(seconds, [&] { sink += parser.parse(shape.lines, {}).readings; });
  out.encode_per_s = count * rate(seconds, [&] {
                       for (const auto& record : records)
                         sink += wire::encode_columns(record, lines.types).size();
                     });
  out.decode_per_s = count * rate(seconds, [&] {
                       for (const auto& bytes : encoded)
                         sink += wire::decode_columns(bytes, lines.types)->readings();
                     });
  return sink == 0 ? CodecMeasured{} : out;
}

}  // namespace fieldpost::bench

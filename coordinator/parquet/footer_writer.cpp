#include "coordinator/parquet/footer_writer.h"

#include <optional>
#include <utility>

#include "coordinator/parquet/format.h"
#include "coordinator/parquet/thrift_writer.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr std::int32_t kFormatVersion = 1;

template <typename E>
std::int32_t number(E value) {
  return static_cast<std::int32_t>(value);
}

template <typename E>
int id_of(E member) {
  return static_cast<int>(member);
}

Physical physical_of(Kind kind) {
  switch (kind) {
    case Kind::kI64:
    case Kind::kU64:
    case Kind::kTime: return Physical::kInt64;
    case Kind::kF64: return Physical::kDouble;
    case Kind::kBool: return Physical::kBoolean;
    case Kind::kText: break;
  }
  return Physical::kByteArray;
}

/// LogicalType of SchemaElement, for the kinds that have one.
void write_logical(ThriftWriter& out, Kind kind) {
  out.begin_struct(10);
  if (kind == Kind::kText) {
    out.empty_struct(id_of(Logical::kString));
  } else if (kind == Kind::kTime) {
    out.begin_struct(id_of(Logical::kTimestamp));
    out.boolean(1, true);  // adjusted to UTC
    out.begin_struct(2);
    out.empty_struct(id_of(TimeUnit::kNanos));
    out.end();
    out.end();
  } else {
    out.begin_struct(id_of(Logical::kInteger));
    out.i8(1, 64);
    out.boolean(2, false);  // signed
    out.end();
  }
  out.end();
}

/// Readers older than LogicalType go by this; it has no nanoseconds.
std::optional<Converted> converted_of(Kind kind) {
  if (kind == Kind::kText) return Converted::kUtf8;
  if (kind == Kind::kU64) return Converted::kUint64;
  return std::nullopt;
}

/// SchemaElement.
void write_column(ThriftWriter& out, const ColumnSpec& column) {
  out.begin_element();
  out.i32(1, number(physical_of(column.kind)));
  out.i32(3, number(column.nullable ? Repetition::kOptional : Repetition::kRequired));
  out.binary(4, column.name);
  if (const auto converted = converted_of(column.kind)) out.i32(6, number(*converted));
  if (column.kind == Kind::kText || column.kind == Kind::kTime || column.kind == Kind::kU64) {
    write_logical(out, column.kind);
  }
  out.end();
}

void write_schema(ThriftWriter& out, std::span<const ColumnSpec> columns) {
  out.begin_list(2, ThriftType::kStruct, columns.size() + 1);
  out.begin_element();
  out.binary(4, "schema");
  out.i32(5, static_cast<std::int32_t>(columns.size()));
  out.end();
  for (const ColumnSpec& column : columns) write_column(out, column);
}

void write_statistics(ThriftWriter& out, const Statistics& statistics) {
  out.begin_struct(12);
  if (statistics.null_count) out.i64(3, *statistics.null_count);
  if (statistics.bounds) {
    out.binary(5, statistics.bounds->most);
    out.binary(6, statistics.bounds->least);
    out.boolean(7, true);  // no longer value was cut
    out.boolean(8, true);
  }
  out.end();
}

std::size_t size_of(const Chunk& chunk) {
  return chunk.dictionary.size() + chunk.pages.size();
}

/// ColumnMetaData.
void write_chunk_metadata(ThriftWriter& out, const ColumnSpec& column, const Chunk& chunk,
                          std::uint64_t position) {
  const auto begin = static_cast<std::int64_t>(position);
  out.begin_struct(3);
  out.i32(1, number(physical_of(column.kind)));
  out.begin_list(2, ThriftType::kI32, chunk.encodings.size());
  for (const Encoding encoding : chunk.encodings) out.element(number(encoding));
  out.begin_list(3, ThriftType::kBinary, 1);
  out.element(column.name);
  out.i32(4, number(Codec::kZstd));
  out.i64(5, static_cast<std::int64_t>(chunk.rows));
  out.i64(6, static_cast<std::int64_t>(chunk.size_unpacked));
  out.i64(7, static_cast<std::int64_t>(size_of(chunk)));
  out.i64(9, begin + static_cast<std::int64_t>(chunk.dictionary.size()));
  if (!chunk.dictionary.empty()) out.i64(11, begin);
  write_statistics(out, chunk.statistics);
  out.end();
}

/// ColumnChunk.
void write_chunk(ThriftWriter& out, const ColumnSpec& column, const Chunk& chunk,
                 std::uint64_t position) {
  out.begin_element();
  out.i64(2, 0);  // deprecated: where the metadata stands once more, which is nowhere
  write_chunk_metadata(out, column, chunk, position);
  out.end();
}

void write_sorting(ThriftWriter& out, std::span<const SortKey> keys) {
  if (keys.empty()) return;
  out.begin_list(4, ThriftType::kStruct, keys.size());
  for (const SortKey& key : keys) {
    out.begin_element();
    out.i32(1, static_cast<std::int32_t>(key.column));
    out.boolean(2, key.descending);
    out.boolean(3, key.nulls_first);
    out.end();
  }
}

void write_metadata(ThriftWriter& out, std::span<const KeyValue> metadata) {
  if (metadata.empty()) return;
  out.begin_list(5, ThriftType::kStruct, metadata.size());
  for (const KeyValue& entry : metadata) {
    out.begin_element();
    out.binary(1, entry.key);
    out.binary(2, entry.value);
    out.end();
  }
}

/// ColumnOrder: min and max are by the order of each column's type.
void write_orders(ThriftWriter& out, std::size_t columns) {
  out.begin_list(7, ThriftType::kStruct, columns);
  for (std::size_t i = 0; i < columns; ++i) {
    out.begin_element();
    out.empty_struct(1);
    out.end();
  }
}

}  // namespace

FooterWriter::FooterWriter(std::vector<ColumnSpec> columns, std::vector<SortKey> sorted_by)
    : columns_(std::move(columns)), sorted_by_(std::move(sorted_by)) {}

void FooterWriter::add_row_group(std::uint64_t position, std::span<const Chunk> chunks) {
  const auto begin = static_cast<std::int64_t>(position);
  ThriftWriter out(groups_);
  std::int64_t size_unpacked = 0;
  out.begin_list(1, ThriftType::kStruct, chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    write_chunk(out, columns_[i], chunks[i], position);
    position += size_of(chunks[i]);
    size_unpacked += static_cast<std::int64_t>(chunks[i].size_unpacked);
  }
  out.i64(2, size_unpacked);
  out.i64(3, static_cast<std::int64_t>(chunks[0].rows));
  write_sorting(out, sorted_by_);
  out.i64(5, begin);
  out.i64(6, static_cast<std::int64_t>(position) - begin);
  out.i16(7, static_cast<std::int16_t>(row_groups_));
  out.end();
  row_groups_ += 1;
  rows_ += static_cast<std::int64_t>(chunks[0].rows);
}

std::string FooterWriter::encode(std::string_view created_by,
                                 std::span<const KeyValue> metadata) const {
  std::string bytes;
  ThriftWriter out(bytes);
  out.i32(1, kFormatVersion);
  write_schema(out, columns_);
  out.i64(3, rows_);
  out.begin_list(4, ThriftType::kStruct, row_groups());
  out.encoded_elements(groups_);
  write_metadata(out, metadata);
  out.binary(6, created_by);
  write_orders(out, columns_.size());
  out.end();
  return bytes;
}

}  // namespace fieldpost::coordinator::parquet

#include "tests/support/parquet_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::Kind;

std::string cell_of(Kind kind, const parquet::ColumnBatch& batch, std::size_t row) {
  if (!batch.present.empty() && batch.present[row] == 0) return "null";
  const std::uint64_t word = batch.words[row];
  switch (kind) {
    case Kind::kI64:
    case Kind::kTime: return std::to_string(static_cast<std::int64_t>(word));
    case Kind::kU64: return std::to_string(word);
    case Kind::kF64: return cell(std::bit_cast<double>(word));
    case Kind::kBool: return word != 0 ? "true" : "false";
    case Kind::kText: break;
  }
  return fmt::format("\"{}\"", batch.texts[word]);
}

rt::Status read_row_group(parquet::Reader& reader, std::size_t group,
                          const std::vector<std::size_t>& columns, std::size_t& room,
                          Cells& cells) {
  constexpr std::size_t kAtOnce = 10'000;
  auto rows = reader.read_row_group(group, columns);
  if (!rows) return rows.error();
  while (room > 0) {
    const auto next = rows->next(std::min(room, kAtOnce));
    if (!next) return next.error();
    if (next->count == 0) break;
    room -= next->count;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const Kind kind = reader.columns()[columns[i]].spec.kind;
      for (std::size_t row = 0; row < next->count; ++row) {
        cells[i].push_back(cell_of(kind, next->columns[i], row));
      }
    }
  }
  return rt::ok();
}

}  // namespace

std::string cell(double value) {
  return fmt::format("{:016x}", std::bit_cast<std::uint64_t>(value));
}

std::string write_parquet(std::vector<parquet::ColumnSpec> columns,
                          const std::function<void(parquet::Writer&)>& fill,
                          std::vector<parquet::KeyValue> metadata) {
  std::string file;
  auto writer = parquet::Writer::create(std::move(columns), {.created_by = "test version 1"},
                                        [&](std::string_view bytes) {
                                          file += bytes;
                                          return rt::ok();
                                        });
  FP_CHECK(writer.has_value());
  fill(*writer);
  FP_CHECK(writer->finish(metadata).has_value());
  return file;
}

rt::Result<parquet::Reader> open_parquet(std::string_view file) {
  return parquet::Reader::open(file.size(), [file](std::uint64_t offset, std::size_t size) {
    FP_CHECK(offset <= file.size() && size <= file.size() - offset);
    return rt::Result<std::string>(std::string(file.substr(offset, size)));
  });
}

rt::Result<Cells> read_cells(std::string_view file, std::size_t rows_max) {
  auto reader = open_parquet(file);
  if (!reader) return reader.error();
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < reader->columns().size(); ++i) {
    if (reader->columns()[i].unreadable.empty()) columns.push_back(i);
  }
  Cells cells(columns.size());
  for (std::size_t group = 0; group < reader->row_groups(); ++group) {
    auto read = read_row_group(*reader, group, columns, rows_max, cells);
    if (!read) return read.error();
  }
  return cells;
}

}  // namespace fieldpost::test

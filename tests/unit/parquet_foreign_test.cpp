// Files that DuckDB and Arrow wrote: tests/data/parquet.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include "coordinator/parquet/reader.h"
#include "tests/support/parquet_table.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::Kind;
using rt::Errc;

constexpr std::int64_t kRows = 24;

std::string foreign(const std::string& name) {
  std::ifstream file(FIELDPOST_TEST_DATA_DIR "/parquet/" + name + ".parquet", std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string unless(bool null, const std::string& cell) {
  return null ? "null" : cell;
}

std::string f64_cell(std::int64_t i) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (i % 11 == 1) return "7ff8000000000000";
  if (i % 11 == 2) return cell(-kInfinity);
  return unless(i % 11 == 3, cell(static_cast<double>(i - 7) / 3));
}

/// As flatQuery of parquet_samples.mjs.
std::vector<std::string> cells_of_row(std::int64_t i) {
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  return {text(1'700'000'000'000'000'000 + i * 1'000'000'007),
          text((1'700'000'000'000'000 + i * 1'000'003) * 1000),
          text((1'700'000'000'000 + i) * 1'000'000),
          text(i * 1'000'003'000),
          text(i % 256 - 128),
          text(i * 31 % 65'536 - 32'768),
          text(i * 7919 - 2'147'483'648),
          unless(i % 5 == 0, text((i - 3) * 1'000'000'000'000)),
          text(i % 256),
          text(65'535 - i % 65'536),
          text(4'294'967'295 - i),
          std::to_string(UINT64_MAX - static_cast<std::uint64_t>(i)),
          cell(static_cast<double>(static_cast<float>(static_cast<double>(i) / 3))),
          f64_cell(i),
          unless(i % 4 == 2, i % 3 == 0 ? "true" : "false"),
          unless(i % 7 == 6, fmt::format("\"größe {}\"", i % 6)),
          fmt::format("\"text {}\"", i)};
}

constexpr const char* kFlatFiles[] = {"duckdb_plain",   "duckdb_snappy",   "duckdb_gzip",
                                      "duckdb_zstd_v2", "duckdb_plain_v2", "arrow_zstd",
                                      "arrow_plain_v2", "arrow_snappy_v2"};

void check_cells(const Cells& cells) {
  REQUIRE(cells.size() == 17);
  for (std::int64_t i = 0; i < kRows; ++i) {
    const std::vector<std::string> expected = cells_of_row(i);
    for (std::size_t column = 0; column < expected.size(); ++column) {
      CAPTURE(i);
      CAPTURE(column);
      REQUIRE(cells[column].size() == kRows);
      CHECK(cells[column][static_cast<std::size_t>(i)] == expected[column]);
    }
  }
}

rt::Error error_of(parquet::Reader& reader, std::size_t column) {
  const auto rows = reader.read_row_group(0, std::vector{column});
  REQUIRE_FALSE(rows);
  return rows.error();
}

}  // namespace

TEST_CASE("Parquet files of DuckDB and Arrow are read, of each version and codec") {
  for (const char* name : kFlatFiles) {
    INFO(name);
    const std::string file = foreign(name);
    const auto cells = read_cells(file);
    const std::string problem = cells ? "" : cells.error().message;
    INFO(problem);
    REQUIRE(cells);
    check_cells(*cells);
  }
}

TEST_CASE("kinds of foreign Parquet columns follow their annotations") {
  const std::string file = foreign("duckdb_plain");
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  std::vector<Kind> kinds;
  for (const parquet::Column& column : reader->columns()) kinds.push_back(column.spec.kind);
  const std::vector<Kind> expected{Kind::kTime, Kind::kTime, Kind::kTime, Kind::kTime, Kind::kI64,
                                   Kind::kI64,  Kind::kI64,  Kind::kI64,  Kind::kU64,  Kind::kU64,
                                   Kind::kU64,  Kind::kU64,  Kind::kF64,  Kind::kF64,  Kind::kBool,
                                   Kind::kText, Kind::kText};
  CHECK(kinds == expected);
}

TEST_CASE("Parquet columns that cannot be read are named, and the others are read") {
  const std::string file = foreign("nested");
  auto reader = open_parquet(file);
  REQUIRE(reader);
  REQUIRE(reader->columns().size() == 8);
  for (const std::size_t index : {1u, 2u, 3u, 4u, 7u}) {
    const parquet::Column& column = reader->columns()[index];
    INFO(column.spec.name);
    CHECK_FALSE(column.unreadable.empty());
    const rt::Error error = error_of(*reader, index);
    CHECK(error.code == Errc::kInvalid);
    CHECK(error.message.find("\"" + column.spec.name + "\"") != std::string::npos);
  }
  CHECK(reader->columns()[1].unreadable == "it is nested; only flat columns are");
  auto rows = reader->read_row_group(0, std::vector<std::size_t>{0, 5});
  REQUIRE(rows);
  const auto next = rows->next(100);
  REQUIRE(next);
  REQUIRE(next->count == 3);
  CHECK(next->columns[0].words[2] == 2);
  CHECK(next->columns[1].texts[next->columns[1].words[2]] == "text 2");
}

TEST_CASE("bytes that are not UTF-8 are no text of a Parquet file") {
  const std::string file = foreign("nested");
  auto reader = open_parquet(file);
  REQUIRE(reader);
  REQUIRE(reader->columns()[6].spec.name == "bytes");
  auto rows = reader->read_row_group(0, std::vector<std::size_t>{6});
  REQUIRE(rows);
  const auto next = rows->next(100);
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Errc::kCorrupt);
  CHECK(next.error().message.find("\"bytes\"") != std::string::npos);
}

TEST_CASE("a codec that is not supported is named, with what to do") {
  const auto cells = read_cells(foreign("lz4"));
  REQUIRE_FALSE(cells);
  CHECK(cells.error().code == Errc::kInvalid);
  CHECK(cells.error().message.find("LZ4_RAW") != std::string::npos);
  CHECK(cells.error().message.find("COMPRESSION zstd") != std::string::npos);
}

}  // namespace fieldpost::test

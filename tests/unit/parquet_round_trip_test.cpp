#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/reader.h"
#include "coordinator/parquet/writer.h"
#include "tests/support/parquet_table.h"

namespace fieldpost::test {
namespace {

namespace parquet = coordinator::parquet;
using parquet::ColumnSpec;
using parquet::Kind;
using parquet::Writer;

std::vector<ColumnSpec> all_kinds(bool nullable) {
  return {{.name = "time", .kind = Kind::kTime, .nullable = nullable},
          {.name = "i64", .kind = Kind::kI64, .nullable = nullable},
          {.name = "u64", .kind = Kind::kU64, .nullable = nullable},
          {.name = "f64", .kind = Kind::kF64, .nullable = nullable},
          {.name = "bool", .kind = Kind::kBool, .nullable = nullable},
          {.name = "text", .kind = Kind::kText, .nullable = nullable},
          {.name = "label", .kind = Kind::kText, .nullable = nullable, .dictionary = true}};
}

/// One row, each value made of `row`.
void append_row(Writer& writer, std::size_t row) {
  const auto number = static_cast<std::int64_t>(row);
  const std::int64_t time = 1'700'000'000'000'000'000 + number * 1'000'000'007;
  const std::uint64_t high = UINT64_MAX - row;
  const double eighth = static_cast<double>(row) / 8;
  writer.append_i64(0, {&time, 1});
  writer.append_i64(1, {&number, 1});
  writer.append_u64(2, {&high, 1});
  writer.append_f64(3, {&eighth, 1});
  writer.append_bool(4, row % 3 == 0);
  writer.append_text(5, fmt::format("text {}", row));
  writer.append_text(6, fmt::format("label {}", row / 10 % 7));
}

std::vector<std::string> cells_of_row(std::size_t row) {
  const auto number = static_cast<std::int64_t>(row);
  return {std::to_string(1'700'000'000'000'000'000 + number * 1'000'000'007),
          std::to_string(row),
          std::to_string(UINT64_MAX - row),
          cell(static_cast<double>(row) / 8),
          row % 3 == 0 ? "true" : "false",
          fmt::format("\"text {}\"", row),
          fmt::format("\"label {}\"", row / 10 % 7)};
}

Cells must_read(std::string_view file) {
  auto cells = read_cells(file);
  const std::string problem = cells ? "" : cells.error().message;
  INFO(problem);
  REQUIRE(cells);
  return *cells;
}

void check_row(const Cells& cells, std::size_t at, const std::vector<std::string>& expected) {
  for (std::size_t column = 0; column < expected.size(); ++column) {
    CAPTURE(at);
    CAPTURE(column);
    REQUIRE(cells[column].size() > at);
    CHECK(cells[column][at] == expected[column]);
  }
}

const std::vector<std::string> kNullRow(7, "null");

}  // namespace

TEST_CASE("every kind of Parquet column survives, with nulls and without") {
  for (const bool nullable : {false, true}) {
    const std::string file = write_parquet(all_kinds(nullable), [](Writer& writer) {
      for (std::size_t row = 0; row < 1000; ++row) append_row(writer, row);
    });
    const Cells cells = must_read(file);
    REQUIRE(cells[0].size() == 1000);
    for (std::size_t row = 0; row < 1000; ++row) check_row(cells, row, cells_of_row(row));
  }
}

TEST_CASE("the ends of each kind survive in Parquet") {
  using D = std::numeric_limits<double>;
  const std::array<std::int64_t, 6> ints{INT64_MIN, INT64_MAX, 0, -1, INT64_MAX, INT64_MIN};
  const std::array<std::uint64_t, 6> unsigneds{0, UINT64_MAX, 1ull << 63, 1, 0, 7};
  const double odd_nan = std::bit_cast<double>(0x7ff8'dead'beef'0001ull);
  const std::array<double, 6> doubles{-0.0,    D::infinity(),   -D::infinity(),
                                      odd_nan, D::denorm_min(), D::lowest()};
  const std::string file = write_parquet(all_kinds(false), [&](Writer& writer) {
    writer.append_i64(0, ints);
    writer.append_i64(1, ints);
    writer.append_u64(2, unsigneds);
    writer.append_f64(3, doubles);
    writer.append_bool(4, true, 6);
    for (const char* text : {"", "ä", "日本語", "𝄞", "\"", "\n"}) writer.append_text(5, text);
    writer.append_text(6, "", 5);
    writer.append_text(6, "größe");
  });
  const Cells cells = must_read(file);
  for (std::size_t row = 0; row < 6; ++row) {
    check_row(cells, row,
              {std::to_string(ints[row]), std::to_string(ints[row]), std::to_string(unsigneds[row]),
               cell(doubles[row]), "true"});
  }
  CHECK(cells[5] ==
        std::vector<std::string>{"\"\"", "\"ä\"", "\"日本語\"", "\"𝄞\"", "\"\"\"", "\"\n\""});
  CHECK(cells[6][4] == "\"\"");
  CHECK(cells[6][5] == "\"größe\"");
}

TEST_CASE("nulls stand where they were in a Parquet file") {
  const auto is_null = [](std::size_t row) { return row % 5 == 1 || (row / 100) % 3 == 2; };
  const std::string file = write_parquet(all_kinds(true), [&](Writer& writer) {
    for (std::size_t row = 0; row < 5000; ++row) {
      if (!is_null(row)) {
        append_row(writer, row);
      } else {
        for (std::size_t column = 0; column < 7; ++column) writer.append_nulls(column, 1);
      }
    }
  });
  const Cells cells = must_read(file);
  for (std::size_t row = 0; row < 5000; ++row) {
    check_row(cells, row, is_null(row) ? kNullRow : cells_of_row(row));
  }
}

TEST_CASE("a Parquet column of nulls alone survives") {
  const std::string file = write_parquet(all_kinds(true), [](Writer& writer) {
    for (std::size_t column = 0; column < 7; ++column) writer.append_nulls(column, 20'000);
  });
  CHECK(file.size() < 3000);
  const Cells cells = must_read(file);
  REQUIRE(cells[6].size() == 20'000);
  check_row(cells, 0, kNullRow);
  check_row(cells, 19'999, kNullRow);
}

TEST_CASE("a Parquet file without rows has columns and metadata") {
  const std::string file =
      write_parquet(all_kinds(true), [](Writer& writer) { REQUIRE(writer.end_row_group()); },
                    {{"site", "lab"}, {"größe", "“1”\n"}, {"", ""}});
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  CHECK(reader->rows() == 0);
  CHECK(reader->row_groups() == 0);
  CHECK(reader->created_by() == "test version 1");
  REQUIRE(reader->metadata().size() == 3);
  CHECK(reader->metadata()[1] == parquet::KeyValue{"größe", "“1”\n"});
  REQUIRE(reader->columns().size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    ColumnSpec spec = all_kinds(true)[i];
    spec.dictionary = false;
    CHECK(reader->columns()[i].spec == spec);
    CHECK(reader->columns()[i].unreadable.empty());
  }
}

TEST_CASE("row groups of a Parquet file follow each other") {
  const std::string file = write_parquet(all_kinds(false), [](Writer& writer) {
    for (std::size_t row = 0; row < 3000; ++row) {
      append_row(writer, row);
      if (row % 100 == 99) REQUIRE(writer.end_row_group());
      if (row % 1000 == 999) REQUIRE(writer.end_row_group());  // without rows: none
    }
  });
  const auto reader = open_parquet(file);
  REQUIRE(reader);
  CHECK(reader->row_groups() == 30);
  CHECK(reader->rows() == 3000);
  const Cells cells = must_read(file);
  for (std::size_t row = 0; row < 3000; ++row) check_row(cells, row, cells_of_row(row));
}

TEST_CASE("a Parquet column of many pages survives") {
  constexpr std::size_t kRows = 270'000;  // three pages of doubles
  std::vector<double> values(kRows);
  for (std::size_t i = 0; i < kRows; ++i) values[i] = std::sin(static_cast<double>(i));
  const std::string file = write_parquet(
      {{.name = "v", .kind = Kind::kF64, .nullable = true}, {.name = "t", .kind = Kind::kText}},
      [&](Writer& writer) {
        writer.append_nulls(0, 1);
        writer.append_f64(0, values);
        writer.append_text(1, std::string(20, 'x'), kRows);
        writer.append_text(1, "last");
      });
  const Cells cells = must_read(file);
  REQUIRE(cells[0].size() == kRows + 1);
  CHECK(cells[0][0] == "null");
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kRows; ++i) wrong += cells[0][i + 1] != cell(values[i]) ? 1u : 0u;
  CHECK(wrong == 0);
  CHECK(cells[1][kRows] == "\"last\"");
}

TEST_CASE("a Parquet page knows of no nulls of the page before") {
  const std::vector<double> page(parquet::kPageBytes / sizeof(double), 1.5);
  const std::vector<double> rest{2.5, 3.5};
  const std::string file =
      write_parquet({{.name = "v", .kind = Kind::kF64, .nullable = true}}, [&](Writer& writer) {
        writer.append_nulls(0, 2);
        writer.append_f64(0, page);
        writer.append_f64(0, rest);
      });
  const Cells cells = must_read(file);
  REQUIRE(cells[0].size() == page.size() + 4);
  CHECK(cells[0][1] == "null");
  CHECK(cells[0][2] == cell(1.5));
  CHECK(cells[0][page.size() + 2] == cell(2.5));
  CHECK(cells[0][page.size() + 3] == cell(3.5));
}

TEST_CASE("runs of a text cost a few bytes in a Parquet dictionary") {
  const auto write = [](std::size_t rows) {
    return write_parquet({{.name = "node", .kind = Kind::kText, .dictionary = true}},
                         [rows](Writer& writer) {
                           for (int i = 0; i < 100; ++i) {
                             writer.append_text(0, fmt::format("node-{}", i), rows);
                           }
                         });
  };
  CHECK(write(10'000).size() < write(10).size() + 300);
  CHECK(must_read(write(1'000))[0][99'999] == "\"node-99\"");
}

TEST_CASE("texts stand as such when a Parquet dictionary is full, until the next row group") {
  constexpr std::size_t kMany = parquet::kDictionaryTexts + 500;
  const auto text = [](std::size_t i) { return fmt::format("t{}", i % kMany); };
  const std::string file =
      write_parquet({{.name = "x", .kind = Kind::kText, .dictionary = true}}, [&](Writer& writer) {
        for (std::size_t i = 0; i < kMany + 10; ++i) writer.append_text(0, text(i));
        REQUIRE(writer.end_row_group());
        writer.append_text(0, "again", 1000);
      });
  const Cells cells = must_read(file);
  REQUIRE(cells[0].size() == kMany + 1010);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kMany + 10; ++i) {
    wrong += cells[0][i] != "\"" + text(i) + "\"" ? 1u : 0u;
  }
  CHECK(wrong == 0);
  CHECK(cells[0].back() == "\"again\"");
}

TEST_CASE("long texts are bounded by the dictionary's bytes and survive beside it") {
  const std::string large(parquet::kDictionaryBytes, 'x');
  const std::string file =
      write_parquet({{.name = "x", .kind = Kind::kText, .dictionary = true}}, [&](Writer& writer) {
        writer.append_text(0, "small", 3);
        writer.append_text(0, large + "1", 2);
        writer.append_text(0, "small");
      });
  const Cells cells = must_read(file);
  CHECK(cells[0][2] == "\"small\"");
  CHECK(cells[0][4] == "\"" + large + "1\"");
  CHECK(cells[0][5] == "\"small\"");
}

TEST_CASE("the same rows give the same Parquet file, in whatever pieces they come") {
  std::vector<std::int64_t> times(300'000);
  for (std::size_t i = 0; i < times.size(); ++i) {
    times[i] = static_cast<std::int64_t>(i * i % 1000 + i * 1'000'000);
  }
  const auto write = [&](std::size_t piece) {
    return write_parquet({{.name = "t", .kind = Kind::kTime},
                          {.name = "n", .kind = Kind::kText, .dictionary = true}},
                         [&](Writer& writer) {
                           for (std::size_t at = 0; at < times.size(); at += piece) {
                             const auto now = std::span(times).subspan(at).first(piece);
                             writer.append_i64(0, now);
                             writer.append_text(1, "node", piece);
                           }
                         });
  };
  const std::string whole = write(300'000);
  CHECK(write(300'000) == whole);
  CHECK(write(1'000) == whole);
  CHECK(write(1) == whole);
}

}  // namespace fieldpost::test

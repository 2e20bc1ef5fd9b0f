// Writes Parquet files that other programs' readers read, and prints files that others wrote.
// usage: parquet_files write DIRECTORY | parquet_files print FILE
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coordinator/parquet/writer.h"
#include "tests/support/parquet_table.h"

namespace {

namespace parquet = fieldpost::coordinator::parquet;
namespace rt = fieldpost::rt;
namespace test = fieldpost::test;
using parquet::Kind;

constexpr std::size_t kLargeRows = 1'000'000;
constexpr std::size_t kGroupRows = 300'000;

std::vector<parquet::ColumnSpec> all_columns(bool nullable) {
  return {{.name = "time", .kind = Kind::kTime},
          {.name = "i64", .kind = Kind::kI64, .nullable = nullable},
          {.name = "u64", .kind = Kind::kU64, .nullable = nullable},
          {.name = "f64", .kind = Kind::kF64, .nullable = nullable},
          {.name = "flag", .kind = Kind::kBool, .nullable = nullable},
          {.name = "text", .kind = Kind::kText, .nullable = nullable},
          {.name = "größe", .kind = Kind::kText, .nullable = nullable, .dictionary = true}};
}

/// A file and its writer; each step must work.
class File {
 public:
  File(const std::string& path, std::vector<parquet::ColumnSpec> columns,
       std::vector<parquet::SortKey> sorted_by = {})
      : out_(path, std::ios::binary),
        writer_(parquet::Writer::create(
                    std::move(columns),
                    {.created_by = "fieldpost version 0.1.0", .sorted_by = std::move(sorted_by)},
                    [this](std::string_view bytes) {
                      out_.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
                      return rt::ok();
                    })
                    .value()) {}

  parquet::Writer& writer() { return writer_; }
  void end_row_group() { FP_CHECK(writer_.end_row_group().has_value()); }
  void finish() {
    const std::vector<parquet::KeyValue> metadata{{"fieldpost.site", "lab"},
                                                  {"fieldpost.note", "größer als “1”\n"}};
    FP_CHECK(writer_.finish(metadata).has_value());
    out_.close();
    FP_CHECK(out_.good());
  }

 private:
  std::ofstream out_;
  parquet::Writer writer_;
};

/// What is easily mistaken: the ends of each type, zeros of both signs, what is no number.
void write_edges(const std::string& path) {
  using D = std::numeric_limits<double>;
  using I = std::numeric_limits<std::int64_t>;
  File file(path, all_columns(true));
  const std::array<std::int64_t, 8> times{
      -1, 0, 1, 999, 1'000, -1'500, 4'102'444'800'000'000'001, 1'700'000'000'123'456'789};
  const std::array<std::int64_t, 6> ints{I::min(), -1, 0, 1, I::max(), 9'007'199'254'740'993};
  const std::array<std::uint64_t, 6> unsigneds{0, 1, UINT64_MAX, 1ull << 63, (1ull << 63) - 1, 7};
  const std::array<double, 6> doubles{-0.0,           D::quiet_NaN(),  D::infinity(),
                                      -D::infinity(), D::denorm_min(), 0.1};
  const std::array<std::string, 6> texts{"", "a", "日本語", std::string(65, 'x'), "\"'\n\t", "𝄞"};
  parquet::Writer& writer = file.writer();
  writer.append_i64(0, times);
  writer.append_nulls(1, 1);
  writer.append_i64(1, ints);
  writer.append_nulls(1, 1);
  writer.append_u64(2, unsigneds);
  writer.append_nulls(2, 2);
  writer.append_nulls(3, 2);
  writer.append_f64(3, doubles);
  for (int i = 0; i < 6; ++i) writer.append_bool(4, i % 2 == 1);
  writer.append_nulls(4, 2);
  for (const std::string& text : texts) writer.append_text(5, text);
  writer.append_nulls(5, 2);
  writer.append_nulls(6, 1);
  writer.append_text(6, "an", 3);
  writer.append_text(6, "aus", 1);
  writer.append_text(6, "an", 2);
  writer.append_nulls(6, 1);
  file.end_row_group();
  for (std::size_t column = 1; column < 7; ++column) writer.append_nulls(column, 3);
  writer.append_i64(0, std::array<std::int64_t, 3>{5, 5, 5});
  file.finish();
}

/// By the same arithmetic as parquet_test.mjs.
void append_row(parquet::Writer& writer, std::size_t row) {
  const auto number = static_cast<std::int64_t>(row);
  constexpr std::int64_t kBegin = 1'700'000'000'000'000'000;
  const std::int64_t time = kBegin + number * 1'000'000'000 + number % 1009 * 997;
  writer.append_i64(0, {&time, 1});
  if (row % 7 == 3) {
    for (std::size_t column = 1; column < 7; ++column) writer.append_nulls(column, 1);
    return;
  }
  const std::int64_t square = number * number - 5'000'000;
  const std::uint64_t high = UINT64_MAX - row;
  const double eighth = static_cast<double>(number) / 8 - 1000;
  writer.append_i64(1, {&square, 1});
  writer.append_u64(2, {&high, 1});
  writer.append_f64(3, {&eighth, 1});
  writer.append_bool(4, row % 3 == 0);
  writer.append_text(5, fmt::format("wert {}", row % 5000));
  writer.append_text(6, fmt::format("gerät-{}", row / 1000));
}

void write_large(const std::string& path) {
  File file(path, all_columns(true), {{.column = 0}});
  for (std::size_t row = 0; row < kLargeRows; ++row) {
    append_row(file.writer(), row);
    if (file.writer().rows(0) == kGroupRows) file.end_row_group();
  }
  file.finish();
}

/// So many distinct texts that the dictionary is full before the end.
void write_many_texts(const std::string& path) {
  File file(path, {{.name = "text", .kind = Kind::kText, .dictionary = true}});
  for (std::size_t row = 0; row < 200'000; ++row) {
    file.writer().append_text(0, fmt::format("text {}", row / 2));
  }
  file.finish();
}

void write_required(const std::string& path) {
  File file(path, all_columns(false));
  for (std::size_t row = 0; row < 1000; ++row) {
    if (row % 7 != 3) append_row(file.writer(), row);
  }
  file.finish();
}

int write_all(const std::string& directory) {
  write_edges(directory + "/edges.parquet");
  write_large(directory + "/large.parquet");
  write_many_texts(directory + "/many_texts.parquet");
  write_required(directory + "/required.parquet");
  File(directory + "/empty.parquet", all_columns(true)).finish();
  return 0;
}

/// A line about the file, then one a row, all JSON.
int print(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string file{std::istreambuf_iterator<char>(in), {}};
  const auto reader = test::open_parquet(file);
  const auto cells = test::read_cells(file);
  if (!cells) {
    fmt::print(stderr, "{}\n", cells.error().message);
    return 1;
  }
  nlohmann::json head{{"created_by", reader->created_by()}, {"rows", reader->rows()}};
  for (const parquet::Column& column : reader->columns()) {
    head["columns"].push_back({{"name", column.spec.name}, {"unreadable", column.unreadable}});
  }
  fmt::print("{}\n", head.dump());
  for (std::size_t row = 0; !cells->empty() && row < cells->front().size(); ++row) {
    nlohmann::json line;
    for (const auto& column : *cells) line.push_back(column[row]);
    fmt::print("{}\n", line.dump());
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "write") return write_all(words[1]);
  if (words.size() == 2 && words[0] == "print") return print(words[1]);
  fmt::print(stderr, "usage: parquet_files write DIRECTORY | parquet_files print FILE\n");
  return 2;
}

// Speed and size of writing Parquet, and the speed of reading it back: times, values and three
// dictionary columns, as an export of readings has them. Nothing is written to disk; a second is
// one of a core.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/reader.h"
#include "coordinator/parquet/writer.h"

namespace {

namespace parquet = fieldpost::coordinator::parquet;

constexpr std::size_t kReadRows = 65'536;

struct Options {
  std::size_t rows = 50'000'000;
  std::size_t series_rows = 100'000;  // that follow each other
  double jitter_us = 200;
  int decimals = -1;  // of the values; below zero: all bits are random
  int zstd_level = parquet::kZstdLevel;
};

/// Samples once a second with jitter, of values that wander.
class Samples {
 public:
  explicit Samples(const Options& options) : options_(options) {}

  void next(std::size_t count) {
    times.resize(count);
    values.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      second_ += 1'000'000'000;
      times[i] = second_ + std::llround(jitter_(random_) * options_.jitter_us * 1000);
      value_ += step_(random_) * 0.01;
      values[i] = options_.decimals < 0 ? value_ : rounded(value_);
    }
  }

  std::vector<std::int64_t> times;
  std::vector<double> values;

 private:
  [[nodiscard]] double rounded(double value) const {
    const double scale = std::pow(10, options_.decimals);
    return std::round(value * scale) / scale;
  }

  Options options_;
  std::mt19937_64 random_{1};
  std::normal_distribution<double> step_;
  std::normal_distribution<double> jitter_;
  std::int64_t second_ = 1'700'000'000'000'000'000;
  double value_ = 20;
};

/// CPU seconds of this process: what else runs on the machine does not count.
double cpu_seconds() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

void append(parquet::Writer& writer, const Samples& samples, std::size_t series) {
  const std::size_t count = samples.times.size();
  writer.append_i64(0, samples.times);
  writer.append_f64(1, samples.values);
  writer.append_text(2, fmt::format("node-{}", series / 10), count);
  writer.append_text(3, "climate", count);
  writer.append_text(4, fmt::format("temperature_{}", series % 10), count);
}

std::vector<parquet::ColumnSpec> columns() {
  using parquet::Kind;
  return {{.name = "time", .kind = Kind::kTime},
          {.name = "value", .kind = Kind::kF64, .nullable = true},
          {.name = "node", .kind = Kind::kText, .dictionary = true},
          {.name = "measurement", .kind = Kind::kText, .dictionary = true},
          {.name = "field", .kind = Kind::kText, .dictionary = true}};
}

/// Seconds spent in the writer; the file's bytes go to `file`.
double write(const Options& options, std::string& file) {
  parquet::WriterOptions writing{.created_by = "bench_parquet"};
  writing.zstd_level = options.zstd_level;
  auto writer = parquet::Writer::create(columns(), writing, [&](std::string_view bytes) {
    file += bytes;
    return fieldpost::rt::ok();
  });
  FP_CHECK(writer.has_value());
  Samples samples(options);
  double spent = 0;
  for (std::size_t done = 0; done < options.rows; done += samples.times.size()) {
    const std::size_t room = parquet::kGroupRowsMax - writer->rows(0);
    samples.next(std::min({options.series_rows, options.rows - done, room}));
    const double begin = cpu_seconds();
    append(*writer, samples, done / options.series_rows);
    if (writer->rows(0) == parquet::kGroupRowsMax) FP_CHECK(writer->end_row_group().has_value());
    spent += cpu_seconds() - begin;
  }
  const double begin = cpu_seconds();
  FP_CHECK(writer->finish().has_value());
  return spent + cpu_seconds() - begin;
}

std::uint64_t sum_of(const parquet::Rows& rows) {
  std::uint64_t sum = 0;
  for (const parquet::ColumnBatch& column : rows.columns) {
    for (const std::uint64_t word : column.words) sum += word;
  }
  return sum;
}

/// Seconds for all rows of all columns.
double read(const std::string& file, std::size_t rows) {
  const double begin = cpu_seconds();
  auto reader = parquet::Reader::open(file.size(), [&](std::uint64_t offset, std::size_t size) {
    return fieldpost::rt::Result<std::string>(file.substr(offset, size));
  });
  FP_CHECK(reader.has_value());
  std::vector<std::size_t> all(reader->columns().size());
  std::iota(all.begin(), all.end(), 0);
  std::uint64_t sum = 0;
  for (std::size_t group = 0; group < reader->row_groups(); ++group) {
    auto reading = reader->read_row_group(group, all);
    FP_CHECK(reading.has_value());
    for (auto next = reading->next(kReadRows); next.value().count > 0;
         next = reading->next(kReadRows)) {
      rows -= next->count;
      sum += sum_of(*next);
    }
  }
  FP_CHECK(rows == 0 && sum != 0);
  return cpu_seconds() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Speed and size of writing and reading Parquet");
  Options options;
  app.add_option("--rows", options.rows, "how many");
  app.add_option("--series-rows", options.series_rows, "rows of one series before the next");
  app.add_option("--jitter-us", options.jitter_us, "standard deviation of the times");
  app.add_option("--decimals", options.decimals, "of the values; -1: as they come");
  app.add_option("--zstd-level", options.zstd_level, "compression level");
  CLI11_PARSE(app, argc, argv);
  std::string file;
  const double written = write(options, file);
  const double read_again = read(file, options.rows);
  const auto rows = static_cast<double>(options.rows);
  fmt::print("written  {:.1f} M rows/s, {:.2f} bytes/row\n", rows / written / 1e6,
             static_cast<double>(file.size()) / rows);
  fmt::print("read     {:.1f} M rows/s\n", rows / read_again / 1e6);
  return EXIT_SUCCESS;
}

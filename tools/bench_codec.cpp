// Speed and size of the readings side of the wire: line parsing, column encoding and decoding,
// zstd.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings_codec.h"

namespace {

namespace wire = fieldpost::wire;
using fieldpost::wire::ValueType;

struct Shape {
  std::string name;
  std::string lines;            ///< line protocol
  std::size_t column_readings;  ///< most readings of one column in one record
};

struct Measured {
  std::string name;
  std::size_t readings = 0;
  double parse_per_s = 0;
  double encode_per_s = 0;
  double decode_per_s = 0;
  double bytes_raw = 0;   ///< a reading, before zstd
  double bytes_zstd = 0;  ///< a reading, as `compress` leaves it
};

std::int64_t seconds_of(const std::string& date_time) {
  std::tm parts{};
  if (strptime(date_time.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) return 0;
  return timegm(&parts);
}

Shape recorded_shape(const std::filesystem::path& path) {
  Shape shape{path.stem().string(), "", wire::kRecordReadingsMax};
  std::ifstream file(path);
  std::string row;
  std::getline(file, row);
  while (std::getline(file, row)) {
    const std::size_t comma = row.find(',');
    shape.lines += fmt::format("nab value={} {}000000000\n", row.substr(comma + 1),
                               seconds_of(row.substr(0, comma)));
  }
  return shape;
}

/// Hosts with five random walks each, steps N(0, 0.3), printed with 2, 2, 1, 1, 3 decimals.
Shape walk_shape(std::string name, std::size_t hosts, std::size_t seconds, std::size_t record) {
  constexpr int kDecimals[] = {2, 2, 1, 1, 3};
  std::mt19937_64 random(42);
  std::normal_distribution<double> step(0, 0.3);
  std::vector<double> levels(hosts * std::size(kDecimals), 50);
  Shape shape{std::move(name), "", record};
  for (std::size_t second = 0; second < seconds; ++second) {
    for (std::size_t host = 0; host < hosts; ++host) {
      shape.lines += fmt::format("env,host=h{}", host);
      for (std::size_t i = 0; i < std::size(kDecimals); ++i) {
        double& level = levels[host * std::size(kDecimals) + i];
        level += step(random);
        shape.lines += fmt::format("{}f{}={:.{}f}", i == 0 ? ' ' : ',', i, level, kDecimals[i]);
      }
      shape.lines += fmt::format(" {}000000000\n", 1'700'000'000 + second);
    }
  }
  return shape;
}

/// What a machine says of itself once a second: percentages, loads, counters, sizes.
Shape host_shape(std::string name, std::size_t seconds, std::size_t record) {
  std::mt19937_64 random(7);
  Shape shape{std::move(name), "", record};
  std::vector<std::uint64_t> counters(16, 1'000'000);
  for (std::size_t second = 0; second < seconds; ++second) {
    const auto stamp = fmt::format(" {}123456789\n", 1'700'000'000 + second);
    for (int cpu = 0; cpu < 4; ++cpu) {
      shape.lines += fmt::format("cpu,cpu=cpu{}", cpu);
      for (int i = 0; i < 7; ++i) {
        const double percent = static_cast<double>(random() % (i < 2 ? 3000 : 120)) / 100;
        shape.lines += fmt::format("{}f{}={}", i == 0 ? ' ' : ',', i, percent);
      }
      shape.lines += stamp;
    }
    shape.lines += "mem";
    for (std::size_t i = 0; i < 8; ++i) {
      const std::uint64_t pages = 300'000 * (i + 1) + (i < 4 ? random() % 500 : 0);
      shape.lines += fmt::format("{}f{}={}i", i == 0 ? ' ' : ',', i, pages * 4096);
    }
    shape.lines += stamp + "io";
    for (std::size_t i = 0; i < counters.size(); ++i) {
      if (i % 2 == 0) counters[i] += random() % (100 << i);
      shape.lines += fmt::format("{}f{}={}i", i == 0 ? ' ' : ',', i, counters[i]);
    }
    shape.lines += stamp + "sys";
    for (int i = 0; i < 8; ++i) {
      const double value = 40 + i + static_cast<double>(random() % 8) / 8;
      shape.lines += fmt::format("{}f{}={}", i == 0 ? ' ' : ',', i, value);
    }
    shape.lines += stamp;
  }
  return shape;
}

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

Measured measure(const Shape& shape, double seconds, int zstd_level) {
  wire::LineParser parser;
  const auto lines = parser.parse(shape.lines, {});
  const auto count = static_cast<double>(lines.readings);
  const auto records = records_of(lines, shape.column_readings);
  std::vector<std::string> encoded;
  Measured out{shape.name, lines.readings, 0, 0, 0, 0, 0};
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
  return sink == 0 ? Measured{} : out;
}

void print_table(const std::vector<Measured>& rows) {
  fmt::print("{:<38} {:>9} {:>11} {:>11} {:>11} {:>8} {:>8}\n", "shape", "readings", "parse M/s",
             "encode M/s", "decode M/s", "B raw", "B zstd");
  for (const Measured& row : rows) {
    fmt::print("{:<38} {:>9} {:>11.1f} {:>11.1f} {:>11.1f} {:>8.3f} {:>8.3f}\n", row.name,
               row.readings, row.parse_per_s / 1e6, row.encode_per_s / 1e6, row.decode_per_s / 1e6,
               row.bytes_raw, row.bytes_zstd);
  }
}

void print_json(const std::vector<Measured>& rows) {
  auto out = nlohmann::json::array();
  for (const Measured& row : rows) {
    out.push_back({{"shape", row.name},
                   {"readings", row.readings},
                   {"parse_readings_per_s", row.parse_per_s},
                   {"encode_readings_per_s", row.encode_per_s},
                   {"decode_readings_per_s", row.decode_per_s},
                   {"bytes_per_reading_raw", row.bytes_raw},
                   {"bytes_per_reading_zstd", row.bytes_zstd}});
  }
  fmt::print("{}\n", out.dump(2));
}

std::vector<Shape> all_shapes(const std::string& data) {
  std::vector<Shape> shapes;
  std::vector<std::filesystem::path> recordings;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    if (entry.path().extension() == ".csv") recordings.push_back(entry.path());
  }
  std::sort(recordings.begin(), recordings.end());
  for (const auto& path : recordings) shapes.push_back(recorded_shape(path));
  shapes.push_back(walk_shape("walk, 200 hosts x 5, 1 s", 200, 600, 65));
  shapes.push_back(walk_shape("walk, 1 host x 5, long", 1, 60'000, wire::kRecordReadingsMax));
  shapes.push_back(walk_shape("1000 series x 60 readings", 200, 60, 60));
  shapes.push_back(host_shape("60 host series x 1 reading", 300, 1));
  shapes.push_back(host_shape("60 host series x 1000 readings", 1000, 1000));
  return shapes;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Speed and size of line parsing and of the readings codec");
  std::string data = "tests/data/nab";
  double seconds = 0.5;
  int zstd_level = 3;
  bool json = false;
  app.add_option("--data", data, "directory of recorded series (CSV)")
      ->check(CLI::ExistingDirectory);
  app.add_option("--seconds", seconds, "time for each measurement");
  app.add_option("--zstd-level", zstd_level, "compression level");
  app.add_flag("--json", json, "print JSON");
  CLI11_PARSE(app, argc, argv);
  std::vector<Measured> rows;
  for (const Shape& shape : all_shapes(data)) rows.push_back(measure(shape, seconds, zstd_level));
  json ? print_json(rows) : print_table(rows);
  return EXIT_SUCCESS;
}

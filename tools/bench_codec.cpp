// Speed and size of the readings side of the wire: line parsing, column encoding and decoding,
// zstd.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/wire/limits.h"
#include "tools/bench/codec.h"

namespace {

namespace bench = fieldpost::bench;
namespace wire = fieldpost::wire;
using bench::Shape;
using Measured = bench::CodecMeasured;

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
  std::vector<Shape> shapes = bench::recorded_shapes(data);
  shapes.push_back(bench::walk_shape("walk, 200 hosts x 5, 1 s", 200, 600, 65));
  shapes.push_back(
      bench::walk_shape("walk, 1 host x 5, long", 1, 60'000, wire::kRecordReadingsMax));
  shapes.push_back(bench::walk_shape("1000 series x 60 readings", 200, 60, 60));
  shapes.push_back(bench::host_shape("60 host series x 1 reading", 300, 1));
  shapes.push_back(bench::host_shape("60 host series x 1000 readings", 1000, 1000));
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
  for (const Shape& shape : all_shapes(data))
    rows.push_back(bench::measure_codec(shape, seconds, zstd_level));
  json ? print_json(rows) : print_table(rows);
  return EXIT_SUCCESS;
}

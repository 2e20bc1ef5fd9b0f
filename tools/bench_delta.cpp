// What it takes to transfer a file of which the other end has an earlier version: bytes moved, CPU
// and wall time of our deltas, of rdiff and of rsync, where they are installed. Each end's work is
// a process of its own; the first run of a pair also fills the page cache.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/bench/delta_rivals.h"

namespace {

namespace bench = fieldpost::bench;

constexpr std::size_t kPairsMax = 3;
constexpr std::uint64_t kMakeMiB = 256;

struct Options {
  std::vector<std::string> files;  // base, target, base, target …
  std::string directory;
  std::string make;
  std::uint64_t make_mib = kMakeMiB;
  bool is_json = false;
};

/// A directory of its own, gone at the end.
class Scratch {
 public:
  explicit Scratch(const std::string& parent) : path_(parent + "/bench_delta.XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::vector<bench::DeltaFigures> measure(const bench::DeltaPair& pair) {
  std::vector<bench::DeltaFigures> out = {bench::measure_held(pair), bench::measure_afar(pair)};
  if (bench::find_program("rdiff")) out.push_back(bench::measure_rdiff(pair));
  if (bench::find_program("rsync")) out.push_back(bench::measure_rsync(pair));
  return out;
}

double percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

bool is_ok(const bench::DeltaFigures& figures) {
  return figures.encode.is_ok && figures.decode.is_ok;
}

void print_table(const bench::DeltaPair& pair, const std::vector<bench::DeltaFigures>& all) {
  fmt::print("{} -> {}, {} bytes\n", pair.base, pair.target, all.front().bytes_target);
  fmt::print("  {:<26}{:>12}{:>8}{:>12}{:>16}{:>16}{:>10}\n", "", "up", "", "down", "encode cpu/s",
             "decode cpu/s", "MiB");
  for (const bench::DeltaFigures& each : all) {
    const auto memory = std::max(each.encode.memory_max, each.decode.memory_max) >> 20;
    fmt::print("  {:<26}{:>12}{:>7.2f}%{:>12}{:>8.2f}{:>8.2f}{:>8.2f}{:>8.2f}{:>10}{}\n", each.way,
               each.bytes_up, percent(each.bytes_up, each.bytes_target), each.bytes_down,
               each.encode.cpu_s, each.encode.wall_s, each.decode.cpu_s, each.decode.wall_s, memory,
               is_ok(each) ? "" : "  FAILED");
  }
}

nlohmann::json json_of(const bench::Measured& measured) {
  return {{"cpu_s", measured.cpu_s},
          {"wall_s", measured.wall_s},
          {"memory_max_bytes", measured.memory_max}};
}

nlohmann::json json_of(const bench::DeltaPair& pair, const bench::DeltaFigures& figures) {
  return {{"base", pair.base},
          {"target", pair.target},
          {"way", figures.way},
          {"target_bytes", figures.bytes_target},
          {"up_bytes", figures.bytes_up},
          {"down_bytes", figures.bytes_down},
          {"encode", json_of(figures.encode)},
          {"decode", json_of(figures.decode)},
          {"ok", is_ok(figures)}};
}

int run(const Options& options) {
  nlohmann::json document = nlohmann::json::array();
  bool all_ok = true;
  for (std::size_t i = 0; i + 1 < options.files.size(); i += 2) {
    const Scratch scratch(options.directory);
    if (scratch.path().empty()) {
      fmt::print(stderr, "making a directory in {} failed\n", options.directory);
      return EXIT_FAILURE;
    }
    const bench::DeltaPair pair{std::filesystem::absolute(options.files[i]).string(),
                                std::filesystem::absolute(options.files[i + 1]).string(),
                                scratch.path()};
    const auto figures = measure(pair);
    for (const bench::DeltaFigures& each : figures) {
      document.push_back(json_of(pair, each));
      all_ok = all_ok && is_ok(each);
    }
    if (!options.is_json) print_table(pair, figures);
  }
  if (options.is_json) fmt::print("{}\n", document.dump(2));
  return all_ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Bytes, CPU and time of deltas, beside rdiff and rsync");
  Options options;
  options.directory = std::filesystem::temp_directory_path().string();
  app.add_option("files", options.files, "BASE TARGET, up to three times")
      ->expected(0, 2 * static_cast<int>(kPairsMax))
      ->check(CLI::ExistingFile);
  app.add_option("--directory", options.directory, "where to write")->check(CLI::ExistingDirectory);
  app.add_option(
         "--make", options.make,
         "first write base and target with 1 % changed in edits of 1 KiB here, and take them")
      ->check(CLI::ExistingDirectory);
  app.add_option("--make-mib", options.make_mib, "their size");
  app.add_flag("--json", options.is_json, "as JSON");
  CLI11_PARSE(app, argc, argv);
  if (!options.make.empty()) {
    if (!bench::make_scattered_edits(options.make, options.make_mib << 20)) {
      fmt::print(stderr, "writing to {} failed\n", options.make);
      return EXIT_FAILURE;
    }
    options.files.insert(options.files.end(), {options.make + "/base", options.make + "/target"});
  }
  if (options.files.empty() || options.files.size() % 2 != 0) {
    fmt::print(stderr, "pairs are expected: BASE TARGET, or --make DIRECTORY\n");
    return EXIT_FAILURE;
  }
  return run(options);
}

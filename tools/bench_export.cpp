// How fast an experiment is exported, and in how much memory: a store of walks at 1 Hz with jitter,
// one recording over all of it. Writes store and files below the directory given with --dir.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "coordinator/exports/export_run.h"
#include "coordinator/store/store_file.h"
#include "proto/rt/system_files.h"
#include "proto/wire/readings_codec.h"

namespace {

using namespace fieldpost;               // NOLINT: a program's own file
using namespace fieldpost::coordinator;  // NOLINT

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'767'225'600 * kSecond;  // 2026-01-01
constexpr std::size_t kTimesPerRecord = 500;
constexpr std::int64_t kExperiment = 1;  // row

struct Options {
  std::string directory = "/tmp/bench_export";
  std::size_t readings = 20'000'000;
  std::size_t series = 100;
  std::vector<std::string> formats = {"parquet", "csv", "jsonl"};
  bool json = false;
};

template <typename T>
T must(rt::Result<T> result) {
  if (result) return std::move(result).value();
  fmt::print(stderr, "bench_export: {}\n", result.error().message);
  std::exit(1);
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Peak of this process so far, MiB.
double memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

wire::Columns next_record(std::vector<double>& walks, std::size_t first, std::mt19937_64& random) {
  std::normal_distribution<double> step(0, 0.1);
  wire::Columns columns;
  columns.columns.resize(walks.size());
  for (std::size_t t = 0; t < kTimesPerRecord; ++t) {
    const std::int64_t late = static_cast<std::int64_t>(random() % 150'000);
    const std::int64_t time = kStart + static_cast<std::int64_t>(first + t) * kSecond + late;
    for (std::size_t s = 0; s < walks.size(); ++s) {
      walks[s] += step(random);
      columns.columns[s].times.push_back(time);
      columns.columns[s].values.push_back(
          std::bit_cast<std::uint64_t>(std::round(walks[s] * 100) / 100));
    }
  }
  return columns;
}

ReadingBatch make_batch(std::uint64_t seq, std::shared_ptr<const wire::SeriesSet> set,
                        wire::Columns columns) {
  ReadingBatch batch;
  batch.node = 1;
  batch.rank = {1, seq};
  batch.set = std::move(set);
  const std::string raw = wire::encode_columns(columns, batch.set->types);
  wire::Compressed compressed = wire::compress(raw, 3);
  batch.columns = std::move(columns);
  batch.payload = std::move(compressed.bytes);
  batch.codec = compressed.codec;
  batch.raw_size = static_cast<std::uint32_t>(raw.size());
  return batch;
}

void fill(rt::Database& db, const Options& options) {
  ReadingStore store(db);
  must(store.load());
  must(db.execute("INSERT INTO node (id, created_ns) VALUES ('bench', 0)"));
  std::vector<std::string> keys;
  for (std::size_t s = 0; s < options.series; ++s) keys.push_back(fmt::format("walk,n={} x f", s));
  const auto set = std::make_shared<const wire::SeriesSet>(must(wire::SeriesSet::make(keys)));
  std::vector<double> walks(options.series, 20);
  std::mt19937_64 random(1);
  const std::size_t times = options.readings / options.series;
  std::uint64_t seq = 0;
  for (std::size_t first = 0; first < times; first += kTimesPerRecord) {
    must(db.begin());
    must(store.add_batch(make_batch(++seq, set, next_record(walks, first, random)), {}));
    must(db.commit());
    const CompactionLimits limits{.age_max_ns = INT64_MAX};
    while (must(store.compact_step(limits, {}))) {
    }
  }
  while (must(store.compact_step({.batches_min = 1}, {}))) {
  }
}

void add_study(rt::Database& db, const Options& options) {
  must(db.begin());
  Studies studies(db);
  SensorConfig config;
  config.name = "walks";
  config.sensors.push_back({.name = "walk", .type = "walk", .measurement = "walk", .field = "x"});
  must(studies.configs.create(config, {}));
  Experiment experiment;
  experiment.id = "00000000-0000-4000-8000-000000000000";
  experiment.name = "bench";
  experiment.state = ExperimentState::kReady;
  experiment.config = ConfigRef{"walks", 1};
  experiment.created = kStart;
  experiment = must(studies.experiments.create(experiment));
  Recording recording;
  recording.id = "00000000-0000-4000-8000-000000000001";
  recording.started = kStart;
  recording.stopped = kStart + static_cast<std::int64_t>(options.readings) * kSecond;
  must(studies.start(experiment, recording));
  must(db.commit());
  FP_CHECK(experiment.no == kExperiment);
}

/// In a process of its own, so that its memory is not the export's.
bool make_store_apart(const std::string& path, const Options& options) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto db = must(open_store_file(path, ""));
    fill(db, options);
    add_study(db, options);
    must(db.checkpoint(true));
    std::_Exit(0);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && status == 0;
}

nlohmann::ordered_json run(const Options& options, const std::string& path,
                           const std::string& format) {
  rt::SystemFiles files;
  const auto reader = must(StudyReader::open(path, ""));
  ExportRow row;
  row.experiment = kExperiment;
  row.request = fmt::format(R"({{"format":"{}"}})", format);
  row.created = kStart;
  ExportProgress progress;
  const double spent = seconds([&] {
    const auto made =
        must(ExportRun::make(*reader, files, row, options.directory + "/" + format, "bench"));
    while (must(made->step(*reader))) {
    }
    progress = made->progress();
  });
  const auto readings = static_cast<double>(progress.readings);
  return {{"format", format},
          {"readings", progress.readings},
          {"files", progress.files},
          {"seconds", spent},
          {"readings_per_s", readings / spent},
          {"bytes_per_reading", static_cast<double>(progress.bytes) / readings},
          {"memory_peak_mib", memory_mib()}};
}

int measure(const Options& options) {
  std::filesystem::remove_all(options.directory);
  std::filesystem::create_directories(options.directory);
  const std::string path = options.directory + "/store.db";
  if (!make_store_apart(path, options)) return 1;
  if (!options.json) {
    fmt::print("{:8} {:>12} {:>6} {:>9} {:>14} {:>14} {:>10}\n", "format", "readings", "files",
               "seconds", "readings/s", "bytes/reading", "peak MiB");
  }
  auto all = nlohmann::ordered_json::array();
  for (const std::string& format : options.formats) {
    const auto row = run(options, path, format);
    all.push_back(row);
    if (options.json) continue;
    fmt::print("{:8} {:>12} {:>6} {:>9.2f} {:>14.0f} {:>14.2f} {:>10.0f}\n", format,
               row["readings"].get<std::uint64_t>(), row["files"].get<std::uint64_t>(),
               row["seconds"].get<double>(), row["readings_per_s"].get<double>(),
               row["bytes_per_reading"].get<double>(), row["memory_peak_mib"].get<double>());
  }
  if (options.json) fmt::print("{}\n", all.dump(2));
  std::filesystem::remove_all(options.directory);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Speed and memory of exports");
  app.add_option("--dir", options.directory, "scratch directory, emptied");
  app.add_option("--readings", options.readings, "in all");
  app.add_option("--series", options.series, "among which they are");
  app.add_option("--format", options.formats, "parquet, csv, jsonl");
  app.add_flag("--json", options.json, "JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  return measure(options);
}

// How fast the readings engine takes, compacts and answers, and what a reading costs on disk.
// Prints a table, or JSON with --json. Writes below the directory given with --dir. Bytes on disk
// are those beyond an empty store's.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/store_file.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::tools {
namespace {

using coordinator::ReadingBatch;
using coordinator::ReadingQuery;
using coordinator::SeriesId;
using nlohmann::ordered_json;
using SetPtr = std::shared_ptr<const wire::SeriesSet>;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStart = 1'767'225'600 * kSecond;  // 2026-01-01
constexpr std::size_t kBatchesPerCommit = 8;
constexpr int kAskedTimes = 25;
constexpr int kAgentZstdLevel = 3;

template <typename T>
T must(rt::Result<T> result) {
  if (!result) {
    fmt::print(stderr, "bench_store: {}\n", result.error().message);
    std::exit(1);
  }
  return std::move(result).value();
}

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::uint64_t f64(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::bit_cast<std::uint64_t>(std::round(value * scale) / scale);
}

SetPtr make_set(std::vector<std::string> keys) {
  return std::make_shared<const wire::SeriesSet>(must(wire::SeriesSet::make(std::move(keys))));
}

ReadingBatch make_batch(std::uint64_t seq, const SetPtr& set, wire::Columns columns) {
  ReadingBatch batch;
  batch.node = 1;
  batch.rank = {1, seq};
  batch.set = set;
  const std::string raw = wire::encode_columns(columns, set->types);
  wire::Compressed compressed = wire::compress(raw, kAgentZstdLevel);
  batch.columns = std::move(columns);
  batch.payload = std::move(compressed.bytes);
  batch.codec = compressed.codec;
  batch.raw_size = static_cast<std::uint32_t>(raw.size());
  return batch;
}

/// A store in a fresh directory, filled batch by batch; compaction runs whenever it is worth it.
class Bench {
 public:
  Bench(const std::string& directory, const std::string& name)
      : directory_(directory + "/" + name), path_(directory_ + "/store.db") {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    db_ = std::make_unique<rt::Database>(must(coordinator::open_store_file(path_, "")));
    store_ = std::make_unique<coordinator::ReadingStore>(*db_);
    must(store_->load());
    must(db_->execute("INSERT INTO node (id, created_ns) VALUES ('bench', 0)"));
    empty_bytes_ = must(db_->bytes_used());
  }
  ~Bench() {
    store_.reset();
    db_.reset();
    std::filesystem::remove_all(directory_);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void add(ReadingBatch batch) {
    readings_ += batch.columns.readings();
    wire_bytes_ += batch.payload.size();
    pending_.push_back(std::move(batch));
    if (pending_.size() == kBatchesPerCommit) flush();
  }

  void finish() {
    flush();
    compact({.batches_min = 1});
    must(db_->checkpoint(true));
  }

  [[nodiscard]] ordered_json row(const std::string& name) {
    const auto bytes = must(db_->bytes_used()) - empty_bytes_;
    const auto count = static_cast<double>(readings_);
    return {{"workload", name},
            {"readings", readings_},
            {"records", records_},
            {"ingest_readings_per_s", count / ingest_s_},
            {"ingest_records_per_s", static_cast<double>(records_) / ingest_s_},
            {"compaction_readings_per_s", count / compaction_s_},
            {"wire_bytes_per_reading", static_cast<double>(wire_bytes_) / count},
            {"disk_bytes_per_reading", static_cast<double>(bytes) / count}};
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void flush() {
    ingest_s_ += seconds([&] {
      must(db_->begin());
      for (const ReadingBatch& batch : pending_) must(store_->add_batch(batch, {}));
      must(db_->commit());
    });
    records_ += pending_.size();
    pending_.clear();
    compact({.age_max_ns = INT64_MAX});
  }
  void compact(const coordinator::CompactionLimits& limits) {
    compaction_s_ += seconds([&] {
      while (must(store_->compact_step(limits, {}))) {
      }
    });
  }

  std::string directory_;
  std::string path_;
  std::unique_ptr<rt::Database> db_;
  std::unique_ptr<coordinator::ReadingStore> store_;
  std::vector<ReadingBatch> pending_;
  std::int64_t empty_bytes_ = 0;  ///< of a store without readings
  std::uint64_t readings_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t wire_bytes_ = 0;
  double ingest_s_ = 0;
  double compaction_s_ = 0;
};

/// Sixty series at 1 s as a host gives them: percentages, gauges, counters; one instant for all,
/// late by a scheduler's whim. A record each ten seconds.
void fill_host_metrics(Bench& bench, int hours) {
  std::vector<std::string> keys;
  for (int i = 0; i < 60; ++i) {
    keys.push_back(fmt::format("host,part=p{} value {}", i, i % 3 == 2 ? 'u' : 'f'));
  }
  const SetPtr set = make_set(keys);
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise;
  std::vector<double> state(60, 30);
  std::vector<std::uint64_t> counters(60, 1'000'000'000);
  for (int record = 0; record < hours * 360; ++record) {
    wire::Columns columns;
    columns.columns.resize(60);
    for (int k = 0; k < 10; ++k) {
      const std::int64_t late = static_cast<std::int64_t>(random() % 150'000);
      const std::int64_t time = kStart + (record * 10 + k) * kSecond + late;
      for (std::size_t i = 0; i < 60; ++i) {
        wire::Column& column = columns.columns[i];
        column.times.push_back(time);
        if (i % 3 == 2) {
          counters[i] += random() % 100 < 60 ? 0 : (random() % 400) * 512;
          column.values.push_back(counters[i]);
        } else {
          const bool moves = i % 6 == 0 || random() % 100 < 30;
          if (moves) state[i] = std::clamp(state[i] + noise(random), 0.0, 100.0);
          column.values.push_back(f64(state[i], i % 3 == 0 ? 1 : 2));
        }
      }
    }
    bench.add(make_batch(static_cast<std::uint64_t>(record + 1), set, std::move(columns)));
  }
  bench.finish();
}

/// 200 hosts with five walks each, one instant for all; a record is 10,000 lines of five fields.
void fill_random_walk(Bench& bench, int times) {
  constexpr int kHosts = 200;
  constexpr int kTimesPerRecord = 50;
  constexpr std::array kDecimals{2, 2, 1, 1, 3};
  std::vector<std::string> keys;
  for (int i = 0; i < kHosts * 5; ++i)
    keys.push_back(fmt::format("w,host=h{} f{} f", i / 5, i % 5));
  const SetPtr set = make_set(keys);
  std::mt19937_64 random(2);
  std::normal_distribution<double> step(0, 0.3);
  std::vector<double> state(keys.size(), 50);
  for (int record = 0; record * kTimesPerRecord < times; ++record) {
    wire::Columns columns;
    columns.columns.resize(keys.size());
    for (int k = 0; k < kTimesPerRecord; ++k) {
      const std::int64_t time = kStart + (record * kTimesPerRecord + k) * kSecond;
      for (std::size_t i = 0; i < keys.size(); ++i) {
        state[i] += step(random);
        columns.columns[i].times.push_back(time);
        columns.columns[i].values.push_back(f64(state[i], kDecimals[i % 5]));
      }
    }
    bench.add(make_batch(static_cast<std::uint64_t>(record + 1), set, std::move(columns)));
  }
  bench.finish();
}

/// One series at 1 Hz.
void fill_one_hertz(Bench& bench, std::int64_t count) {
  const SetPtr set = make_set({"one value f"});
  std::mt19937_64 random(3);
  std::normal_distribution<double> step(0, 0.3);
  double state = 20;
  constexpr std::int64_t kPerRecord = 50'000;
  for (std::int64_t from = 0; from < count; from += kPerRecord) {
    wire::Columns columns;
    columns.columns.resize(1);
    for (std::int64_t k = from; k < std::min(from + kPerRecord, count); ++k) {
      state += step(random);
      columns.columns[0].times.push_back(kStart + k * kSecond);
      columns.columns[0].values.push_back(f64(state, 2));
    }
    bench.add(make_batch(static_cast<std::uint64_t>(from / kPerRecord + 1), set, columns));
  }
  bench.finish();
}

/// The files' numbers as one series each, five minutes apart, a record each 1,000 readings.
void fill_files(Bench& bench, const std::string& directory) {
  std::uint64_t seq = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".csv") continue;
    const SetPtr set = make_set({fmt::format("nab,file={} value f", entry.path().stem().string())});
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);
    wire::Columns columns;
    columns.columns.resize(1);
    std::int64_t time = kStart;
    const auto flush = [&] {
      if (columns.readings() == 0) return;
      bench.add(make_batch(++seq, set, std::exchange(columns, {{{}}, {}, {}})));
    };
    while (std::getline(file, line)) {
      columns.columns[0].times.push_back(time += 300 * kSecond);
      const double value = std::strtod(line.c_str() + line.find(',') + 1, nullptr);
      columns.columns[0].values.push_back(std::bit_cast<std::uint64_t>(value));
      if (columns.readings() == 1000) flush();
    }
    flush();
  }
  bench.finish();
}

ordered_json ask(const std::string& name, const std::function<void()>& question) {
  std::vector<double> times;
  for (int i = 0; i < kAskedTimes; ++i) times.push_back(seconds(question) * 1000);
  std::sort(times.begin(), times.end());
  return {{"question", name}, {"p50_ms", times[times.size() / 2]}, {"worst_ms", times.back()}};
}

struct Options {
  std::string directory = std::filesystem::temp_directory_path().string();
  std::string data = "tests/data/nab";
  int hours = 1;
  int walk_times = 10'000;
  std::int64_t one_hertz = 31'536'000;
  bool json = false;
};

void run_walk(const Options& options, ordered_json& report) {
  Bench bench(options.directory, "walk");
  fill_random_walk(bench, options.walk_times);
  report["workloads"].push_back(bench.row("random walk, 1,000 series"));
  ReadingQuery query = must(ReadingQuery::open(bench.path(), ""));
  std::vector<SeriesId> ids(1000);
  std::iota(ids.begin(), ids.end(), 1);
  auto& questions = report["questions"];
  questions.push_back(ask("last of 1,000 series", [&] { must(query.last(ids)); }));
  questions.push_back(ask("list 1,000 series", [&] { must(query.series({}, 0, 1000)); }));
}

void run_one_hertz(const Options& options, ordered_json& report) {
  Bench bench(options.directory, "one_hertz");
  fill_one_hertz(bench, options.one_hertz);
  report["workloads"].push_back(bench.row("one series at 1 Hz"));
  ReadingQuery query = must(ReadingQuery::open(bench.path(), ""));
  const std::int64_t day = 86'400 * kSecond;
  auto& questions = report["questions"];
  questions.push_back(ask("one day at 1 Hz to 1,000 points", [&] {
    must(query.aggregate(1, {kStart + 10 * day, kStart + 11 * day}, 1000));
  }));
  questions.push_back(
      ask("the whole series to 1,000 points", [&] { must(query.aggregate(1, {}, 1000)); }));
  questions.push_back(ask("one day at 1 Hz, raw", [&] {
    must(query.readings(1, {kStart + 10 * day, kStart + 11 * day}, 100'000));
  }));
}

void print_table(const ordered_json& report) {
  fmt::print("{:<28}{:>12}{:>9}{:>14}{:>14}{:>8}{:>8}\n", "workload", "readings", "records",
             "ingest/s", "compaction/s", "wire B", "disk B");
  for (const auto& row : report["workloads"]) {
    fmt::print(
        "{:<28}{:>12}{:>9}{:>14.0f}{:>14.0f}{:>8.3f}{:>8.3f}\n", row["workload"].get<std::string>(),
        row["readings"].get<std::uint64_t>(), row["records"].get<std::uint64_t>(),
        row["ingest_readings_per_s"].get<double>(), row["compaction_readings_per_s"].get<double>(),
        row["wire_bytes_per_reading"].get<double>(), row["disk_bytes_per_reading"].get<double>());
  }
  fmt::print("\n{:<40}{:>10}{:>10}\n", "question", "p50 ms", "worst ms");
  for (const auto& row : report["questions"]) {
    fmt::print("{:<40}{:>10.2f}{:>10.2f}\n", row["question"].get<std::string>(),
               row["p50_ms"].get<double>(), row["worst_ms"].get<double>());
  }
}

void run(const Options& options) {
  ordered_json report{{"workloads", ordered_json::array()}, {"questions", ordered_json::array()}};
  {
    Bench bench(options.directory, "host");
    fill_host_metrics(bench, options.hours);
    report["workloads"].push_back(bench.row("host metrics, 60 series"));
  }
  {
    Bench bench(options.directory, "files");
    fill_files(bench, options.data);
    report["workloads"].push_back(bench.row("recorded series"));
  }
  run_walk(options, report);
  run_one_hertz(options, report);
  if (options.json)
    fmt::print("{}\n", report.dump(2));
  else
    print_table(report);
}

}  // namespace
}  // namespace fieldpost::tools

int main(int argc, char** argv) {
  fieldpost::tools::Options options;
  CLI::App app{"How fast the readings engine takes, compacts and answers"};
  app.add_option("--dir", options.directory, "scratch directory");
  app.add_option("--data", options.data, "recorded series, CSV");
  app.add_option("--hours", options.hours, "of host metrics");
  app.add_option("--walk-times", options.walk_times, "readings of each of the 1,000 walks");
  app.add_option("--one-hertz", options.one_hertz, "readings of the series at 1 Hz");
  app.add_flag("--json", options.json, "JSON instead of a table");
  CLI11_PARSE(app, argc, argv);
  fieldpost::tools::run(options);
  return 0;
}

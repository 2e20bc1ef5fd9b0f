#include "tools/bench/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::bench {
namespace {

std::int64_t seconds_of(const std::string& date_time) {
  std::tm parts{};
  if (strptime(date_time.c_str(), "%Y-%m-%d %H:%M:%S", &parts) == nullptr) return 0;
  return timegm(&parts);
}

}  // namespace

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

std::vector<Shape> recorded_shapes(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> recordings;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() == ".csv") recordings.push_back(entry.path());
  }
  std::sort(recordings.begin(), recordings.end());
  std::vector<Shape> shapes;
  for (const auto& path : recordings) shapes.push_back(recorded_shape(path));
  return shapes;
}

std::vector<std::string> walk_batches(std::size_t count) {
  constexpr std::size_t kHosts = 200;
  const std::string lines = walk_shape("", kHosts, count * kBatchLines / kHosts, 1).lines;
  std::vector<std::string> batches;
  std::size_t begin = 0;
  std::size_t seen = 0;
  for (std::size_t at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at + 1)) {
    if (++seen % kBatchLines != 0) continue;
    batches.push_back(lines.substr(begin, at + 1 - begin));
    begin = at + 1;
  }
  return batches;
}

}  // namespace fieldpost::bench

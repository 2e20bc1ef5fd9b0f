#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fieldpost::bench {

/// Readings to measure with.
struct Shape {
  std::string name;
  std::string lines;            ///< line protocol
  std::size_t column_readings;  ///< most readings of one column in one record
};

inline constexpr std::size_t kWalkFields = 5;

/// A recorded series of the Numenta Anomaly Benchmark.
[[nodiscard]] Shape recorded_shape(const std::filesystem::path& path);
/// All of a directory, in the order of their names.
[[nodiscard]] std::vector<Shape> recorded_shapes(const std::filesystem::path& directory);
/// Hosts with five random walks each, steps N(0, 0.3), printed with 2, 2, 1, 1, 3 decimals.
[[nodiscard]] Shape walk_shape(std::string name, std::size_t hosts, std::size_t seconds,
                               std::size_t record);
/// What a machine says of itself once a second: percentages, loads, counters, sizes.
[[nodiscard]] Shape host_shape(std::string name, std::size_t seconds, std::size_t record);
/// The walk of 200 hosts in batches of 10,000 lines.
[[nodiscard]] std::vector<std::string> walk_batches(std::size_t count);
inline constexpr std::size_t kBatchLines = 10'000;

}  // namespace fieldpost::bench

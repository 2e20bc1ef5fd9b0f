#include "tests/support/sample_readings.h"

#include <bit>
#include <random>

namespace fieldpost::test {
namespace {

using wire::Column;
using wire::ValueType;

constexpr std::int64_t kStart = 1'700'000'000'123'456'789;

std::uint64_t bits_of(double value) {
  return std::bit_cast<std::uint64_t>(value);
}

std::vector<std::int64_t> regular_times(std::size_t count, std::int64_t step) {
  std::vector<std::int64_t> times(count, kStart);
  for (std::size_t i = 0; i < count; ++i) times[i] += static_cast<std::int64_t>(i) * step;
  return times;
}

/// One reading each, all at one time.
SampleReadings host() {
  SampleReadings out{"readings_host", {}, {}};
  for (int i = 0; i < 24; ++i) {
    const bool is_float = i % 2 == 0;
    out.types.push_back(is_float ? ValueType::kF64 : ValueType::kI64);
    const std::uint64_t value =
        is_float ? bits_of(i * 137 / 100.0) : static_cast<std::uint64_t>(i * 4'096'000);
    out.columns.columns.push_back({{kStart}, {value}, {}});
  }
  return out;
}

/// Decimals that wander: Rice blocks, exceptions among them; and noise around a level.
SampleReadings walk() {
  SampleReadings out{"readings_walk", std::vector(4, ValueType::kF64), {}};
  std::mt19937_64 random(1);
  const double units[] = {1, 10, 100, 1000};
  for (const double unit : units) {
    Column column{regular_times(300, 1'000'000'000), {}, {}};
    std::int64_t level = 50'000;
    for (std::size_t i = 0; i < column.times.size(); ++i) {
      const auto noise = static_cast<std::int64_t>(random() % 41) - 20;
      level = unit == 1 ? 50'000 + noise : level + noise;
      column.values.push_back(bits_of(static_cast<double>(level) / unit));
    }
    column.values[150] += 1;  // an ulp beside a decimal
    column.values[299] = 0x7ff8000000000abc;
    out.columns.columns.push_back(std::move(column));
  }
  return out;
}

/// Every type, series that are absent, several time columns, origins.
SampleReadings mixed() {
  SampleReadings out{
      "readings_mixed",
      {ValueType::kF64, ValueType::kI64, ValueType::kString, ValueType::kBool, ValueType::kU64,
       ValueType::kF64, ValueType::kBool, ValueType::kBool, ValueType::kI64},
      {}};
  auto& columns = out.columns.columns;
  const std::vector<std::int64_t> irregular = {kStart, kStart + 999, kStart - 5, kStart, -1};
  columns.resize(out.types.size());
  columns[0] = {irregular, {bits_of(-0.0), bits_of(1.0 / 3), 1, ~std::uint64_t{0}, 1}, {}};
  columns[2] = {irregular, {0, 1, 2, 1, 0}, {"on", "", "off\n\xff"}};
  columns[3] = {regular_times(20, 60'000'000'000), std::vector<std::uint64_t>(20, 1), {}};
  columns[4] = {irregular, {0, ~std::uint64_t{0}, 1, std::uint64_t{1} << 63, 5}, {}};
  columns[5] = {regular_times(20, 60'000'000'000), std::vector(20, bits_of(21.0625)), {}};
  columns[6] = {irregular, {0, 0, 0, 0, 0}, {}};
  columns[7] = {irregular, {1, 0, 1, 1, 0}, {}};
  columns[8] = {regular_times(200, 1000), {}, {}};
  for (std::uint64_t i = 0; i < 200; ++i) columns[8].values.push_back((i % 5) * 1'000'003);
  const wire::IncarnationId incarnation{{0x0123456789abcdef, 0xfedcba9876543210}, 77};
  out.columns.origins = {{incarnation, 5}, {incarnation, 900}, {{{1, 2}, 3}, 4}};
  out.columns.origin_runs = {{{0, 2}, {2, 3}}, {}, {{1, 5}}, {}, {{0, 1}}, {}, {}, {}, {{2, 200}}};
  return out;
}

}  // namespace

std::vector<SampleReadings> sample_readings() {
  return {host(),
          walk(),
          mixed(),
          {"readings_empty", std::vector(3, ValueType::kF64), {std::vector<Column>(3), {}, {}}}};
}

}  // namespace fieldpost::test

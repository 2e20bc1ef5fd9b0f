#include "firmware-bridge/protocols/modbus_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>
#include <utility>

namespace fieldpost::bridge {
namespace {

using Format = ModbusValue::Format;
using Table = ModbusValue::Table;
using mapping::DeviceValue;

unsigned end_of(const ModbusValue& value) {
  return value.address + static_cast<unsigned>(cells_of(value));
}

/// The bits of a value, its registers put together.
std::uint64_t joined(std::span<const std::uint16_t> registers, bool low_word_first) {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < registers.size(); ++i) {
    bits = bits << 16 | registers[low_word_first ? registers.size() - 1 - i : i];
  }
  return bits;
}

DeviceValue value_of(Format format, std::uint64_t bits) {
  switch (format) {
    case Format::kU16:
    case Format::kU32: return DeviceValue::of(static_cast<std::int64_t>(bits));
    case Format::kI16:
      return DeviceValue::of(
          std::int64_t{static_cast<std::int16_t>(static_cast<std::uint16_t>(bits))});
    case Format::kI32:
      return DeviceValue::of(
          std::int64_t{static_cast<std::int32_t>(static_cast<std::uint32_t>(bits))});
    case Format::kU64: return DeviceValue::of(bits);
    case Format::kI64: return DeviceValue::of(static_cast<std::int64_t>(bits));
    case Format::kF32:
      return DeviceValue::of(double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))});
    case Format::kF64: return DeviceValue::of(std::bit_cast<double>(bits));
    case Format::kBool: return DeviceValue::of(bits != 0);
  }
  return DeviceValue::of(false);
}

double number_of(const DeviceValue& value) {
  if (value.type == wire::ValueType::kF64) return std::bit_cast<double>(value.bits);
  if (value.type == wire::ValueType::kI64) {
    return static_cast<double>(static_cast<std::int64_t>(value.bits));
  }
  return static_cast<double>(value.bits);
}

bool is_number(const DeviceValue& value) {
  return value.type != wire::ValueType::kF64 || std::isfinite(std::bit_cast<double>(value.bits));
}

bool is_scaled(const ModbusValue& value) {
  return std::tie(value.scale, value.offset) != std::tuple(1.0, 0.0);
}

}  // namespace

bool holds_bits(Table table) {
  return table == Table::kCoil || table == Table::kDiscrete;
}

std::string_view to_string(Table table) {
  switch (table) {
    case Table::kHolding: return "holding registers";
    case Table::kInput: return "input registers";
    case Table::kCoil: return "coils";
    case Table::kDiscrete: return "discrete inputs";
  }
  return "unknown";
}

std::size_t cells_of(const ModbusValue& value) {
  switch (value.format) {
    case Format::kU16:
    case Format::kI16:
    case Format::kBool: return 1;
    case Format::kU32:
    case Format::kI32:
    case Format::kF32: return 2;
    case Format::kU64:
    case Format::kI64:
    case Format::kF64: return 4;
  }
  return 1;
}

rt::Status check_modbus_value(const ModbusValue& value) {
  if (holds_bits(value.table) && value.format != Format::kBool) {
    return rt::Error{rt::Errc::kInvalid, fmt::format("{} hold bits: expected the format \"bool\"",
                                                     to_string(value.table))};
  }
  if (end_of(value) > kModbusAddresses) {
    return rt::Error{rt::Errc::kInvalid,
                     fmt::format("{} registers from {} on end behind the last one, {}",
                                 cells_of(value), value.address, kModbusAddresses - 1)};
  }
  return rt::ok();
}

ModbusPlan::ModbusPlan(std::vector<ModbusValue> values)
    : values_(std::move(values)), read_of_(values_.size()) {
  plan();
}

void ModbusPlan::plan() {
  std::vector<std::size_t> order(values_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [this](std::size_t i) {
    return std::tuple(values_[i].table, values_[i].address);
  });
  for (const std::size_t i : order) {
    const ModbusValue& value = values_[i];
    const std::size_t most = holds_bits(value.table) ? kModbusBitsMax : kModbusRegistersMax;
    if (!reads_.empty() && reads_.back().table == value.table) {
      ModbusRead& last = reads_.back();
      const std::size_t count =
          std::max<std::size_t>(last.count, end_of(value) - std::size_t{last.address});
      if (value.address <= last.address + last.count && count <= most) {
        last.count = count;
        read_of_[i] = reads_.size() - 1;
        continue;
      }
    }
    read_of_[i] = reads_.size();
    reads_.push_back({value.table, value.address, cells_of(value)});
  }
}

ModbusPlan::Decoded ModbusPlan::decode(const std::vector<std::vector<std::uint16_t>>& cells) const {
  FP_CHECK(cells.size() == reads_.size());
  Decoded out;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const ModbusValue& value = values_[i];
    const std::vector<std::uint16_t>& answer = cells[read_of_[i]];
    if (answer.empty()) continue;
    const ModbusRead& read = reads_[read_of_[i]];
    FP_CHECK(answer.size() == read.count);
    const auto own = std::span(answer).subspan(
        static_cast<std::size_t>(value.address - read.address), cells_of(value));
    DeviceValue found = value_of(value.format, joined(own, value.low_word_first));
    if (is_scaled(value)) found = DeviceValue::of(number_of(found) * value.scale + value.offset);
    if (!is_number(found)) {
      out.not_finite += 1;
      continue;
    }
    Measured measured;
    measured.key.field = value.field;
    measured.key.unit = value.unit;
    measured.key.type = found.type;
    measured.value = std::move(found);
    out.readings.push_back(std::move(measured));
  }
  return out;
}

}  // namespace fieldpost::bridge

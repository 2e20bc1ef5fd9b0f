// Any values over any registers: no request is over its bound or asks for what nobody needs, and
// every value is decoded or counted.
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "firmware-bridge/protocols/modbus_values.h"

namespace {

using namespace fieldpost;  // NOLINT: a program's own file
using bridge::ModbusPlan;
using bridge::ModbusRead;
using bridge::ModbusValue;

/// Zeros behind the end.
class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : at_(data), left_(size) {}
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    left_ -= 1;
    return *at_++;
  }
  std::uint16_t word() {
    const unsigned high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  [[nodiscard]] bool is_empty() const { return left_ == 0; }

 private:
  const std::uint8_t* at_;
  std::size_t left_;
};

/// Four bytes each.
ModbusValue take_value(Bytes& bytes) {
  ModbusValue value;
  value.field = "f";
  const std::uint8_t kind = bytes.byte();
  value.table = static_cast<ModbusValue::Table>(kind % 4);
  value.format = static_cast<ModbusValue::Format>(kind / 4 % 9);
  value.low_word_first = kind / 36 % 2 == 1;
  value.address = bytes.word();
  const auto scale = static_cast<std::int8_t>(bytes.byte());
  value.scale = scale == 0 ? 1 : scale;
  return value;
}

bool reads(const ModbusRead& read, const ModbusValue& value, std::size_t address) {
  return read.table == value.table && address >= value.address &&
         address < value.address + bridge::cells_of(value);
}

void check_reads(const ModbusPlan& plan, const std::vector<ModbusValue>& values) {
  FP_CHECK(plan.reads().size() <= values.size());
  for (const ModbusRead& read : plan.reads()) {
    const std::size_t most =
        bridge::holds_bits(read.table) ? bridge::kModbusBitsMax : bridge::kModbusRegistersMax;
    FP_CHECK(read.count > 0 && read.count <= most);
    FP_CHECK(read.address + read.count <= bridge::kModbusAddresses);
    for (std::size_t at = read.address; at < read.address + read.count; ++at) {
      bool is_needed = false;
      for (const ModbusValue& value : values) is_needed = is_needed || reads(read, value, at);
      FP_CHECK(is_needed);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  std::vector<ModbusValue> values;
  for (std::size_t left = bytes.byte() % 64; left > 0 && !bytes.is_empty(); --left) {
    ModbusValue value = take_value(bytes);
    if (bridge::check_modbus_value(value)) values.push_back(std::move(value));
  }
  const ModbusPlan plan(values);
  check_reads(plan, values);
  std::vector<std::vector<std::uint16_t>> cells;
  for (const ModbusRead& read : plan.reads()) {
    std::vector<std::uint16_t>& answer = cells.emplace_back();
    while (answer.size() < read.count) {
      answer.push_back(bridge::holds_bits(read.table) ? bytes.byte() & 1 : bytes.word());
    }
  }
  const auto decoded = plan.decode(cells);
  FP_CHECK(decoded.readings.size() + decoded.not_finite == values.size());
  for (const auto& each : decoded.readings) {
    FP_CHECK(each.key.type == each.value.type);
    FP_CHECK(each.value.type != wire::ValueType::kF64 ||
             std::isfinite(std::bit_cast<double>(each.value.bits)));
  }
  return 0;
}

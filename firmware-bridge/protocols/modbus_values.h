#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"

/// What is asked of a Modbus device, and what its answers mean (MODBUS Application Protocol
/// Specification V1.1b3).
namespace fieldpost::bridge {

inline constexpr std::size_t kModbusRegistersMax = 125;  ///< of one request, section 6.3
inline constexpr std::size_t kModbusBitsMax = 2000;      ///< of one request, section 6.1
inline constexpr unsigned kModbusAddresses = 65'536;     ///< of one table

[[nodiscard]] bool holds_bits(ModbusValue::Table table);
/// "holding registers", "coils".
[[nodiscard]] std::string_view to_string(ModbusValue::Table table);
/// Registers, or one bit.
[[nodiscard]] std::size_t cells_of(const ModbusValue& value);
/// kInvalid: a number where the table holds bits, or it does not end within the table.
rt::Status check_modbus_value(const ModbusValue& value);

/// A request: neighbours in one table.
struct ModbusRead {
  ModbusValue::Table table = ModbusValue::Table::kHolding;
  std::uint16_t address = 0;
  std::size_t count = 0;
  bool operator==(const ModbusRead&) const = default;
};

/// The requests of a round, as few as can be without asking for what no value needs.
class ModbusPlan {
 public:
  /// Each passes `check_modbus_value`.
  explicit ModbusPlan(std::vector<ModbusValue> values);
  [[nodiscard]] const std::vector<ModbusRead>& reads() const { return reads_; }

  struct Decoded {
    std::vector<Measured> readings;  ///< in the order of the values; without measurement and time
    std::size_t not_finite = 0;      ///< values that were no number: they are left out
  };
  /// `cells`: what each request of `reads` brought, as many as it asked for, bits as 0 and 1; none
  /// where it failed, and then its values are left out.
  ///
  /// Unscaled, signed integers and those below 64 bits are i64, u64 is u64, floats are f64; scaled
  /// ones are f64. A register as kBool is whether it is not zero.
  [[nodiscard]] Decoded decode(const std::vector<std::vector<std::uint16_t>>& cells) const;

 private:
  void plan();

  std::vector<ModbusValue> values_;
  std::vector<ModbusRead> reads_;
  std::vector<std::size_t> read_of_;  ///< by value
};

}  // namespace fieldpost::bridge

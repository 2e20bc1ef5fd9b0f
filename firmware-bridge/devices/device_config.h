#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/ports/port_address.h"
#include "proto/rt/time.h"

/// What bridge.toml says of a board. Checked where it is read: every value here fits.
namespace fieldpost::bridge {

/// A value in a Modbus device's tables.
struct ModbusValue {
  enum class Table : std::uint8_t { kHolding, kInput, kCoil, kDiscrete };
  enum class Format : std::uint8_t { kU16, kI16, kU32, kI32, kU64, kI64, kF32, kF64, kBool };
  std::string field, unit;
  Table table = Table::kHolding;
  std::uint16_t address = 0;  ///< as on the wire: from 0
  Format format = Format::kU16;
  bool low_word_first = false;   ///< of values in several registers
  double scale = 1, offset = 0;  ///< not 1 and 0: the reading is a double
};

struct ProtocolOptions {
  enum class Kind : std::uint8_t {
    kFrames,        ///< "frames": README.md, "The frame"
    kLineProtocol,  ///< "line_protocol": InfluxDB's, a line each
    kJson,          ///< "json": an object a line
    kNmea,          ///< "nmea": NMEA 0183
    kPattern,       ///< "pattern": a regular expression for lines, with named groups
    kModbus,        ///< "modbus": RTU over serial ports, TCP over tcp://
  };
  Kind kind = Kind::kFrames;
  std::string pattern;                       ///< kPattern; RE2's syntax
  std::map<std::string, std::string> units;  ///< by field; what a board declares goes before it
  std::uint8_t modbus_unit = 1;              ///< kModbus: 0 to 247
  rt::Nanos modbus_every = rt::Seconds(1);   ///< kModbus: between two rounds
  std::vector<ModbusValue> modbus_values;    ///< kModbus
};

/// How a board is flashed.
struct FlashOptions {
  std::string part;                    ///< "atmega328p"
  std::string programmer = "arduino";  ///< as avrdude calls it; `check_programmer` knows it
  unsigned baud = 115200;              ///< of the bootloader
};

struct DeviceConfig {
  std::string name;  ///< unique in the bridge; the tag `device` of its readings
  PortAddress address;
  SerialSettings serial;
  ProtocolOptions protocol;
  std::string measurement;                                ///< where the board names none
  std::vector<std::pair<std::string, std::string>> tags;  ///< without `device`; sorted by key
  rt::Nanos silent_after = rt::Seconds(10);  ///< without a reading for so long something is wrong
  std::optional<FlashOptions> flash;         ///< absent: nobody flashes it
};

}  // namespace fieldpost::bridge

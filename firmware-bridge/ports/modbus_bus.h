#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/ports/port_address.h"
#include "firmware-bridge/ports/usb_names.h"
#include "firmware-bridge/protocols/modbus_values.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"

struct _modbus;  // libmodbus

namespace fieldpost::bridge {

enum class ModbusFailure : std::uint8_t { kTimeout, kDamaged, kException, kOther };

/// A Modbus bus over libmodbus: blocks, so it has a thread of its own. Opens when it must, alone
/// as `claim_tty` does, and again after a failure of the port.
class ModbusBus {
 public:
  static constexpr std::uint32_t kAnswerWithinSeconds = 1;
  /// After a failure on a serial line: an answer that comes too late must not be taken for that of
  /// the next question, which RTU cannot tell from it.
  static constexpr std::chrono::milliseconds kQuiet{500};

  ModbusBus(PortAddress address, SerialSettings serial, DeviceTrees trees);
  ~ModbusBus() { close(); }
  ModbusBus(const ModbusBus&) = delete;
  ModbusBus& operator=(const ModbusBus&) = delete;

  struct Answer {
    std::vector<std::uint16_t> cells;  ///< as many as were asked for; none: it failed
    ModbusFailure failure = ModbusFailure::kOther;
    std::optional<rt::Error> error;
  };
  Answer read(std::uint8_t unit, const ModbusRead& read);

 private:
  struct Free {
    void operator()(_modbus* context) const;
  };

  rt::Status open();
  rt::Status open_serial();
  rt::Status open_tcp();
  void close();
  void be_quiet();
  int request(const ModbusRead& read, std::vector<std::uint16_t>& cells);
  Answer failed(std::uint8_t unit, const ModbusRead& read, int code);
  [[nodiscard]] std::string no_answer(std::uint8_t unit) const;

  PortAddress address_;
  SerialSettings serial_;
  DeviceTrees trees_;
  rt::FileDescriptor tty_;  ///< of a serial port; libmodbus speaks over it
  std::unique_ptr<_modbus, Free> context_;
  std::optional<std::chrono::steady_clock::time_point> quiet_until_;
};

}  // namespace fieldpost::bridge

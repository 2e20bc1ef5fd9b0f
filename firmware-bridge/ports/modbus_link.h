#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

struct ModbusCounts {
  std::uint64_t rounds = 0;      ///< in which every request was answered
  std::uint64_t timeouts = 0;    ///< requests without an answer
  std::uint64_t damaged = 0;     ///< answers whose checksum was wrong
  std::uint64_t exceptions = 0;  ///< answers that say why there is none
  std::uint64_t others = 0;      ///< requests that failed otherwise, the port's failures among them
  std::uint64_t not_finite = 0;  ///< values that were no number
  std::string why;               ///< of the last request that failed; empty after a good round
};

/// A Modbus device. Loop thread only.
class ModbusLink {
 public:
  virtual ~ModbusLink() = default;
  using OnRound = std::function<void(rt::Result<std::vector<Measured>>)>;
  /// Asks for all values once; the one before must be over. `on_round` is called once, not from
  /// inside, and not after the link was dropped. Values whose request failed are missing; an error
  /// is told when all did, and its message says what to do: kUnavailable: no answer, nobody listens
  /// there, the device is busy, or a gateway does not reach it; kCorrupt: the answer was damaged or
  /// fits no question; kInvalid, kIo: what the device's exception means; kNotFound, kDenied, kBusy,
  /// kInvalid: as ports are opened.
  virtual void read_round(OnRound on_round) = 0;
  [[nodiscard]] virtual const ModbusCounts& counts() const = 0;
};

class ModbusLinks {
 public:
  virtual ~ModbusLinks() = default;
  /// RTU over a serial port, TCP at a host; opened when it is first read, and again after a
  /// failure. Devices at one address share its bus, and the serial settings of the first one.
  virtual std::unique_ptr<ModbusLink> make(const DeviceConfig& config) = 0;
};

}  // namespace fieldpost::bridge

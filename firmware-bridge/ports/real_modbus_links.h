#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "firmware-bridge/ports/modbus_bus.h"
#include "firmware-bridge/ports/modbus_link.h"
#include "proto/rt/loop.h"

namespace fieldpost::bridge {

/// Modbus devices over libmodbus, a thread for each bus. Dropping the last device of a bus waits
/// for the request that is under way, which takes at most about two seconds; but while the name of
/// its host is being resolved, as long as the name servers take.
class RealModbusLinks final : public ModbusLinks {
 public:
  explicit RealModbusLinks(rt::Loop& loop, DeviceTrees trees = {})
      : loop_(loop), trees_(std::move(trees)) {}
  std::unique_ptr<ModbusLink> make(const DeviceConfig& config) override;

  struct Bus;

 private:
  rt::Loop& loop_;
  DeviceTrees trees_;
  std::map<std::string, std::weak_ptr<Bus>> buses_;  ///< by address
};

}  // namespace fieldpost::bridge

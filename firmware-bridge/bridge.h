#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/agent_link/agent_link.h"
#include "firmware-bridge/config.h"
#include "firmware-bridge/control/control_server.h"
#include "firmware-bridge/devices/device_session.h"
#include "firmware-bridge/devices/message_session.h"
#include "firmware-bridge/devices/modbus_session.h"
#include "firmware-bridge/devices/session_board.h"
#include "firmware-bridge/flash/flash_desk.h"
#include "firmware-bridge/flash/flash_journal.h"
#include "firmware-bridge/flash/flash_tool.h"
#include "firmware-bridge/ports/modbus_link.h"
#include "firmware-bridge/ports/port.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/streams.h"

namespace fieldpost::bridge {

/// All of them outlive the bridge.
struct BridgePorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Log& log;
  rt::Files& files;
  rt::Streams& streams;
  Ports& ports;
  ModbusLinks& modbus;
  FlashTool& flash_tool;
  SessionBoard::FindPath find_path;
};

/// The bridge, composed: sessions of boards, the way to the agent, flashing, the control socket.
class Bridge {
 public:
  /// Fails as the control socket does.
  static rt::Result<std::unique_ptr<Bridge>> make(const BridgePorts& ports,
                                                  const BridgeConfig& config);
  ~Bridge();
  Bridge(const Bridge&) = delete;
  Bridge& operator=(const Bridge&) = delete;

  [[nodiscard]] std::vector<DeviceState> states() const;
  [[nodiscard]] const AgentLink& agent() const { return agent_; }

 private:
  Bridge(const BridgePorts& ports, const BridgeConfig& config);
  /// On failure nothing is flashed; without a journal there is no desk either.
  rt::Status open_desk(const BridgePorts& ports, const BridgeConfig& config);
  rt::Status add_device(const BridgePorts& ports, const DeviceConfig& config);
  [[nodiscard]] std::vector<DeviceReport> reports() const;

  AgentLink agent_;
  std::optional<FlashJournal> journal_;  ///< none: it cannot be read, and nothing is flashed
  std::vector<std::unique_ptr<DeviceSession>> sessions_;
  std::vector<std::unique_ptr<MessageSession>> messages_;
  std::vector<std::unique_ptr<ModbusSession>> modbus_;
  std::map<std::string, std::unique_ptr<SessionBoard>> boards_;  ///< that can be flashed
  std::map<std::string, FlashOptions> flashed_;
  std::unique_ptr<FlashDesk> desk_;
  std::unique_ptr<ControlServer> control_;
};

}  // namespace fieldpost::bridge

#pragma once

#include <string>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "proto/rt/config.h"
#include "proto/rt/log.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kDevicesMax = 64;

/// bridge.toml, checked.
struct BridgeConfig {
  std::string state_directory;  ///< images and what a flash is at
  std::string control_socket;   ///< empty: none
  std::string agent_socket;
  rt::LogLevel log_level = rt::LogLevel::kInfo;
  std::vector<DeviceConfig> devices;  ///< in the file's order
};

[[nodiscard]] const rt::ConfigSchema& bridge_schema();
/// kInvalid names file, line, key and what was expected.
rt::Result<BridgeConfig> read_bridge_config(const rt::Config& config);

}  // namespace fieldpost::bridge

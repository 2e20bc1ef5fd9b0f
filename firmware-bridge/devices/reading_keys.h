#pragma once

#include <cstddef>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/protocols/protocol.h"

namespace fieldpost::bridge {

/// Gives readings of a board their whole keys: the measurement and units of `config` where the
/// board names none, its tags where the board has none of that name, and always `device` with its
/// name. What is no valid key then is taken out; returns how many.
std::size_t complete_keys(const DeviceConfig& config, std::vector<Measured>& readings);

}  // namespace fieldpost::bridge

#pragma once

#include <memory>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// What a board of these options speaks. kInvalid: the pattern is none, or it is Modbus, which is
/// asked and is no stream.
rt::Result<std::unique_ptr<Protocol>> make_protocol(const ProtocolOptions& options);

}  // namespace fieldpost::bridge

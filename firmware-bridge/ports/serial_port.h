#pragma once

#include <memory>
#include <string>

#include "firmware-bridge/ports/port.h"
#include "firmware-bridge/ports/usb_names.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::bridge {

/// Opens a tty as `claim_tty` does. Dropping it discards what is unsent. Closing it leaves DTR as
/// it is, so that the board does not start anew each time.
rt::Result<std::unique_ptr<Port>> open_serial_port(rt::RealLoop& loop, const std::string& path,
                                                   const SerialSettings& settings,
                                                   const DeviceTrees& trees);

}  // namespace fieldpost::bridge

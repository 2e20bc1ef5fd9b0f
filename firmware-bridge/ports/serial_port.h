#pragma once

#include <memory>
#include <string>

#include "firmware-bridge/ports/port.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::bridge {

/// Opens a tty raw, at any baud rate, without flow control, and for us alone: kernel and other
/// bridges are told, and a process that has it already is found. What had come before is thrown
/// away. Closing it leaves DTR as it is, so that the board does not start anew each time.
/// kNotFound, kBusy, kDenied (without what mends it), kInvalid: no tty, or not with these settings.
rt::Result<std::unique_ptr<Port>> open_serial_port(rt::RealLoop& loop, const std::string& path,
                                                   const SerialSettings& settings);

}  // namespace fieldpost::bridge

#pragma once

#include <string>

#include "firmware-bridge/ports/port_address.h"
#include "firmware-bridge/ports/usb_names.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// The path of a serial port, as it is configured or as the USB device behind it has it now.
/// kNotFound, kInvalid as `choose_usb_port`.
[[nodiscard]] rt::Result<std::string> locate_serial(const PortAddress& address,
                                                    const DeviceTrees& trees);
/// Opens a tty raw, at any baud rate, without flow control, and for us alone: kernel and other
/// bridges are told, and a process that has it already is found; but not one of another user that
/// locked nothing, whose open files only root sees (/proc/PID/fd). Nothing waits on it. What had
/// come before is thrown away. kNotFound, kBusy, kDenied with what mends it, kInvalid: no tty, or
/// not with these settings.
rt::Result<rt::FileDescriptor> claim_tty(const std::string& path, const SerialSettings& settings,
                                         const DeviceTrees& trees);

}  // namespace fieldpost::bridge

#pragma once

#include <string>
#include <vector>

#include "firmware-bridge/ports/port_diagnosis.h"

namespace fieldpost::bridge {

/// Where the kernel and udev tell of devices; tests make trees of their own.
struct DeviceTrees {
  std::string sys = "/sys";
  std::string dev = "/dev";
};

/// The serial ports of this host that have hardware behind them, sorted by path.
std::vector<SerialPortInfo> list_serial_ports(const DeviceTrees& trees = {});

/// The USB device behind a tty ("/dev/ttyUSB0", or a link to it). Absent: there is none.
std::optional<UsbIdentity> find_usb_identity(const std::string& path,
                                             const DeviceTrees& trees = {});

}  // namespace fieldpost::bridge

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/ports/port_address.h"
#include "proto/rt/result.h"

/// What is said to whoever has to mend a port. No system calls.
namespace fieldpost::bridge {

struct UsbIdentity {
  std::uint16_t vendor = 0, product = 0;
  std::string serial;  ///< empty: the device has none
};

/// A serial port of this host.
struct SerialPortInfo {
  std::string path;                ///< "/dev/ttyUSB0"
  std::string by_id;               ///< "/dev/serial/by-id/…"; empty: it has none
  std::optional<UsbIdentity> usb;  ///< absent: it is not on USB
};

/// The one of `ports` that `address` (kUsb) means. kNotFound names those that there are; kInvalid:
/// several fit, and how to tell them apart.
rt::Result<std::string> choose_usb_port(const PortAddress& address,
                                        const std::vector<SerialPortInfo>& ports);

struct FileRights {
  std::uint32_t owner = 0;
  std::uint32_t group = 0;
  std::uint32_t mode = 0;
};
struct Credentials {
  std::uint32_t user = 0;
  std::vector<std::uint32_t> groups;  ///< the effective one among them
};
[[nodiscard]] bool is_in_group(const Credentials& who, std::uint32_t group);
/// Whether the mode lets them read and write. Passes over access control lists, and over the
/// service's unit, which can keep a device shut whatever its mode: the kernel's own answer
/// (`euidaccess`) does not tell the two apart.
[[nodiscard]] bool mode_suffices(const FileRights& file, const Credentials& who);

/// A device file that was not to be opened.
struct DeniedPort {
  std::string path;             ///< as it is configured
  std::string kernel_name;      ///< "ttyUSB0", also where the path is a link
  std::string owner, group;     ///< of the file
  unsigned mode = 0;            ///< of the file, the nine lowest bits
  std::string user;             ///< that we run as
  std::string user_group;       ///< a group that we are in
  bool is_in_group = false;     ///< we are in the file's group
  bool rights_suffice = false;  ///< the file's mode is not the reason
  std::optional<UsbIdentity> usb;
};
/// Why, and what mends it, ready to paste.
std::string explain_denied(const DeniedPort& port);

}  // namespace fieldpost::bridge

#include "firmware-bridge/ports/port_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kPortsNamedMax = 16;
constexpr unsigned kGroupReadWrite = 0060;

std::string text_of(const UsbIdentity& usb) {
  return PortAddress{.kind = PortAddress::Kind::kUsb,
                     .path = {},
                     .vendor = usb.vendor,
                     .product = usb.product,
                     .serial = usb.serial,
                     .host = {}}
      .text();
}

std::string names_of(const std::vector<const SerialPortInfo*>& ports) {
  std::string names;
  for (std::size_t i = 0; i < ports.size() && i < kPortsNamedMax; ++i) {
    names += fmt::format("{}{} ({})", i == 0 ? "" : ", ", ports[i]->path, text_of(*ports[i]->usb));
  }
  if (ports.size() > kPortsNamedMax) {
    names += fmt::format(" and {} more", ports.size() - kPortsNamedMax);
  }
  return names;
}

bool fits(const UsbIdentity& usb, const PortAddress& address) {
  return usb.vendor == address.vendor && usb.product == address.product &&
         (address.serial.empty() || usb.serial == address.serial);
}

Error nothing_fits(const PortAddress& address, const std::vector<const SerialPortInfo*>& on_usb) {
  const std::string there =
      on_usb.empty() ? "no serial port on USB at all: is it plugged in, and does lsusb show it?"
                     : "on USB: " + names_of(on_usb);
  return {Errc::kNotFound, fmt::format("no serial port is {}; there is {}", address.text(), there)};
}

Error several_fit(const PortAddress& address, const std::vector<const SerialPortInfo*>& fitting) {
  bool differ = true;
  for (const SerialPortInfo* port : fitting) {
    const auto same = std::ranges::count_if(fitting, [&](const SerialPortInfo* other) {
      return other->usb->serial == port->usb->serial;
    });
    if (port->usb->serial.empty() || same > 1) differ = false;
  }
  return {Errc::kInvalid,
          fmt::format("several serial ports are {}: {}; {}", address.text(), names_of(fitting),
                      differ ? "name one of them with its serial number"
                             : "their serial numbers do not tell them apart: name one by its path "
                               "under /dev/serial/by-path")};
}

/// The rule goes by what the device itself says, where it is on USB: names of ttys change.
std::string udev_rule(const DeniedPort& port) {
  const std::string which =
      port.usb ? fmt::format(R"(ATTRS{{idVendor}}=="{:04x}", ATTRS{{idProduct}}=="{:04x}")",
                             port.usb->vendor, port.usb->product)
               : fmt::format(R"(KERNEL=="{}")", port.kernel_name);
  return fmt::format(R"(SUBSYSTEM=="tty", {}, GROUP="{}", MODE="0660")", which,
                     port.is_in_group ? port.group : port.user_group);
}

}  // namespace

bool is_in_group(const Credentials& who, std::uint32_t group) {
  return std::ranges::find(who.groups, group) != who.groups.end();
}

/// As the kernel does: the first of owner, group and others that fits decides.
bool mode_suffices(const FileRights& file, const Credentials& who) {
  constexpr std::uint32_t kReadWrite = 06;  // of others; the group and the owner are higher up
  if (who.user == 0) return true;
  const unsigned shift = who.user == file.owner ? 6 : is_in_group(who, file.group) ? 3 : 0;
  return (file.mode >> shift & kReadWrite) == kReadWrite;
}

Result<std::string> choose_usb_port(const PortAddress& address,
                                    const std::vector<SerialPortInfo>& ports) {
  std::vector<const SerialPortInfo*> on_usb;
  std::vector<const SerialPortInfo*> fitting;
  for (const SerialPortInfo& port : ports) {
    if (!port.usb) continue;
    on_usb.push_back(&port);
    if (fits(*port.usb, address)) fitting.push_back(&port);
  }
  if (fitting.empty()) return nothing_fits(address, on_usb);
  if (fitting.size() > 1) return several_fit(address, fitting);
  return fitting.front()->path;
}

std::string explain_denied(const DeniedPort& port) {
  if (port.rights_suffice) {
    return fmt::format(
        "{} may not be opened though {} has the right: is it allowed in the service's unit? "
        "systemctl edit: [Service] DeviceAllow={} rw",
        port.path, port.user, port.path);
  }
  const std::string rule = fmt::format(
      "in /etc/udev/rules.d/60-fieldpost.rules: {}, then udevadm "
      "control --reload and udevadm trigger",
      udev_rule(port));
  const std::string whose = fmt::format("{} belongs to {}:{}", port.path, port.owner, port.group);
  const bool group_suffices = (port.mode & kGroupReadWrite) == kGroupReadWrite;
  if (port.is_in_group || !group_suffices || port.group == "root") {
    return fmt::format("{} with mode {:04o}, which does not let {} in: {}", whose, port.mode,
                       port.user, rule);
  }
  return fmt::format("{} and {} is not in it: usermod -aG {} {} and start it anew, or {}", whose,
                     port.user, port.group, port.user, rule);
}

}  // namespace fieldpost::bridge

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fieldpost::bridge {

/// Of a device's number (st_rdev): the end of a pty that programs use as a terminal.
[[nodiscard]] bool is_pty(std::uint64_t device);

struct PortOwner {
  int pid = 0;
  std::string name;  ///< of its program
};

/// A process that has the device file `path` open; others before ourselves. Absent: nobody that we
/// may look at. `proc` is where procfs is.
std::optional<PortOwner> find_port_owner(const std::string& path,
                                         const std::string& proc = "/proc");

/// "minicom (pid 812)", "fieldpost-bridge itself", or "another user's process".
std::string name_port_owner(const std::optional<PortOwner>& owner);

}  // namespace fieldpost::bridge

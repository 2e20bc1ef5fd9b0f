#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace fieldpost::bridge {

/// How a board is, for whoever asks on the control socket.
struct DeviceReport {
  std::string name;
  std::string port;       ///< as it is called now, or as it was configured
  std::string diagnosis;  ///< what is wrong and what to do; empty: nothing
  std::string firmware;   ///< name and version as the board says them; empty: it does not
  std::vector<std::pair<std::string, std::uint64_t>> counts;  ///< by name: "frames_lost"
};

}  // namespace fieldpost::bridge

#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tests/support/daemon_process.h"
#include "tests/support/pty_board.h"
#include "tests/support/run_command.h"

namespace fieldpost::test {

/// fieldpost-bridge as a process, with its files in a directory of the test's.
class BridgeProcess {
 public:
  /// `devices`: TOML of its boards. Not started.
  BridgeProcess(std::string directory, const std::string& agent_socket, const std::string& devices);

  [[nodiscard]] DaemonProcess& daemon() { return daemon_; }
  [[nodiscard]] const DaemonProcess& daemon() const { return daemon_; }
  [[nodiscard]] std::string config_file() const { return directory_ + "/bridge.toml"; }
  /// `fieldpost-bridge --config … WORDS`
  [[nodiscard]] Outcome run(const std::string& words) const;

  /// What its control socket says of a board; null: nothing.
  [[nodiscard]] nlohmann::json device(std::string_view name) const;
  /// One of the counts there; 0 where it says none.
  [[nodiscard]] std::uint64_t count(std::string_view name, std::string_view what) const;
  /// Waits until a board's port is open. `nothing`: bytes that mean nothing in what it speaks.
  [[nodiscard]] bool hears(PtyBoard& board, std::string_view name, std::string_view nothing) const;

 private:
  std::string directory_;
  DaemonProcess daemon_;
};

/// TOML of a board.
[[nodiscard]] std::string device_toml(std::string_view name, std::string_view port,
                                      std::string_view protocol, std::string_view more = {});

}  // namespace fieldpost::test

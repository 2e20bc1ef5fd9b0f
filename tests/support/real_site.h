#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/daemon_process.h"
#include "tests/support/mosquitto_process.h"
#include "tests/support/plain_socket.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {

constexpr const char* kSiteName = "lab";
constexpr const char* kNodeName = "n1";

struct RealSiteOptions {
  std::string agent_state;                 ///< a directory; empty: one of the site's own
  std::string coordinator_state;           ///< the same
  std::vector<std::string> agent_wrapper;  ///< put before the command
  std::vector<std::string> coordinator_wrapper;
  std::string agent_config;        ///< TOML that goes to the end of the agent's
  std::string coordinator_config;  ///< the same
};

/// A broker, a coordinator and one agent as real processes on loopback, with their files in
/// directories of their own. Nothing but the broker is started by the constructor.
class RealSite {
 public:
  explicit RealSite(const RealSiteOptions& options = {});

  [[nodiscard]] MosquittoProcess& broker() { return broker_; }
  [[nodiscard]] DaemonProcess& agent() { return agent_; }
  [[nodiscard]] DaemonProcess& coordinator() { return coordinator_; }
  [[nodiscard]] const std::string& directory() const { return directory_.path(); }
  [[nodiscard]] const std::string& spool_file() const { return spool_file_; }
  [[nodiscard]] const std::string& store_file() const { return store_file_; }
  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] std::uint16_t agent_port() const { return agent_port_; }
  [[nodiscard]] std::uint16_t coordinator_port() const { return coordinator_port_; }
  void delete_broker_state();  ///< of a broker that is down

  /// The coordinator's JSON answer; nullopt when it gave none.
  [[nodiscard]] std::optional<nlohmann::json> ask(const std::string& target) const;
  /// A node, the agent's by default, as the coordinator shows it; null when it is not there.
  [[nodiscard]] nlohmann::json node(std::string_view id = kNodeName) const;
  /// The coordinator knows the agent and owes it nothing.
  [[nodiscard]] bool drained() const;

 private:
  TempDirectory directory_;
  MosquittoProcess broker_;
  std::uint16_t agent_port_, coordinator_port_;
  std::string socket_, spool_file_, store_file_;
  DaemonProcess agent_, coordinator_;
};

/// Asks again and again until `happened` or the time is over; whether it happened.
[[nodiscard]] bool wait_until(std::chrono::seconds most, const std::function<bool()>& happened);

}  // namespace fieldpost::test

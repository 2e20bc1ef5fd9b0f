#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/bench/clients.h"
#include "tools/bench/daemon.h"

namespace fieldpost::bench {

enum class Role : std::uint8_t { kAgent, kBroker, kCoordinator };
inline constexpr std::array kRoles = {Role::kAgent, Role::kBroker, Role::kCoordinator};
[[nodiscard]] std::string to_string(Role role);

struct LabOptions {
  std::string binaries;       ///< directory of the daemons
  std::string scratch;        ///< an existing directory
  bool host_metrics = false;  ///< the agent looks at this machine
  std::string metrics_every = "1s";
  std::string sources;        ///< more of agent.toml
  bool compact_soon = false;  ///< the coordinator merges at once what it has
  /// Where the agent finds the broker; another address than loopback is of this machine, too.
  std::string broker_address = "127.0.0.1";
  std::vector<std::string> agent_prefix;  ///< a program that becomes the agent
};

/// A broker, a coordinator and an agent of the benchmark's own, in a fresh directory, on ports that
/// the system chose. All of them end, and the directory goes, with this object, or with the process
/// however it ends.
class Lab {
 public:
  explicit Lab(LabOptions options);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  void start(Role role);  ///< returns when it is ready
  void stop(Role role) { daemon(role).stop(); }
  void start_all();
  [[nodiscard]] Daemon& daemon(Role role) { return daemons_[static_cast<std::size_t>(role)]; }
  [[nodiscard]] std::map<Role, Usage> usage();

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::uint16_t broker_port() const { return broker_port_; }
  [[nodiscard]] std::string socket_path() const { return directory_ + "/agent.sock"; }
  [[nodiscard]] std::string spool_path() const { return directory_ + "/agent/spool.db"; }
  [[nodiscard]] std::string store_path() const { return directory_ + "/coordinator/store.db"; }
  [[nodiscard]] std::uint16_t agent_port() const { return agent_port_; }
  [[nodiscard]] std::uint16_t coordinator_port() const { return coordinator_port_; }

  /// Readings in stored records, as the coordinator's node says.
  [[nodiscard]] std::uint64_t delivered() { return delivered(true); }
  /// Waits until so many are; ends the benchmark when nothing moves for a minute.
  void wait_delivered(std::uint64_t readings) { wait_delivered(readings, true); }
  /// The same of all nodes but this lab's agent.
  void wait_delivered_by_others(std::uint64_t readings) { wait_delivered(readings, false); }
  void wait_welcomed(std::size_t nodes = 1);
  /// A number of the coordinator's /metrics.
  [[nodiscard]] double metric(const std::string& name);
  /// Id of a series of one field; waits until there is one.
  [[nodiscard]] std::int64_t series(const std::string& measurement);

 private:
  [[nodiscard]] std::uint64_t delivered(bool by_agent);
  void wait_delivered(std::uint64_t readings, bool by_agent);
  void write_configurations() const;
  void have_removed() const;
  LabOptions options_;
  std::string directory_;
  std::uint16_t broker_port_, agent_port_, coordinator_port_;
  std::array<Daemon, 3> daemons_;
};

}  // namespace fieldpost::bench

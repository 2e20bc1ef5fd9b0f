#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "firmware-bridge/ports/port.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

/// What is at the other end of a simulated port, and how the port fares. Set and read by tests.
struct SimBoard {
  bool plugged = false;
  std::string held_by;  ///< not empty: another process has the port: "minicom (pid 812)"
  std::string denied;   ///< not empty: the port may not be opened, and why
  /// Called on the world's time line with what the daemon sent.
  std::function<void(std::string bytes)> on_bytes;

  std::string sent;         ///< by the daemon, all of it; tests may empty it
  unsigned baud = 0;        ///< as it was set last
  std::uint64_t opens = 0;  ///< how often it was opened
};

/// Ports of one simulated machine. Addresses are texts as `parse_port_address` takes them; a tcp://
/// address that is not plugged in is one where nobody listens.
class SimPorts final : public bridge::Ports {
 public:
  explicit SimPorts(SimLoop& loop);
  /// Of a daemon that starts again on the same machine: the boards go on.
  SimPorts(SimLoop& loop, const SimPorts& before);
  SimPorts(const SimPorts&) = delete;
  SimPorts& operator=(const SimPorts&) = delete;
  ~SimPorts() override;

  void open(const bridge::PortAddress& address, const bridge::SerialSettings& settings,
            OnOpen on_open) override;
  rt::Result<std::unique_ptr<rt::Listener>> listen(const bridge::PortAddress& address,
                                                   bridge::OnMessage on_message) override;

  /// Made at the first call; stays where it is.
  SimBoard& board(const std::string& address);
  SimBoard& plug(const std::string& address);  ///< again, too
  void unplug(const std::string& address);     ///< a port that is open ends
  [[nodiscard]] bool is_open(const std::string& address);
  /// The board says something; lost when the port is not open.
  void feed(const std::string& address, const std::string& bytes);
  /// A board sends a message to where the daemon listens; false: it listens nowhere like this.
  /// `on_answer` is called as the daemon answers; not for udp://.
  bool deliver(const std::string& address, std::string bytes,
               std::function<void(rt::Status)> on_answer = nullptr);

 private:
  class Line;
  class SimPort;
  struct Socket;
  using Sockets = std::map<std::string, std::shared_ptr<Socket>>;
  using Doors = std::map<std::string, bridge::OnMessage>;

  [[nodiscard]] Socket& socket(const std::string& address);
  rt::Result<std::unique_ptr<bridge::Port>> open_now(const bridge::PortAddress& address,
                                                     unsigned baud);

  SimLoop& loop_;
  std::shared_ptr<Sockets> sockets_;
  std::shared_ptr<Doors> doors_ = std::make_shared<Doors>();
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::uint16_t ports_given_ = 0;
};

}  // namespace fieldpost::sim

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "firmware-bridge/control/device_report.h"
#include "firmware-bridge/flash/flash_desk.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/streams.h"

namespace fieldpost::bridge {

class ControlConnection;

struct ControlParts {
  rt::Loop& loop;
  FlashDesk& desk;
  std::function<std::vector<DeviceReport>()> devices;
};

/// The bridge's unix socket: see control_line.h. Who may open it may flash. A client that hangs up
/// stops nothing. Loop thread.
class ControlServer {
 public:
  static constexpr std::size_t kConnectionsMax = 16;  ///< more: told so and closed
  static constexpr std::size_t kRefusedMax = 16;      ///< being told so; more: just closed
  /// Not read by the client: then progress is left out. Outcomes and answers are not.
  static constexpr std::size_t kUnsentBytesMax = 64 * 1024;
  /// Of answers that are not read: then the client is let go.
  static constexpr std::size_t kAnswersBytesMax = 1 << 20;
  /// Of a client that is let go, to read what was said to it before it loses its place.
  static constexpr rt::Nanos kReadOutMost = rt::Seconds{30};

  /// Fails as Streams::listen_unix does.
  static rt::Result<std::unique_ptr<ControlServer>> listen(ControlParts parts, rt::Streams& streams,
                                                           const std::string& path);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  explicit ControlServer(ControlParts parts);
  void on_accept(std::unique_ptr<rt::Stream> stream);
  void drop_later(std::uint64_t id);

  ControlParts parts_;
  std::map<std::uint64_t, std::unique_ptr<ControlConnection>> connections_;
  std::uint64_t last_id_ = 0;
  std::uint64_t refused_ = 0;
  std::unique_ptr<rt::Listener> listener_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/device_watch.h"
#include "firmware-bridge/devices/retry_pause.h"

namespace fieldpost::bridge {

/// One board that sends messages over IP: listens for them, and answers each when its readings are
/// on the agent's disk. What waits for that is bounded by the listener. Loop thread; stores
/// nothing.
class MessageSession {
 public:
  /// `config.address` is one that is listened at. Listens soon.
  MessageSession(DevicePorts ports, DeviceConfig config, std::unique_ptr<Protocol> protocol);
  ~MessageSession() { ports_.loop.cancel(listen_timer_); }
  MessageSession(const MessageSession&) = delete;
  MessageSession& operator=(const MessageSession&) = delete;

  void set_on_heard(OnHeard on_heard) { watch_.set_on_heard(std::move(on_heard)); }
  [[nodiscard]] const DeviceConfig& config() const { return config_; }
  [[nodiscard]] DeviceState state() const { return watch_.state(); }

 private:
  using Answer = std::function<void(rt::Status)>;

  void listen();
  void on_message(std::string_view bytes, const Answer& answer);

  DevicePorts ports_;
  DeviceConfig config_;
  DeviceWatch watch_;
  std::unique_ptr<rt::Listener> listener_;
  RetryPause pause_;
  rt::TimerId listen_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge

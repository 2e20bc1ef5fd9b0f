#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/device_config.h"
#include "firmware-bridge/devices/device_watch.h"
#include "firmware-bridge/devices/retry_pause.h"

namespace fieldpost::bridge {

/// One board that sends a stream: keeps its port open, asks who is there, and offers what it
/// measures to the sink. Loop thread; stores nothing.
class DeviceSession {
 public:
  static constexpr rt::Nanos kLookEvery = rt::Seconds(1);  ///< for a board that is not plugged in
  /// Between two questions: half of `silent_after`, but no less and no more than this.
  static constexpr rt::Nanos kAskAgainLeast = rt::Millis(500);
  static constexpr rt::Nanos kAskAgainMost = rt::Seconds(30);
  static constexpr std::size_t kUnsentBytesMax = 1024;  ///< with more waiting nothing is asked

  /// `config.address` is not one that is listened at. Opens the port soon.
  DeviceSession(DevicePorts ports, DeviceConfig config, std::unique_ptr<Protocol> protocol);
  ~DeviceSession();
  DeviceSession(const DeviceSession&) = delete;
  DeviceSession& operator=(const DeviceSession&) = delete;

  /// Gives the port up until `resume`. `on_free` is called once, not from inside, when nothing of
  /// ours has the port any more; never after `resume` or the session's end.
  void suspend(std::function<void()> on_free);
  /// Opens the port again soon. The board's restarts until now are no trouble of its own.
  void resume();
  void set_on_heard(OnHeard on_heard) { watch_.set_on_heard(std::move(on_heard)); }

  [[nodiscard]] const DeviceConfig& config() const { return config_; }
  [[nodiscard]] DeviceState state() const { return watch_.state(); }
  /// Whether the board said who it is since its port was opened, and was not seen to restart since.
  [[nodiscard]] bool is_known() const { return is_known_; }
  [[nodiscard]] std::size_t kept() const { return watch_.kept(); }

 private:
  void open_after(rt::Nanos pause);
  void open();
  void on_open(rt::Result<std::unique_ptr<Port>> opened);
  void on_data(std::string_view bytes);
  void on_closed(const std::string& why);
  void close();
  void tell_free_soon();
  void ask();
  void ask_if_needed();
  void arm_asking();

  DevicePorts ports_;
  DeviceConfig config_;
  DeviceWatch watch_;
  std::unique_ptr<Port> port_;
  bool is_opening_ = false;
  bool is_suspended_ = false;
  std::vector<std::function<void()>> on_free_;
  RetryPause pause_;
  rt::Nanos ask_again_;
  rt::Instant opened_at_, asked_at_, read_at_;
  bool is_known_ = false;               ///< it said who it is since the port was opened
  std::uint64_t undeclared_asked_ = 0;  ///< readings that were undeclared when we asked last
  rt::TimerId open_timer_ = rt::TimerId::kNone;
  rt::TimerId ask_timer_ = rt::TimerId::kNone;
  rt::TimerId free_timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::bridge

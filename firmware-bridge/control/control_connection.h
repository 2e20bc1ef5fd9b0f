#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "firmware-bridge/control/control_line.h"
#include "firmware-bridge/control/control_server.h"
#include "firmware-bridge/flash/flash_desk.h"
#include "firmware-bridge/flash/json_object.h"
#include "proto/rt/streams.h"

namespace fieldpost::bridge {

/// A client of the control socket. Its requests are answered one after the other.
class ControlConnection {
 public:
  /// `on_over`: it is closed, or had its time to read what was said; may not drop it at once.
  ControlConnection(const ControlParts& parts, std::unique_ptr<rt::Stream> stream,
                    std::function<void()> on_over);
  ~ControlConnection();
  ControlConnection(const ControlConnection&) = delete;
  ControlConnection& operator=(const ControlConnection&) = delete;
  void start();
  /// Says why nothing is answered, and closes.
  void refuse(const std::string& why);

 private:
  void on_data(std::string_view bytes);
  void go_on();
  void answer(const std::string& line);
  void answer_devices();
  void answer_images(const JsonObject& request);
  void flash(const JsonObject& request);
  void follow(const JsonObject& request);
  FlashFollowerPtr make_follower();
  void send(std::string line) { stream_->send(std::move(line) + "\n"); }
  void send_error(const rt::Error& error);
  void close();

  const ControlParts& parts_;
  std::unique_ptr<rt::Stream> stream_;
  std::function<void()> on_over_;
  LineBuffer lines_;
  FlashFollowerPtr follower_;  ///< while a flash is followed
  bool ended_ = false;         ///< it says no more
  bool closing_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::bridge

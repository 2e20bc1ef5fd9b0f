#pragma once

#include <memory>
#include <string>
#include <utility>

#include "firmware-bridge/ports/port.h"

namespace fieldpost::bridge {

/// What real ports have in common: the stream does the work. Whatever ends it unasked has a reason
/// that names the port.
class StreamPort : public Port {
 public:
  /// `lost`: what it means when the other end is gone, "was pulled out".
  StreamPort(std::unique_ptr<rt::Stream> stream, std::string name, std::string lost)
      : stream_(std::move(stream)), name_(std::move(name)), lost_(std::move(lost)) {}

  void start(Handlers handlers) override;
  void set_reading(bool reading) override { stream_->set_reading(reading); }
  void send(std::string bytes) override { stream_->send(std::move(bytes)); }
  [[nodiscard]] std::size_t unsent() const override { return stream_->unsent(); }
  void close_after_send() override;

  rt::Status set_baud(unsigned baud) override;
  [[nodiscard]] std::string name() const override { return name_; }

 private:
  std::unique_ptr<rt::Stream> stream_;
  std::string name_;
  std::string lost_;
  std::shared_ptr<bool> closing_ = std::make_shared<bool>(false);
};

}  // namespace fieldpost::bridge

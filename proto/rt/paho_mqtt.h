#pragma once

#include <cstdint>
#include <memory>

#include "proto/rt/loop.h"
#include "proto/rt/mqtt.h"

namespace fieldpost::rt {

/// MQTT by Paho. One a process. Drop it before its loop; it says goodbye then, and waits for that
/// at most kGoodbyeWait. A publish or a subscription that the broker refuses (not authorised,
/// quota) ends the connection, with the reason.
class PahoMqtt final : public Mqtt {
 public:
  static constexpr Millis kGoodbyeWait{500};

  explicit PahoMqtt(Loop& loop);
  ~PahoMqtt() override;
  PahoMqtt(const PahoMqtt&) = delete;
  PahoMqtt& operator=(const PahoMqtt&) = delete;

  void set_handlers(MqttHandlers handlers) override;
  void connect(const MqttOptions& options) override;
  void disconnect() override;
  Result<std::uint64_t> publish(MqttMessage message) override;
  Status subscribe(const std::string& filter) override;

  /// Messages that came faster than the loop could take them.
  [[nodiscard]] std::uint64_t messages_dropped() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace fieldpost::rt

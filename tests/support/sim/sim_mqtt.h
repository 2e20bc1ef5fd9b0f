#pragma once

#include <unordered_map>

#include "proto/rt/mqtt_window.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

/// A daemon's connection to the simulated broker. Dropped after its loop was killed, it is a
/// process that died: the broker publishes the will.
class SimMqtt final : public rt::Mqtt {
 public:
  SimMqtt(SimLoop& loop, SimBroker& broker) : loop_(loop), broker_(broker) {}
  ~SimMqtt() override { leave(loop_.alive()); }
  SimMqtt(const SimMqtt&) = delete;
  SimMqtt& operator=(const SimMqtt&) = delete;

  void set_handlers(rt::MqttHandlers handlers) override { handlers_ = std::move(handlers); }
  void connect(const rt::MqttOptions& options) override;
  void disconnect() override { leave(true); }
  rt::Result<std::uint64_t> publish(rt::MqttMessage message) override;
  rt::Status subscribe(const std::string& filter) override;

 private:
  friend class SimBroker;
  void on_connack(const SimConnectionPtr& connection, std::uint16_t receive_maximum);
  void on_puback(const SimConnectionPtr& connection, std::uint64_t token);
  void on_delivery(const SimConnectionPtr& connection, const rt::MqttMessage& message);
  void on_lost(const SimConnectionPtr& connection, const std::string& why);
  void leave(bool goodbye);
  void lose_power();
  [[nodiscard]] bool is_current(const SimConnectionPtr& connection) const {
    return connection == connection_ && loop_.alive();
  }

  SimLoop& loop_;
  SimBroker& broker_;
  rt::MqttHandlers handlers_;
  SimConnectionPtr connection_;
  bool connected_ = false;
  rt::TimerId connect_timer_ = rt::TimerId::kNone;
  rt::MqttWindow window_;
  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> unacked_;  ///< bytes by token
};

}  // namespace fieldpost::sim

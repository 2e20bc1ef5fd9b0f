#include "tests/support/sim/sim_mqtt.h"

#include <utility>

namespace fieldpost::sim {

void SimMqtt::connect(const rt::MqttOptions& options) {
  FP_CHECK(!connection_);
  connection_ = broker_.open(*this, options);
  connect_timer_ = loop_.after(options.connect_timeout, [this, connection = connection_] {
    on_lost(connection, "connecting timed out");
  });
}

rt::Result<std::uint64_t> SimMqtt::publish(rt::MqttMessage message) {
  if (!connected_) return rt::Error{rt::Errc::kUnavailable, "publishing: not connected"};
  const std::size_t bytes = message.topic.size() + message.payload.size();
  if (!window_.try_take(bytes)) return rt::Error{rt::Errc::kBusy, "publishing: the window is full"};
  const std::uint64_t token = ++last_token_;
  unacked_.emplace(token, bytes);
  broker_.client_publishes(connection_, message, token);
  return token;
}

rt::Status SimMqtt::subscribe(const std::string& filter) {
  if (!connected_) return rt::Error{rt::Errc::kUnavailable, "subscribing: not connected"};
  broker_.client_subscribes(connection_, filter);
  return rt::ok();
}

void SimMqtt::leave(bool goodbye) {
  loop_.cancel(connect_timer_);
  connected_ = false;
  if (!connection_) return;
  connection_->client = nullptr;
  broker_.client_leaves(std::exchange(connection_, nullptr), goodbye);
}

void SimMqtt::lose_power() {
  loop_.cancel(connect_timer_);
  connected_ = false;
  connection_ = nullptr;
}

void SimMqtt::on_connack(const SimConnectionPtr& connection, std::uint16_t receive_maximum) {
  if (!is_current(connection)) return;
  loop_.cancel(connect_timer_);
  connected_ = true;
  unacked_.clear();
  window_.open(receive_maximum);
  if (handlers_.on_connected) handlers_.on_connected(receive_maximum);
}

void SimMqtt::on_puback(const SimConnectionPtr& connection, std::uint64_t token) {
  if (!is_current(connection)) return;
  const auto found = unacked_.find(token);
  if (found == unacked_.end()) return;
  window_.give_back(found->second);
  unacked_.erase(found);
  if (handlers_.on_puback) handlers_.on_puback(token);
}

void SimMqtt::on_delivery(const SimConnectionPtr& connection, const rt::MqttMessage& message) {
  if (is_current(connection) && handlers_.on_message) handlers_.on_message(message);
}

void SimMqtt::on_lost(const SimConnectionPtr& connection, const std::string& why) {
  if (!is_current(connection)) return;
  leave(false);
  if (handlers_.on_disconnected) handlers_.on_disconnected(why);
}

}  // namespace fieldpost::sim

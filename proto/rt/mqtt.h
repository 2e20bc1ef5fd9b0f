#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::rt {

struct MqttMessage {
  std::string topic;
  std::string payload;  ///< bytes
  bool retain = false;
};

struct MqttOptions {
  std::string url;  ///< mqtt://host:port or mqtts://host:port
  std::string client_id;
  std::string username;  ///< empty: none
  std::string password;
  std::string ca_file, cert_file,
      key_file;  ///< mqtts only; empty: the system's CAs, no client certificate
  /// At which the broker's certificate is checked; none: at the wall clock. mqtts only.
  std::optional<UnixTime> certificate_time;
  Seconds keepalive{15};
  Seconds connect_timeout{10};
  std::optional<MqttMessage> will;  ///< published by the broker, QoS 1, when we die
};

/// Handlers; each is called on the loop, and never from inside a call into the port.
struct MqttHandlers {
  std::function<void(std::uint16_t receive_maximum)> on_connected;
  /// After on_connected, when the link is gone; or instead of it, when connecting failed. The port
  /// does not reconnect by itself: call `connect` again when you want to.
  std::function<void(std::string why)> on_disconnected;
  std::function<void(MqttMessage)> on_message;
  /// The broker has taken (PUBACK) the publish with this token. It says nothing about storage (A5).
  std::function<void(std::uint64_t token)> on_puback;
};

/// One MQTT 5 connection, QoS 1, clean start, no persistence and no offline buffer.
class Mqtt {
 public:
  virtual ~Mqtt() = default;
  virtual void set_handlers(MqttHandlers handlers) = 0;
  /// Starts connecting. Exactly one of on_connected, on_disconnected follows.
  virtual void connect(const MqttOptions& options) = 0;
  /// Says goodbye so that the broker does not publish the will. on_disconnected is not called.
  virtual void disconnect() = 0;
  /// QoS 1. Returns the token of on_puback. kUnavailable when not connected, kBusy when the
  /// adapter's window is full; the message is then not sent.
  virtual Result<std::uint64_t> publish(MqttMessage message) = 0;
  /// QoS 1. Lost with the connection.
  virtual Status subscribe(const std::string& filter) = 0;
};

}  // namespace fieldpost::rt

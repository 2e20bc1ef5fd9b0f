#include "proto/rt/paho_options.h"

#include <mqtt/ssl_options.h>
#include <mqtt/will_options.h>

#include <string_view>

#include "proto/rt/mqtt_window.h"

namespace fieldpost::rt {

namespace {

constexpr std::string_view kPlain = "mqtt://";
constexpr std::string_view kTls = "mqtts://";
constexpr int kQos = 1;

mqtt::ssl_options tls_options(const MqttOptions& options) {
  mqtt::ssl_options tls;
  if (!options.ca_file.empty()) tls.set_trust_store(options.ca_file);
  if (!options.cert_file.empty()) tls.set_key_store(options.cert_file);
  if (!options.key_file.empty()) tls.set_private_key(options.key_file);
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);  // the host name too
  return tls;
}

}  // namespace

std::string paho_uri(const std::string& url) {
  if (url.starts_with(kPlain)) return "tcp://" + url.substr(kPlain.size());
  if (url.starts_with(kTls)) return "ssl://" + url.substr(kTls.size());
  return url;
}

mqtt::connect_options paho_options(const MqttOptions& options) {
  mqtt::connect_options paho;
  paho.set_mqtt_version(MQTTVERSION_5);
  paho.set_clean_start(true);
  paho.set_automatic_reconnect(false);
  paho.set_keep_alive_interval(options.keepalive);
  paho.set_connect_timeout(options.connect_timeout);
  paho.set_max_inflight(static_cast<int>(kMqttWindowCount));
  if (!options.username.empty()) paho.set_user_name(options.username);
  if (!options.password.empty()) paho.set_password(options.password);
  if (options.will) {
    const MqttMessage& will = *options.will;
    paho.set_will(
        mqtt::will_options(will.topic, mqtt::binary_ref(will.payload), kQos, will.retain));
  }
  if (options.url.starts_with(kTls)) paho.set_ssl(tls_options(options));
  return paho;
}

}  // namespace fieldpost::rt

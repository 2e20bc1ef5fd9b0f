#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proto/rt/mqtt.h"

namespace fieldpost::test {

/// A client and all that happened to it.
struct MqttRecorder {
  explicit MqttRecorder(std::unique_ptr<rt::Mqtt> client) : mqtt(std::move(client)) {
    mqtt->set_handlers({
        .on_connected =
            [this](std::uint16_t maximum) {
              connects += 1;
              online = true;
              receive_maximum = maximum;
            },
        .on_disconnected =
            [this](std::string reason) {
              disconnects += 1;
              online = false;
              why = std::move(reason);
            },
        .on_message = [this](rt::MqttMessage message) { messages.push_back(std::move(message)); },
        .on_puback = [this](std::uint64_t token) { pubacks.push_back(token); },
    });
  }
  [[nodiscard]] bool got(const std::string& topic, const std::string& payload) const {
    for (const auto& message : messages) {
      if (message.topic == topic && message.payload == payload) return true;
    }
    return false;
  }

  std::unique_ptr<rt::Mqtt> mqtt;
  int connects = 0;
  int disconnects = 0;
  bool online = false;
  std::uint16_t receive_maximum = 0;
  std::string why;
  std::vector<rt::MqttMessage> messages;
  std::vector<std::uint64_t> pubacks;
};

}  // namespace fieldpost::test

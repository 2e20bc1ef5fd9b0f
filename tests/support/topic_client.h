#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/daemon_process.h"

namespace fieldpost::test {

struct TopicMessage {
  std::string topic;
  std::string payload;
  bool retained = false;
};

/// What mosquitto_sub hears on a broker: a client that nobody here wrote. From `start` to its end.
class TopicListener {
 public:
  TopicListener(std::uint16_t port, const std::string& directory);
  void start();
  [[nodiscard]] std::vector<TopicMessage> heard() const;

 private:
  std::string file_;
  DaemonProcess client_;
};

[[nodiscard]] std::string random_bytes(std::mt19937_64& dice, std::size_t size);

/// Publishes with mosquitto_pub at QoS 1, in this order; whether the broker took all of them.
[[nodiscard]] bool publish_all(std::uint16_t port, const std::string& directory,
                               const std::vector<TopicMessage>& messages);

}  // namespace fieldpost::test

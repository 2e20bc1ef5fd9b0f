#include "tests/support/topic_client.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "tests/support/real_site.h"

namespace fieldpost::test {

namespace {

using namespace std::chrono_literals;

constexpr auto kPublishMost = 60s;
constexpr const char* kAllTaken = "all taken";

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

TopicListener::TopicListener(std::uint16_t port, const std::string& directory)
    : file_(directory + "/heard"),
      client_({"/bin/sh", "-c",
               fmt::format("exec mosquitto_sub -p {} -q 1 -t 'fieldpost/#' -F '%t %x' > '{}'", port,
                           file_)},
              directory + "/client.log") {}

void TopicListener::start() {
  client_.start();
}

std::vector<TopicMessage> TopicListener::heard() const {
  std::vector<TopicMessage> messages;
  std::ifstream file(file_);
  for (std::string line; std::getline(file, line) && !file.eof();) {
    std::istringstream words(line);
    std::string topic, hex;
    words >> topic >> hex;
    messages.push_back({topic, from_hex(hex)});
  }
  return messages;
}

std::string random_bytes(std::mt19937_64& dice, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(dice());
  return bytes;
}

bool publish_all(std::uint16_t port, const std::string& directory,
                 const std::vector<TopicMessage>& messages) {
  std::ofstream script(directory + "/publish.sh");
  script << "set -e\n";
  int number = 0;
  for (const TopicMessage& each : messages) {
    const std::string payload = fmt::format("{}/payload{}", directory, number++);
    std::ofstream(payload, std::ios::binary) << each.payload;
    script << fmt::format("mosquitto_pub -p {} -q 1 {} -t '{}' {}\n", port,
                          each.retained ? "-r" : "", each.topic,
                          each.payload.empty() ? "-n" : "-f '" + payload + "'");
  }
  script << "echo " << kAllTaken << " >&2\n";
  script.close();
  DaemonProcess publisher({"/bin/sh", directory + "/publish.sh"}, directory + "/publish.log");
  const auto said = [&] { return publisher.log().find(kAllTaken) != std::string::npos; };
  publisher.start();
  return wait_until(kPublishMost, [&] { return !publisher.running(); }) && said();
}

}  // namespace fieldpost::test

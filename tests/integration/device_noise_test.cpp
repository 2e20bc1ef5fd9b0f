// What is no reading, on the topics of the agent's `mqtt_topics` sources: it changes nothing but
// the source's count of errors, and real readings go on.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "proto/wire/messages.h"
#include "tests/support/real_site.h"
#include "tests/support/site_picture.h"
#include "tests/support/topic_client.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Messages = std::vector<TopicMessage>;

constexpr auto kWaitMost = 30s;
constexpr std::uint64_t kSeed = 7;

constexpr const char* kSources = R"(
[[source]]
kind = "mqtt_topics"
topic = "plant/{room}/{field}"
measurement = "plant"
[[source]]
kind = "mqtt_topics"
topic = "weather/{station}"
format = "json"
measurement = "weather"
fields = { temperature = "/t" }
[[source]]
kind = "mqtt_topics"
topic = "spBv1.0/hall/#"
format = "sparkplug"
measurement = "hall"
)";

constexpr const char* kPlant = "measurement=plant&tag.room=office";
constexpr const char* kWeather = "measurement=weather&tag.station=roof";
constexpr const char* kHall = "measurement=hall&tag.node=press&field=float";

std::string sparkplug_payload(const std::string& name) {
  std::ifstream file(std::string(FIELDPOST_SPARKPLUG_DATA) + "/" + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  REQUIRE(!bytes.empty());
  return bytes;
}

Messages add_topic(const std::string& topic, const std::vector<std::string>& payloads) {
  Messages messages;
  for (const std::string& payload : payloads) messages.push_back({topic, payload});
  return messages;
}

/// Each message of a list is one error of that source.
struct Noise {
  Messages number, json_object, sparkplug;
};

Noise make_noise() {
  std::mt19937_64 dice(kSeed);
  const std::string bytes = random_bytes(dice, 300), more = random_bytes(dice, 70'000);
  const std::string too_long(256 * 1024 + 1, '1');
  Noise noise;
  noise.number = add_topic("plant/office/temperature",
                           {"", " ", "warm", "nan", "inf", "1e999", "0x10", "1 2", "1,5", "--1",
                            "{\"t\":1}", "1\xff", bytes, more, too_long});
  noise.number.push_back({"plant//temperature", "1"});
  noise.json_object =
      add_topic("weather/roof", {"", "{", "null", "1", "[]", "{}", "{\"t\":null}", "{\"t\":[1]}",
                                 "{\"t\":{}}", "{\"t\":1e999}", "{\"t\":1}}", "{\"T\":1}",
                                 std::string(20'000, '['), bytes, more, too_long});
  noise.json_object.push_back({"weather/", "{\"t\":1}"});
  const std::string birth = sparkplug_payload("nbirth.bin");
  for (const char* topic : {"NBIRTH/press", "NDATA/press", "DBIRTH/press/motor",
                            "DDATA/press/motor", "NDEATH/press", "NBIRTH/ghost"}) {
    const Messages each =
        add_topic(std::string("spBv1.0/hall/") + topic,
                  {bytes, more, birth.substr(0, birth.size() / 2), "\xff", too_long});
    noise.sparkplug.insert(noise.sparkplug.end(), each.begin(), each.end());
  }
  return noise;
}

/// Reading `number` of each kind of device, as devices send them.
Messages real_readings(int number) {
  Messages messages{{"plant/office/temperature", fmt::format("{}.5", number)},
                    {"weather/roof", fmt::format(R"({{"t": {}}})", number)}};
  if (number == 1)
    messages.push_back({"spBv1.0/hall/NBIRTH/press", sparkplug_payload("nbirth.bin")});
  if (number == 2) {
    messages.push_back({"spBv1.0/hall/NDATA/press", sparkplug_payload("ndata_alias.bin")});
  }
  return messages;
}

struct DeviceSite {
  DeviceSite() {
    listener.start();
    site.coordinator().start();
    site.agent().start();
    // A device that is there before the sources have subscribed is not heard.
    REQUIRE(wait_until(kWaitMost, [&] {
      REQUIRE(publish({{"plant/door/open", "true"}, {"weather/hill", "{\"t\":1}"}}));
      REQUIRE(publish({{"spBv1.0/hall/NBIRTH/first", sparkplug_payload("nbirth.bin")}}));
      return count("measurement=plant") > 0 && count("measurement=weather") > 0 &&
             count("measurement=hall") > 0;
    }));
  }
  [[nodiscard]] bool publish(const Messages& messages) {
    return publish_all(site.broker().port(), site.directory(), messages);
  }
  /// Readings stored of the series that `filter` names.
  [[nodiscard]] int count(const std::string& filter) const { return count_readings(site, filter); }
  /// `number` readings of each device of `real_readings` are stored.
  [[nodiscard]] bool has_stored(int number) const {
    return count(kPlant) == number && count(kWeather) == number && count(kHall) == number;
  }
  /// Of the three sources in the order of the configuration, as the agent last told.
  [[nodiscard]] std::vector<wire::SourceState> sources() const {
    std::vector<wire::SourceState> last;
    for (const TopicMessage& each : listener.heard()) {
      if (each.topic != fmt::format("fieldpost/v1/{}/{}/state", kSiteName, kNodeName)) continue;
      const auto state = wire::decode_node_state(each.payload);
      if (state) last = state->sources;
    }
    return last;
  }
  [[nodiscard]] std::vector<std::uint64_t> errors() const {
    std::vector<std::uint64_t> counts;
    for (const wire::SourceState& each : sources()) {
      if (each.name.starts_with("mqtt_topics:")) counts.push_back(each.errors);
    }
    return counts;
  }

  RealSite site{{.agent_config = kSources}};
  TopicListener listener{site.broker().port(), site.directory()};
};

TEST_CASE("noise on the topics of devices changes nothing but a counter") {
  DeviceSite devices;
  const RealSite& site = devices.site;
  REQUIRE(devices.publish(real_readings(1)));
  REQUIRE(wait_until(kWaitMost, [&] { return devices.has_stored(1); }));
  REQUIRE(wait_until(kWaitMost, [&] { return is_settled(site) && devices.errors().size() == 3; }));
  const auto before = picture(site);
  const auto errors_before = devices.errors();
  const Noise noise = make_noise();
  REQUIRE(devices.publish(noise.number));
  REQUIRE(devices.publish(noise.json_object));
  REQUIRE(devices.publish(noise.sparkplug));
  const std::vector<std::uint64_t> expected = {errors_before[0] + noise.number.size(),
                                               errors_before[1] + noise.json_object.size(),
                                               errors_before[2] + noise.sparkplug.size()};
  CHECK(wait_until(kWaitMost, [&] { return devices.errors() == expected; }));
  CHECK(devices.errors() == expected);
  for (const auto& [place, text] : picture(site)) {
    INFO(place);
    CHECK(text == before.at(place));
  }
  CHECK(devices.site.agent().running());
  REQUIRE(devices.publish(real_readings(2)));
  CHECK(wait_until(kWaitMost, [&] { return devices.has_stored(2); }));
}

}  // namespace
}  // namespace fieldpost::test

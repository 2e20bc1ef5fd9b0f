// What is none of the protocol, on every topic of a site that runs: it changes nothing but a
// counter.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "proto/wire/hash.h"
#include "tests/support/numbered_producer.h"
#include "tests/support/real_site.h"
#include "tests/support/site_picture.h"
#include "tests/support/topic_client.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto kWaitMost = 30s;
/// After noise is retained in the place of the presence, until the coordinator says it again.
constexpr auto kPresenceMost = 60s;
constexpr std::uint64_t kSeed = 20;
constexpr int kReadings = 20;
constexpr std::size_t kSizes[] = {1, 16, 300, 70'000};
constexpr const char* kUpward[] = {"hello",  "answer",      "state",   "up/event",    "up/live",
                                   "up/log", "up/backfill", "up/bulk", "up/whatever", "up/"};
constexpr const char* kDownward[] = {"challenge", "welcome", "receipt", "cmd"};
constexpr const char* kPresence = "fieldpost/v1/lab/_coordinator/state";

using Noise = std::vector<TopicMessage>;

std::string at(const char* site, const char* node, const std::string& leaf) {
  return fmt::format("fieldpost/v1/{}/{}/{}", site, node, leaf);
}

/// As an envelope is framed, around bytes that are none.
std::string framed(const std::string& bytes) {
  std::string out = "FPE1";
  const std::uint32_t crc = wire::crc32c(bytes);
  for (unsigned i = 0; i < 4; ++i) out += static_cast<char>((crc >> (8 * i)) & 0xff);
  return out + bytes;
}

/// On one topic: nothing, random bytes of some sizes, the same in the frame of an envelope.
void add_noise(Noise& noise, const std::string& topic, std::mt19937_64& dice) {
  noise.push_back({topic, ""});
  for (const std::size_t size : kSizes) {
    noise.push_back({topic, random_bytes(dice, size)});
    noise.push_back({topic, framed(noise.back().payload)});
  }
}

/// The first half of a message, and, where a check sum or a signature tells, one with a flipped
/// bit.
void add_damaged(Noise& noise, const TopicMessage& message, std::mt19937_64& dice) {
  noise.push_back({message.topic, message.payload.substr(0, message.payload.size() / 2)});
  if (message.topic.ends_with("/hello") || message.topic.ends_with("answer") ||
      message.topic.ends_with("/state")) {
    return;
  }
  noise.push_back(message);
  std::string& bytes = noise.back().payload;
  bytes[dice() % bytes.size()] ^= static_cast<char>(1U << dice() % 8);
}

/// Messages that the coordinator dropped, whatever was wrong with them.
double dropped(const RealSite& site) {
  return metric(site, "fieldpost_messages_undecodable_total") +
         metric(site, "fieldpost_envelopes_bad_crc_total") +
         metric(site, "fieldpost_records_strange_total");
}

double ignored(const RealSite& site) {
  const json node = site.node();
  return node.is_null() ? 0 : node.at("messages_ignored").get<double>();
}

/// Readings go all the way, each in a record of its own.
void deliver(const RealSite& site, int from, int count) {
  REQUIRE(wait_until(kWaitMost, [&] { return PlainSocket::to_path(site.socket()).is_open(); }));
  const auto socket = offer_to_socket(site.socket());
  for (int i = from; i < from + count; ++i) {
    REQUIRE(socket(fmt::format("noise v={}i {}\n", i, NumberedProducer::time_of(i)), 1));
  }
  const auto stored = [&] {
    const auto series = site.ask("/api/v1/series?measurement=noise");
    return series && !series->at("items").empty() &&
           series->at("items").at(0).at("count") == from + count - 1;
  };
  REQUIRE(wait_until(kPresenceMost, stored));
  REQUIRE(wait_until(kWaitMost, [&] { return is_settled(site); }));
}

/// A site that runs and has delivered, and what was said in it.
struct NoisySite {
  NoisySite() {
    listener.start();
    site.coordinator().start();
    site.agent().start();
    REQUIRE(wait_until(kWaitMost, [&] {
      const json node = site.node();
      return !node.is_null() && node.at("online") == true;
    }));
    deliver(site, 1, kReadings);
    CHECK(http_call(site.coordinator_port(), "POST", "/api/v1/nodes/n1/commands",
                    R"({"verb": "ping"})")
              .status == 202);
    REQUIRE(wait_until(kWaitMost, [&] {
      const auto commands = site.ask("/api/v1/nodes/n1/commands");
      return commands && !commands->at("items").at(0).at("outcome").is_null();
    }));
    REQUIRE(wait_until(kWaitMost, [&] { return is_settled(site); }));
    for (const TopicMessage& each : listener.heard()) kinds.try_emplace(each.topic, each);
  }

  [[nodiscard]] bool make(const Noise& noise) {
    return publish_all(site.broker().port(), site.directory(), noise);
  }

  RealSite site;
  TopicListener listener{site.broker().port(), site.directory()};
  std::map<std::string, TopicMessage> kinds;  ///< the first message of each topic
  std::mt19937_64 dice{kSeed};
};

TEST_CASE("noise on every topic of a site changes nothing but a counter") {
  NoisySite noisy;
  RealSite& site = noisy.site;
  REQUIRE(noisy.kinds.size() >= 10);  // each kind of message was said
  Noise to_coordinator, to_agent, to_nobody;
  for (const char* leaf : kUpward) {
    add_noise(to_coordinator, at(kSiteName, kNodeName, leaf), noisy.dice);
    add_noise(to_coordinator, at(kSiteName, "ghost", leaf), noisy.dice);
    add_noise(to_nobody, at("other", kNodeName, leaf), noisy.dice);
  }
  for (const char* leaf : kDownward) {
    add_noise(to_agent, at(kSiteName, kNodeName, leaf), noisy.dice);
    add_noise(to_nobody, at(kSiteName, "ghost", leaf), noisy.dice);
  }
  add_noise(to_agent, kPresence, noisy.dice);
  // What was really said: damaged; and whole, of a node and a site that are not there.
  for (const auto& [topic, message] : noisy.kinds) {
    const std::string leaf = topic.substr(at(kSiteName, kNodeName, "").size());
    const bool downward =
        std::find(std::begin(kDownward), std::end(kDownward), leaf) != std::end(kDownward);
    add_damaged(downward || topic == kPresence ? to_agent : to_coordinator, message, noisy.dice);
    if (topic == kPresence) continue;
    to_nobody.push_back({at("other", kNodeName, leaf), message.payload});
    Noise& told = leaf.starts_with("up/") ? to_coordinator : to_nobody;
    told.push_back({at(kSiteName, "ghost", leaf), message.payload});
  }
  const auto before = picture(site);
  const double dropped_before = dropped(site), ignored_before = ignored(site);
  REQUIRE(noisy.make(to_nobody));
  REQUIRE(noisy.make(to_agent));
  REQUIRE(noisy.make(to_coordinator));
  const auto expected_dropped = static_cast<double>(to_coordinator.size());
  const auto expected_ignored = static_cast<double>(to_agent.size());
  CHECK(wait_until(kWaitMost, [&] { return dropped(site) - dropped_before >= expected_dropped; }));
  CHECK(wait_until(kWaitMost, [&] { return ignored(site) - ignored_before >= expected_ignored; }));
  CHECK(dropped(site) - dropped_before == expected_dropped);
  CHECK(ignored(site) - ignored_before == expected_ignored);
  for (const auto& [place, text] : picture(site)) {
    INFO(place);
    CHECK(text == before.at(place));
  }
  CHECK(site.agent().running());
  CHECK(site.coordinator().running());
  deliver(site, kReadings + 1, kReadings);
}

TEST_CASE("retained noise keeps nobody from starting and delivering") {
  NoisySite noisy;
  RealSite& site = noisy.site;
  Noise noise;
  for (const char* leaf : kUpward) {
    noise.push_back({at(kSiteName, kNodeName, leaf), random_bytes(noisy.dice, 300), true});
    noise.push_back({at(kSiteName, "ghost", leaf), random_bytes(noisy.dice, 300), true});
  }
  for (const char* leaf : kDownward) {
    noise.push_back({at(kSiteName, kNodeName, leaf), random_bytes(noisy.dice, 300), true});
  }
  noise.push_back({kPresence, random_bytes(noisy.dice, 300), true});
  auto before = picture(site);
  REQUIRE(noisy.make(noise));
  site.coordinator().kill();
  site.coordinator().start();
  site.agent().kill();
  const auto ready = [&] {
    return http_call(site.coordinator_port(), "GET", "/readyz").status == 200 &&
           metric(site, "fieldpost_broker_connected") == 1;
  };
  REQUIRE(wait_until(kWaitMost, ready));
  REQUIRE(noisy.make({noise.back()}));  // in the place of what the coordinator said since
  site.agent().start();
  deliver(site, kReadings + 1, kReadings);
  const auto after = picture(site);
  for (const char* place : {"gaps", "commands"}) {
    INFO(place);
    CHECK(after.at(place) == before.at(place));
  }
  CHECK(site.ask("/api/v1/nodes").value().at("items").size() == 1);
  CHECK(site.node().at("unexplained") == 0);
}

}  // namespace
}  // namespace fieldpost::test

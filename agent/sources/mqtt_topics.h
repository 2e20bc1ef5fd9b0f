#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/intake.h"
#include "agent/sources/rules_teller.h"
#include "agent/sources/source.h"
#include "proto/mapping/mapper.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/rt/mqtt.h"
#include "proto/rt/random.h"

namespace fieldpost::agent {

struct MqttTopicsConfig {
  rt::MqttOptions broker;
  mapping::MappingRules rules;   ///< of messages on topics
  bool request_rebirth = false;  ///< Sparkplug: may publish to NCMD
  bool keep_raw = false;
  /// At which the broker's certificate is checked at this attempt; empty: at the wall clock.
  std::function<std::optional<rt::UnixTime>(std::uint64_t attempt)> certificate_time;
};

/// What the source is called.
[[nodiscard]] std::string topics_name(const MqttTopicsConfig& config);

/// Devices that speak MQTT of their own. Sampled. A retained message is old when it comes at
/// subscribing: without a time of its own it is left out.
class MqttTopics final : public Source {
 public:
  static constexpr std::size_t kPayloadBytesMax = 256 * 1024;  ///< more: counted and left out
  static constexpr rt::Nanos kReconnectFirst = rt::Seconds{1};
  static constexpr rt::Nanos kReconnectMost = rt::Seconds{60};

  struct Ports {
    rt::Loop& loop;
    const rt::WallClock& clock;
    rt::Random& random;
    rt::Mqtt& mqtt;
    Intake& intake;
  };

  /// kInvalid: the rules are wrong, or the topic cannot be the name of a raw series.
  static rt::Result<std::unique_ptr<MqttTopics>> make(Ports ports, MqttTopicsConfig config);
  ~MqttTopics() override;
  MqttTopics(const MqttTopics&) = delete;
  MqttTopics& operator=(const MqttTopics&) = delete;

  [[nodiscard]] SourceHealth health() const override { return health_; }
  [[nodiscard]] const mapping::Sparkplug::Counts& sparkplug_counts() const {
    return mapper_.sparkplug_counts();
  }
  [[nodiscard]] std::uint64_t retained_left_out() const { return mapper_.retained_left_out(); }

 private:
  MqttTopics(Ports ports, MqttTopicsConfig config, mapping::Mapper mapper);
  void connect();
  void on_connected();
  void on_disconnected(const std::string& why);
  void on_message(const rt::MqttMessage& message);
  void ask_for_rebirth(const std::string& topic);
  void count_error(std::string what);

  Ports ports_;
  MqttTopicsConfig config_;
  mapping::Mapper mapper_;
  std::string filter_;  ///< what is subscribed to
  std::optional<mapping::RawKeeper> keeper_;
  std::optional<RulesTeller> teller_;
  SourceHealth health_;
  std::uint64_t attempts_ = 0;  ///< to connect
  rt::Nanos pause_ = kReconnectFirst;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent

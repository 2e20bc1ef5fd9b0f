#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/intake.h"
#include "agent/sources/json_mapping.h"
#include "agent/sources/mqtt/sparkplug.h"
#include "agent/sources/mqtt/topic_pattern.h"
#include "agent/sources/source.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/rt/mqtt.h"
#include "proto/rt/random.h"

namespace fieldpost::agent {

enum class TopicFormat : std::uint8_t { kNumber, kJson, kSparkplug };

struct MqttTopicsConfig {
  rt::MqttOptions broker;
  std::string topic;  ///< "site/{room}/{field}"; Sparkplug: "spBv1.0/GROUP/#"
  TopicFormat format = TopicFormat::kNumber;
  /// Levels named `{measurement}` and `{field}` take precedence over these; other names are tags.
  std::string measurement = "mqtt";
  std::string field = "value";   ///< kNumber only
  std::string unit;              ///< kNumber only
  JsonMapping json;              ///< kJson only; its measurement counts when it is not empty
  bool request_rebirth = false;  ///< kSparkplug: may publish to NCMD
  /// At which the broker's certificate is checked at this attempt; empty: at the wall clock.
  std::function<std::optional<rt::UnixTime>(std::uint64_t attempt)> certificate_time;
};

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

  /// kInvalid: the topic or the JSON mapping is wrong.
  static rt::Result<std::unique_ptr<MqttTopics>> make(Ports ports, MqttTopicsConfig config);
  ~MqttTopics() override;
  MqttTopics(const MqttTopics&) = delete;
  MqttTopics& operator=(const MqttTopics&) = delete;

  [[nodiscard]] SourceHealth health() const override { return health_; }
  [[nodiscard]] const Sparkplug::Counts& sparkplug_counts() const { return sparkplug_.counts(); }
  [[nodiscard]] std::uint64_t retained_left_out() const {
    return retained_left_out_ + sparkplug_.counts().retained_left_out;
  }

 private:
  MqttTopics(Ports ports, MqttTopicsConfig config, TopicPattern pattern);
  void connect();
  void on_connected();
  void on_disconnected(const std::string& why);
  void on_message(const rt::MqttMessage& message);
  rt::Status add_message(const rt::MqttMessage& message, ReadingsBuilder& builder);
  rt::Status add_number(const rt::MqttMessage& message, const TopicPattern::Names& names,
                        ReadingsBuilder& builder);
  rt::Status add_object(const rt::MqttMessage& message, const TopicPattern::Names& names,
                        ReadingsBuilder& builder);
  rt::Status add_sparkplug(const rt::MqttMessage& message, ReadingsBuilder& builder);
  bool leave_out_retained(const rt::MqttMessage& message);
  void count_error(std::string what);

  Ports ports_;
  MqttTopicsConfig config_;
  TopicPattern pattern_;
  SourceHealth health_;
  Sparkplug sparkplug_;
  std::uint64_t retained_left_out_ = 0;
  std::uint64_t attempts_ = 0;  ///< to connect
  rt::Nanos pause_ = kReconnectFirst;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent

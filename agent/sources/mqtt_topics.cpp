#include "agent/sources/mqtt_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::agent {

std::string topics_name(const MqttTopicsConfig& config) {
  return "mqtt_topics:" + config.rules.topic;
}

MqttTopics::MqttTopics(Ports ports, MqttTopicsConfig config, mapping::Mapper mapper)
    : ports_(ports), config_(std::move(config)), mapper_(std::move(mapper)) {
  health_.name = topics_name(config_);
}

rt::Result<std::unique_ptr<MqttTopics>> MqttTopics::make(Ports ports, MqttTopicsConfig config) {
  const auto pattern = mapping::TopicPattern::parse(config.rules.topic);
  if (!pattern) return pattern.error();
  auto mapper = mapping::Mapper::make(config.rules);
  if (!mapper) return mapper.error();
  std::unique_ptr<MqttTopics> source(new MqttTopics(ports, std::move(config), *std::move(mapper)));
  source->filter_ = pattern->filter();
  if (source->config_.keep_raw) {
    auto keeper = mapping::RawKeeper::make(source->health_.name, source->mapper_.rules());
    if (!keeper) return keeper.error();
    source->keeper_ = *std::move(keeper);
    source->teller_.emplace(*source->keeper_);
  }
  source->connect();
  return source;
}

MqttTopics::~MqttTopics() {
  ports_.loop.cancel(timer_);
  ports_.mqtt.set_handlers({});
  ports_.mqtt.disconnect();
}

void MqttTopics::connect() {
  ports_.mqtt.set_handlers(
      {.on_connected = [this](std::uint16_t) { on_connected(); },
       .on_disconnected = [this](const std::string& why) { on_disconnected(why); },
       .on_message = [this](const rt::MqttMessage& m) { on_message(m); },
       .on_puback = [](std::uint64_t) {}});
  rt::MqttOptions broker = config_.broker;
  if (config_.certificate_time) broker.certificate_time = config_.certificate_time(attempts_++);
  ports_.mqtt.connect(broker);
}

void MqttTopics::on_connected() {
  pause_ = kReconnectFirst;
  const auto subscribed = ports_.mqtt.subscribe(filter_);
  if (!subscribed) count_error(subscribed.error().message);
}

void MqttTopics::on_disconnected(const std::string& why) {
  count_error("not connected: " + why);
  const auto half = static_cast<std::uint64_t>(pause_.count() / 2);
  const auto jitter = static_cast<std::int64_t>(ports_.random.next_id() % half);
  timer_ = ports_.loop.after(pause_ / 2 + rt::Nanos{jitter}, [this] { connect(); });
  pause_ = std::min(pause_ * 2, kReconnectMost);
}

void MqttTopics::on_message(const rt::MqttMessage& message) {
  if (message.payload.size() > kPayloadBytesMax) {
    count_error(fmt::format("a payload over {} bytes at {}", kPayloadBytesMax, message.topic));
    return;
  }
  rt::UnixTime arrived = ports_.clock.now();
  if (teller_) teller_->tell(ports_.intake, arrived);
  if (keeper_) arrived = keeper_->stamp(arrived);
  const mapping::Message raw{message.topic, message.payload, message.retain};
  auto mapped = mapper_.map(raw, arrived, ports_.loop.now());
  if (!mapped.status)
    count_error(fmt::format("{}: {}", message.topic, mapped.status.error().message));
  if (mapped.ask) ask_for_rebirth(*mapped.ask);
  health_.readings += mapped.lines.readings;
  if (keeper_) {
    const auto kept = keeper_->add(raw, arrived, mapped.lines);
    if (!kept) count_error(fmt::format("{}: {}", message.topic, kept.error().message));
  }
  if (mapped.lines.readings == 0) return;
  ports_.intake.accept_sampled(std::move(mapped.lines));
}

void MqttTopics::ask_for_rebirth(const std::string& topic) {
  if (!config_.request_rebirth) return;
  const auto sent =
      ports_.mqtt.publish({.topic = topic,
                           .payload = mapping::encode_rebirth_request(ports_.clock.now()),
                           .retain = false});
  if (!sent) count_error(fmt::format("{}: {}", topic, sent.error().message));
}

void MqttTopics::count_error(std::string what) {
  health_.errors += 1;
  health_.last_error = std::move(what);
}

}  // namespace fieldpost::agent

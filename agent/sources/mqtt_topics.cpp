#include "agent/sources/mqtt_topics.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace fieldpost::agent {
namespace {

rt::Error invalid(std::string what) {
  return {rt::Errc::kInvalid, std::move(what)};
}

// Some senders end their text with a line feed or a zero byte.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const std::size_t first = std::min(text.size(), text.find_first_not_of(kBlank));
  const std::size_t last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last + 1 - first);
}

std::optional<DeviceValue> parse_plain(std::string_view text) {
  if (text == "true" || text == "false") return DeviceValue::of(text == "true");
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, number);
  if (text.empty() || code != std::errc{} || at != end) return std::nullopt;
  return DeviceValue::of(number);
}

void name_key(const TopicPattern::Names& names, std::string& measurement, std::string* field,
              std::vector<std::pair<std::string, std::string>>& tags) {
  for (const auto& [name, level] : names) {
    if (name == "measurement") {
      measurement = level;
    } else if (name == "field" && field != nullptr) {
      *field = level;
    } else {
      tags.emplace_back(name, level);
    }
  }
}

}  // namespace

MqttTopics::MqttTopics(Ports ports, MqttTopicsConfig config, TopicPattern pattern)
    : ports_(ports),
      config_(std::move(config)),
      pattern_(std::move(pattern)),
      sparkplug_(config_.measurement) {
  health_.name = "mqtt_topics:" + config_.topic;
}

rt::Result<std::unique_ptr<MqttTopics>> MqttTopics::make(Ports ports, MqttTopicsConfig config) {
  auto pattern = TopicPattern::parse(config.topic);
  if (!pattern) return pattern.error();
  if (config.json.measurement.empty()) config.json.measurement = config.measurement;
  if (config.format == TopicFormat::kJson) {
    const auto checked = check_json_mapping(config.json);
    if (!checked) return checked.error();
  }
  std::unique_ptr<MqttTopics> source(new MqttTopics(ports, std::move(config), *std::move(pattern)));
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
  const auto subscribed = ports_.mqtt.subscribe(pattern_.filter());
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
  ReadingsBuilder builder;
  const auto added = add_message(message, builder);
  if (!added) count_error(fmt::format("{}: {}", message.topic, added.error().message));
  if (builder.readings() == 0) return;
  health_.readings += builder.readings();
  ports_.intake.accept_sampled(std::move(builder.lines()));
}

rt::Status MqttTopics::add_message(const rt::MqttMessage& message, ReadingsBuilder& builder) {
  const auto names = pattern_.match(message.topic);
  if (!names) return rt::ok();  // another source's, on the same connection
  switch (config_.format) {
    case TopicFormat::kNumber: return add_number(message, *names, builder);
    case TopicFormat::kJson: return add_object(message, *names, builder);
    case TopicFormat::kSparkplug: return add_sparkplug(message, builder);
  }
  return rt::ok();
}

bool MqttTopics::leave_out_retained(const rt::MqttMessage& message) {
  retained_left_out_ += message.retain ? 1 : 0;
  return message.retain;
}

rt::Status MqttTopics::add_number(const rt::MqttMessage& message, const TopicPattern::Names& names,
                                  ReadingsBuilder& builder) {
  if (leave_out_retained(message)) return rt::ok();
  auto value = parse_plain(trimmed(message.payload));
  if (!value) return invalid("the payload is not a number, true or false");
  wire::SeriesKey key{config_.measurement, {}, config_.field, value->type, config_.unit};
  name_key(names, key.measurement, &key.field, key.tags);
  if (!builder.add_stamped(std::move(key), ports_.clock.now(), *std::move(value))) {
    return invalid(
        "this cannot be stored: a name of the topic is empty or not UTF-8, or the "
        "number is not finite");
  }
  return rt::ok();
}

rt::Status MqttTopics::add_object(const rt::MqttMessage& message, const TopicPattern::Names& names,
                                  ReadingsBuilder& builder) {
  if (config_.json.time_pointer.empty() && leave_out_retained(message)) return rt::ok();
  JsonMapping mapping = config_.json;
  name_key(names, mapping.measurement, nullptr, mapping.tags);
  return add_json(mapping, trimmed(message.payload), ports_.clock.now(), builder);
}

rt::Status MqttTopics::add_sparkplug(const rt::MqttMessage& message, ReadingsBuilder& builder) {
  const auto ask = sparkplug_.take({.topic = message.topic,
                                    .payload = message.payload,
                                    .arrived = ports_.clock.now(),
                                    .now = ports_.loop.now(),
                                    .retained = message.retain},
                                   builder);
  if (!ask) return ask.error();
  if (!*ask || !config_.request_rebirth) return rt::ok();
  const auto sent = ports_.mqtt.publish(
      {.topic = **ask, .payload = encode_rebirth_request(ports_.clock.now()), .retain = false});
  if (!sent) return sent.error();
  return rt::ok();
}

void MqttTopics::count_error(std::string what) {
  health_.errors += 1;
  health_.last_error = std::move(what);
}

}  // namespace fieldpost::agent

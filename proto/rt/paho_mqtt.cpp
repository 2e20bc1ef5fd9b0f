#include "proto/rt/paho_mqtt.h"

#include <mqtt/async_client.h>

#include <optional>
#include <unordered_map>
#include <utility>

#include "proto/rt/certificate_time.h"
#include "proto/rt/mqtt_inbox.h"
#include "proto/rt/mqtt_window.h"
#include "proto/rt/paho_options.h"

namespace fieldpost::rt {

namespace {

using Kind = MqttEvent::Kind;

constexpr int kQos = 1;
constexpr std::size_t kEventsATurnMax = 256;
constexpr Seconds kAnswerGrace{5};
constexpr int kReceiveMaximumUnstated = 65'535;  // MQTT 5, 3.2.2.3.3
constexpr int kReasonFailed = 0x80;              // this code and above are failures

Error from_paho(const mqtt::exception& thrown, std::string_view doing) {
  const int code = thrown.get_return_code();
  const bool busy = code == MQTTASYNC_MAX_BUFFERED_MESSAGES || code == MQTTASYNC_NO_MORE_MSGIDS;
  return {busy ? Errc::kBusy : Errc::kUnavailable, std::string(doing) + ": " + thrown.what()};
}

/// The library tells no more than that it failed when nothing answered as a broker does.
std::string reason_of(const mqtt::token& token) {
  if (token.get_return_code() == MQTTASYNC_FAILURE && token.get_reason_code() < kReasonFailed) {
    return "no broker answered (nothing listens there, it cannot be reached, or it broke off)";
  }
  return mqtt::exception::printable_error(token.get_return_code(), token.get_reason_code());
}

std::uint16_t receive_maximum_of(const mqtt::token& token) {
  const mqtt::connect_response response = token.get_connect_response();
  const mqtt::properties& properties = response.get_properties();
  if (!properties.contains(mqtt::property::RECEIVE_MAXIMUM)) return kReceiveMaximumUnstated;
  return mqtt::get<std::uint16_t>(properties, mqtt::property::RECEIVE_MAXIMUM);
}

/// Called on Paho's threads: copies, offers, leaves.
class Listener final : public mqtt::iaction_listener {
 public:
  using Say = void (*)(MqttInbox&, const mqtt::token&);
  Listener(MqttInbox& inbox, Say success, Say failure)
      : inbox_(inbox), success_(success), failure_(failure) {}
  void on_success(const mqtt::token& token) noexcept override { success_(inbox_, token); }
  void on_failure(const mqtt::token& token) noexcept override { failure_(inbox_, token); }

 private:
  MqttInbox& inbox_;
  Say success_;
  Say failure_;
};

void offer(MqttInbox& inbox, Kind kind, std::uint64_t number = 0, std::string why = {}) {
  inbox.offer({.kind = kind, .number = number, .why = std::move(why), .message = {}});
}

void say_connected(MqttInbox& inbox, const mqtt::token& token) {
  offer(inbox, Kind::kConnected, receive_maximum_of(token));
}

void say_connect_failed(MqttInbox& inbox, const mqtt::token& token) {
  offer(inbox, Kind::kConnectFailed, 0, "connecting: " + reason_of(token));
}

void say_left(MqttInbox& inbox, const mqtt::token& /*token*/) {
  offer(inbox, Kind::kLeft);
}

void say_refused(MqttInbox& inbox, const mqtt::token& token) {
  offer(inbox, Kind::kRefused, 0, "refused by the broker: " + reason_of(token));
}

/// Without a reason of the broker's the connection has failed, which is told apart.
void say_publish_failed(MqttInbox& inbox, const mqtt::token& token) {
  if (token.get_reason_code() >= kReasonFailed) say_refused(inbox, token);
}

void say_taken(MqttInbox& inbox, const mqtt::token& token) {
  if (token.get_reason_code() >= kReasonFailed) return say_refused(inbox, token);
  offer(inbox, Kind::kTaken, reinterpret_cast<std::uintptr_t>(token.get_user_context()));
}

void say_subscribed(MqttInbox& inbox, const mqtt::token& token) {
  if (token.get_reason_code() >= kReasonFailed) say_refused(inbox, token);
}

}  // namespace

/// Loop thread only, but for what the listeners do with the inbox.
class PahoMqtt::Impl : public std::enable_shared_from_this<Impl> {
 public:
  explicit Impl(Loop& loop) : loop_(loop) {}
  /// Apart from the constructor, which has no weak pointer of itself yet.
  void begin();
  void end();

  void connect(const MqttOptions& options);
  void disconnect();
  Result<std::uint64_t> publish(MqttMessage message);
  Status subscribe(const std::string& filter);

  MqttHandlers handlers;
  [[nodiscard]] std::uint64_t dropped() const { return inbox_->dropped(); }

 private:
  enum class State : std::uint8_t {
    kIdle,
    kConnecting,
    kConnected,
    kAbandoning,  ///< left while connecting: Paho must finish that first
    kLeaving,     ///< goodbye is on its way
  };

  void start();
  void make_client(const MqttOptions& options);
  void say_goodbye();
  void become_idle();
  void expect_answer_within(Nanos span);
  void on_no_answer();
  void discard_client();
  void drain();
  void take(MqttEvent event);
  void on_connected(std::uint16_t receive_maximum);
  void on_connect_failed(const std::string& why);
  void on_refused(const std::string& why);
  void on_taken(std::uint64_t token);

  Loop& loop_;
  State state_ = State::kIdle;
  TimerId guard_ = TimerId::kNone;   ///< for Paho's answer to connect or disconnect
  std::optional<MqttOptions> next_;  ///< to connect with as soon as Paho is idle
  MqttWindow window_;
  std::uint64_t last_token_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> unacked_;  ///< bytes by token

  std::unique_ptr<MqttInbox> inbox_;
  std::optional<Listener> connecting_, leaving_, publishing_, subscribing_;
  std::string client_url_, client_id_;
  std::unique_ptr<mqtt::async_client> client_;  ///< last: it must end before what it calls
};

void PahoMqtt::Impl::begin() {
  inbox_ = std::make_unique<MqttInbox>([&loop = loop_, weak = weak_from_this()] {
    loop.post([weak] {
      if (const auto self = weak.lock()) self->drain();
    });
  });
  connecting_.emplace(*inbox_, say_connected, say_connect_failed);
  leaving_.emplace(*inbox_, say_left, say_left);
  publishing_.emplace(*inbox_, say_taken, say_publish_failed);
  subscribing_.emplace(*inbox_, say_subscribed, say_refused);
}

void PahoMqtt::Impl::end() {
  loop_.cancel(guard_);
  inbox_->close();
  if (!client_ || state_ == State::kIdle) return;
  try {
    client_->disconnect(static_cast<int>(kGoodbyeWait.count()))->wait_for(kGoodbyeWait);
  } catch (const mqtt::exception&) {
    // It is gone already, which is what we wanted.
  }
}

void PahoMqtt::Impl::make_client(const MqttOptions& options) {
  if (client_ && client_url_ == options.url && client_id_ == options.client_id) return;
  client_.reset();  // before its successor: Paho shares its threads among clients
  client_url_ = options.url;
  client_id_ = options.client_id;
  // A null pointer of this very type: an empty string would mean files in the current directory.
  mqtt::iclient_persistence* const no_persistence = nullptr;
  client_ =
      std::make_unique<mqtt::async_client>(paho_uri(options.url), options.client_id,
                                           mqtt::create_options(MQTTVERSION_5), no_persistence);
  client_->set_connection_lost_handler([&inbox = *inbox_](const std::string& why) noexcept {
    offer(inbox, Kind::kLost, 0, why.empty() ? "connection lost" : why);
  });
  client_->set_message_callback([&inbox = *inbox_](mqtt::const_message_ptr message) noexcept {
    inbox.offer(
        {.kind = Kind::kMessage,
         .number = 0,
         .why = {},
         .message = {message->get_topic(), message->get_payload_str(), message->is_retained()}});
  });
}

void PahoMqtt::Impl::connect(const MqttOptions& options) {
  FP_CHECK(!next_ && state_ != State::kConnecting && state_ != State::kConnected);
  next_ = options;
  if (state_ == State::kIdle) start();
}

void PahoMqtt::Impl::start() {
  const MqttOptions options = *std::exchange(next_, std::nullopt);
  state_ = State::kConnecting;
  expect_answer_within(options.connect_timeout + kAnswerGrace);
  try {
    make_client(options);
    // Paho has no way to say when. Another connection that is being made just now is checked at
    // this time, too, and tries again if that was wrong.
    set_certificate_time(options.certificate_time);
    client_->connect(paho_options(options), nullptr, *connecting_);
  } catch (const mqtt::exception& thrown) {
    offer(*inbox_, Kind::kConnectFailed, 0, from_paho(thrown, "connecting").message);
  }
}

void PahoMqtt::Impl::disconnect() {
  next_.reset();
  if (state_ == State::kConnecting) state_ = State::kAbandoning;
  if (state_ == State::kConnected) say_goodbye();
}

void PahoMqtt::Impl::say_goodbye() {
  state_ = State::kLeaving;
  expect_answer_within(kGoodbyeWait + kAnswerGrace);
  try {
    client_->disconnect(static_cast<int>(kGoodbyeWait.count()), nullptr, *leaving_);
  } catch (const mqtt::exception&) {
    offer(*inbox_, Kind::kLeft);  // gone already
  }
}

void PahoMqtt::Impl::expect_answer_within(Nanos span) {
  loop_.cancel(guard_);
  guard_ = loop_.after(span, [this] { on_no_answer(); });
}

/// Paho should have told by now and never will: a fresh client is the way out.
void PahoMqtt::Impl::on_no_answer() {
  discard_client();
  if (state_ != State::kConnecting) return become_idle();
  on_connect_failed("connecting: no answer from the MQTT library");
}

void PahoMqtt::Impl::discard_client() {
  client_.reset();
  bool more = true;
  while (more) inbox_->take(kEventsATurnMax, more);  // the last words of that client
}

void PahoMqtt::Impl::become_idle() {
  loop_.cancel(guard_);
  state_ = State::kIdle;
  if (next_) start();
}

Result<std::uint64_t> PahoMqtt::Impl::publish(MqttMessage message) {
  if (state_ != State::kConnected) {
    return Error{Errc::kUnavailable, "publishing: not connected"};
  }
  const std::size_t bytes = message.topic.size() + message.payload.size();
  if (!window_.try_take(bytes)) return Error{Errc::kBusy, "publishing: the window is full"};
  const std::uint64_t token = last_token_ + 1;
  try {
    client_->publish(mqtt::make_message(std::move(message.topic), std::move(message.payload), kQos,
                                        message.retain),
                     reinterpret_cast<void*>(token), *publishing_);
  } catch (const mqtt::exception& thrown) {
    window_.give_back(bytes);
    return from_paho(thrown, "publishing");
  }
  last_token_ = token;
  unacked_.emplace(token, bytes);
  return token;
}

Status PahoMqtt::Impl::subscribe(const std::string& filter) {
  if (state_ != State::kConnected) {
    return Error{Errc::kUnavailable, "subscribing: not connected"};
  }
  try {
    client_->subscribe(filter, kQos, nullptr, *subscribing_);
  } catch (const mqtt::exception& thrown) {
    return from_paho(thrown, "subscribing");
  }
  return ok();
}

void PahoMqtt::Impl::drain() {
  const auto self = shared_from_this();  // a handler may drop us
  bool more = false;
  for (MqttEvent& event : inbox_->take(kEventsATurnMax, more)) take(std::move(event));
  if (!more) return;
  loop_.post([weak = weak_from_this()] {
    if (const auto strong = weak.lock()) strong->drain();
  });
}

/// Paho tells in order, so an event that does not fit the state belongs to an earlier connection.
void PahoMqtt::Impl::take(MqttEvent event) {
  const bool connected = state_ == State::kConnected;
  switch (event.kind) {
    case Kind::kConnected: return on_connected(static_cast<std::uint16_t>(event.number));
    case Kind::kConnectFailed: return on_connect_failed(event.why);
    case Kind::kLost:
      if (state_ == State::kLeaving) return become_idle();
      if (!connected) return;
      state_ = State::kIdle;
      if (handlers.on_disconnected) handlers.on_disconnected(std::move(event.why));
      return;
    case Kind::kLeft:
      if (state_ == State::kLeaving) become_idle();
      return;
    case Kind::kMessage:
      if (connected && handlers.on_message) handlers.on_message(std::move(event.message));
      return;
    case Kind::kTaken:
      if (connected) on_taken(event.number);
      return;
    case Kind::kRefused:
      if (connected) on_refused(event.why);
      return;
  }
}

void PahoMqtt::Impl::on_connected(std::uint16_t receive_maximum) {
  if (state_ == State::kAbandoning) return say_goodbye();
  if (state_ != State::kConnecting) return;
  loop_.cancel(guard_);
  state_ = State::kConnected;
  unacked_.clear();
  window_.open(receive_maximum);
  if (handlers.on_connected) handlers.on_connected(receive_maximum);
}

void PahoMqtt::Impl::on_connect_failed(const std::string& why) {
  if (state_ == State::kAbandoning) return become_idle();
  if (state_ != State::kConnecting) return;
  become_idle();
  if (handlers.on_disconnected) handlers.on_disconnected(why);
}

/// After a refused publish Paho handles no more PUBACKs, nor a disconnect.
void PahoMqtt::Impl::on_refused(const std::string& why) {
  discard_client();
  become_idle();
  if (handlers.on_disconnected) handlers.on_disconnected(why);
}

void PahoMqtt::Impl::on_taken(std::uint64_t token) {
  const auto found = unacked_.find(token);
  if (found == unacked_.end()) return;
  window_.give_back(found->second);
  unacked_.erase(found);
  if (handlers.on_puback) handlers.on_puback(token);
}

PahoMqtt::PahoMqtt(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {
  impl_->begin();
}

PahoMqtt::~PahoMqtt() {
  impl_->handlers = {};
  impl_->end();
}

void PahoMqtt::set_handlers(MqttHandlers handlers) {
  impl_->handlers = std::move(handlers);
}

void PahoMqtt::connect(const MqttOptions& options) {
  impl_->connect(options);
}

void PahoMqtt::disconnect() {
  impl_->disconnect();
}

Result<std::uint64_t> PahoMqtt::publish(MqttMessage message) {
  return impl_->publish(std::move(message));
}

Status PahoMqtt::subscribe(const std::string& filter) {
  return impl_->subscribe(filter);
}

std::uint64_t PahoMqtt::messages_dropped() const {
  return impl_->dropped();
}

}  // namespace fieldpost::rt

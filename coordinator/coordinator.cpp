#include "coordinator/coordinator.h"

#include <algorithm>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr rt::Nanos kReconnectFirst = rt::Millis(500);
constexpr rt::Nanos kReconnectMost = rt::Seconds(30);
constexpr std::size_t kHelloBytesMax = 64 << 20;  ///< of all nodes' hellos, not complete yet

}  // namespace

Coordinator::Coordinator(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random,
                         rt::Mqtt& mqtt, rt::Worker& store_worker, rt::Worker& encoder,
                         rt::Log& log, wire::SigningKey key, CoordinatorOptions options,
                         std::unique_ptr<Store> store)
    : loop_(loop),
      clock_(clock),
      random_(random),
      mqtt_(mqtt),
      store_worker_(store_worker),
      encoder_worker_(encoder),
      log_(log),
      key_(key),
      options_(std::move(options)),
      store_(std::move(store)),
      store_id_(store_->ledger().store_id()),
      http_encoder_(std::make_shared<wire::BatchEncoder>(options_.http_encoder)),
      credit_(options_.credit),
      hellos_(kHelloBytesMax),
      downlink_(mqtt),
      reconnect_wait_(kReconnectFirst) {
  mqtt_.set_handlers({
      .on_connected = [this](std::uint16_t) { on_connected(); },
      .on_disconnected = [this](std::string why) { on_disconnected(why); },
      .on_message = [this](rt::MqttMessage message) { on_message(std::move(message)); },
      .on_puback = [this](std::uint64_t) { downlink_.pump(); },
  });
}

Coordinator::~Coordinator() {
  *alive_ = false;
  loop_.cancel(reconnect_timer_);
  loop_.cancel(tick_);
}

void Coordinator::start() {
  last_compaction_ = loop_.now();
  retry_quarantined();
  on_tick();
  connect();
}

void Coordinator::stop() {
  stopping_ = true;
  connection_ += 1;
  loop_.cancel(reconnect_timer_);
  downlink_.clear();  // nothing goes before the farewell
  if (generation_ != 0) publish_presence(false);
  mqtt_.disconnect();
  generation_ = 0;
}

void Coordinator::run_store(std::function<Status(Store&)> job, std::function<void(Status)> done) {
  auto status = std::make_shared<Status>(ok());
  store_worker_.run([store = store_, job = std::move(job), status] { *status = job(*store); },
                    [alive = alive_, done = std::move(done), status] {
                      if (*alive) done(*status);
                    });
}

void Coordinator::connect() {
  rt::MqttOptions options = options_.mqtt;
  options.client_id = "fp-" + options_.site + "-_coordinator";
  wire::Presence gone;
  gone.store_id = store_id_;
  gone.public_key = key_.public_key();
  gone.version = options_.version;
  options.will = presence_message(gone);
  mqtt_.connect(options);
}

rt::MqttMessage Coordinator::presence_message(const wire::Presence& presence) const {
  const std::string topic =
      wire::format_topic({options_.site, "_coordinator", TopicKind::kPresence, wire::Lane::kEvent});
  return {topic, key_.seal(topic, wire::encode(presence)), true};
}

void Coordinator::publish_presence(bool online) {
  presence_published_ = loop_.now();
  auto sent = downlink_.send(
      presence_message({online, store_id_, generation_, key_.public_key(), options_.version}));
  if (!sent) log_.warning("presence not published: {}", sent.error().message);
}

void Coordinator::on_connected() {
  reconnect_wait_ = kReconnectFirst;
  const std::uint64_t connection = ++connection_;
  const std::uint64_t generation = random_.next_id();
  // The generation is a row of the store before anybody hears of it [wel-5].
  run_store([generation,
             now = clock_.now()](Store& store) { return store.draw_generation(generation, now); },
            [this, connection, generation](Status status) {
              if (connection != connection_) return;  // it is gone, or we leave
              if (status) return open_generation(generation);
              log_.error("drawing a generation: {}; trying again", status.error().message);
              mqtt_.disconnect();
              on_disconnected("the store cannot be written");
            });
}

void Coordinator::open_generation(std::uint64_t generation) {
  generation_ = generation;
  const std::string root = "fieldpost/v1/" + options_.site + "/+/";
  for (const char* each : {"hello", "answer", "state", "up/+"}) {
    if (auto done = mqtt_.subscribe(root + each); !done) {
      log_.error("subscribing to {}{}: {}", root, each, done.error().message);
    }
  }
  publish_presence(true);
  log_.info("connected to the broker at {}", options_.mqtt.url);
}

void Coordinator::on_disconnected(const std::string& why) {
  if (stopping_) return;
  const auto wait_ms = std::chrono::duration_cast<rt::Millis>(reconnect_wait_).count();
  log_.warning("no connection to the broker at {}: {}; next try in {} ms", options_.mqtt.url, why,
               wait_ms);
  generation_ = 0;
  connection_ += 1;
  for (auto& [node, session] : sessions_) credit_.release(node);
  sessions_.clear();
  hellos_.clear();
  set_all_offline();
  downlink_.clear();
  reconnect_timer_ = loop_.after(reconnect_wait_, [this] { connect(); });
  reconnect_wait_ = std::min(reconnect_wait_ * 2, kReconnectMost);
}

void Coordinator::on_message(rt::MqttMessage message) {
  const auto topic = wire::parse_topic(message.topic);
  if (!topic || topic->site != options_.site || generation_ == 0) {
    counters_.undecodable += 1;
    return;
  }
  note_heard(topic->node);
  switch (topic->kind) {
    case TopicKind::kUp: on_envelope(topic->node, message); break;
    case TopicKind::kHello: on_hello(topic->node, message); break;
    case TopicKind::kAnswer: on_answer(topic->node, message); break;
    case TopicKind::kState: on_state(topic->node, message); break;
    case TopicKind::kChallenge:
    case TopicKind::kWelcome:
    case TopicKind::kReceipt:
    case TopicKind::kCommand:
    case TopicKind::kPresence: break;
  }
}

void Coordinator::send_signed(const std::string& node, TopicKind kind, const std::string& body) {
  const std::string topic = wire::format_topic({options_.site, node, kind, wire::Lane::kEvent});
  auto sent = downlink_.send({topic, key_.seal(topic, body), false});
  // What is not sent now is asked for again by the node.
  if (!sent) log_.debug("{} not sent: {}", topic, sent.error().message);
}

}  // namespace fieldpost::coordinator

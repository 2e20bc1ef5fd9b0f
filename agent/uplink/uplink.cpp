#include "agent/uplink/uplink.h"

#include <algorithm>
#include <utility>

#include "agent/uplink/hello_pages.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using wire::Lane;
using wire::TopicKind;

namespace {

constexpr rt::Nanos kReconnectFirst = rt::Millis(500);
constexpr rt::Nanos kReconnectMost = rt::Seconds(60);
constexpr rt::Nanos kHelloRetryFirst = rt::Seconds(8);
constexpr rt::Nanos kHelloRetryMost = rt::Seconds(60);
constexpr rt::Nanos kHungerFirst = rt::Seconds(4);
constexpr rt::Nanos kHungerMost = rt::Seconds(60);
constexpr rt::Nanos kPatienceFirst = rt::Seconds(30);

}  // namespace

Uplink::Uplink(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random, rt::Mqtt& mqtt,
               rt::Log& log, SpoolFront& front, UplinkOptions options)
    : loop_(loop),
      clock_(clock),
      random_(random),
      mqtt_(mqtt),
      log_(log),
      front_(front),
      options_(std::move(options)),
      outbox_(options_.shares),
      backlogs_{
          {RecordClass::kGap, RecordClass::kEvent, Lane::kEvent},
          {RecordClass::kLog, RecordClass::kLog, Lane::kLog},
          {RecordClass::kBody, RecordClass::kBody, Lane::kBulk},
          {RecordClass::kReadings, readings_class(wire::kReadingClassesMax - 1), Lane::kBackfill}},
      patience_(kPatienceFirst),
      hello_retry_(kHelloRetryFirst, kHelloRetryMost, random),
      hunger_(kHungerFirst, kHungerMost, random),
      reconnect_(kReconnectFirst, kReconnectMost, random),
      budget_(options_.bytes_per_second, options_.bytes_per_day) {
  mqtt_.set_handlers({
      .on_connected = [this](std::uint16_t) { on_connected(); },
      .on_disconnected = [this](std::string why) { on_disconnected(why); },
      .on_message = [this](rt::MqttMessage message) { on_message(std::move(message)); },
      .on_puback = [this](std::uint64_t token) { on_puback(token); },
  });
}

Uplink::~Uplink() {
  for (const rt::TimerId timer :
       {reconnect_timer_, hello_timer_, tick_, pump_timer_, link_timer_}) {
    loop_.cancel(timer);
  }
}

void Uplink::start() {
  front_.set_sink(this);
  resume_budget();
  arm_tick();
  connect();
}

void Uplink::stop() {
  stopping_ = true;
  leave_session("stopping");
  if (state_ != State::kOffline && state_ != State::kConnecting) {
    // A broker publishes no will for a client that says goodbye.
    if (auto sent = mqtt_.publish(gone_state()); !sent) {
      log_.debug("last state not published: {}", sent.error().message);
    }
    mqtt_.disconnect();
  }
  state_ = State::kOffline;
  front_.set_sink(nullptr);
}

rt::MqttMessage Uplink::gone_state() const {
  wire::NodeState gone;
  gone.version = options_.version;
  gone.clock = now();
  return {topic(TopicKind::kState), wire::encode(gone), true};
}

std::string Uplink::topic(TopicKind kind, Lane lane) const {
  return wire::format_topic({options_.site, options_.node, kind, lane});
}

// ---- connection ----

void Uplink::connect() {
  rt::MqttOptions options = options_.mqtt;
  options.client_id = "fp-" + options_.site + "-" + options_.node;
  options.will = gone_state();
  options.certificate_time = certificate_time(attempts_++);
  state_ = State::kConnecting;
  mqtt_.connect(options);
}

/// [topic-6]. A clock that nothing vouches for may be right all the same: both are tried in turns.
std::optional<rt::UnixTime> Uplink::certificate_time(std::uint64_t attempt) const {
  const rt::UnixTime least = std::max(options_.built, front_.pin().last_time);
  if (clock_.now() < least) return least;
  if (clock_.synchronised()) return std::nullopt;
  return attempt % 2 == 0 ? std::nullopt : std::optional(least);
}

void Uplink::on_connected() {
  state_ = State::kAlone;
  link_.reset();
  hello_retry_.reset();
  const std::string presence =
      wire::format_topic({options_.site, "_coordinator", TopicKind::kPresence, Lane::kEvent});
  for (const std::string& filter :
       {topic(TopicKind::kChallenge), topic(TopicKind::kWelcome), topic(TopicKind::kReceipt),
        topic(TopicKind::kCommand), presence}) {
    if (auto done = mqtt_.subscribe(filter); !done) {
      log_.warning("subscribing to {}: {}", filter, done.error().message);
    }
  }
  log_.info("connected to the broker at {}", options_.mqtt.url);
  publish_state();
}

void Uplink::on_disconnected(const std::string& why) {
  if (stopping_) return;
  const bool was_connected = state_ != State::kConnecting;
  leave_session("the broker is gone");
  state_ = State::kOffline;
  presence_generation_ = 0;
  const rt::Nanos wait = reconnect_.take();
  const auto wait_ms = std::chrono::duration_cast<rt::Millis>(wait).count();
  if (was_connected) {
    log_.warning("connection to the broker lost: {}; readings stay in the spool, next try in {} ms",
                 why, wait_ms);
  } else {
    log_.warning("no connection to the broker at {}: {}; next try in {} ms", options_.mqtt.url, why,
                 wait_ms);
  }
  reconnect_timer_ = loop_.after(wait, [this] { connect(); });
}

template <typename Message, typename Decode>
std::optional<Message> Uplink::open(const rt::MqttMessage& message, Decode decode) {
  auto body = wire::open_signed(message.topic, message.payload, front_.pin().public_key);
  if (body) {
    auto decoded = decode(*body);
    if (decoded && decoded->store_id == front_.pin().store_id) return std::move(*decoded);
  }
  ignore_foreign(message.topic);
  return std::nullopt;
}

void Uplink::ignore_foreign(const std::string& topic) {
  counters_.ignored += 1;
  if (std::exchange(foreign_logged_, true)) return;
  log_.warning("ignored a message on {} that the pinned coordinator did not sign; counted from now",
               topic);
}

void Uplink::on_message(rt::MqttMessage message) {
  const auto parsed = wire::parse_topic(message.topic);
  if (!parsed) {
    counters_.ignored += 1;
    return;
  }
  switch (parsed->kind) {
    case TopicKind::kPresence: {
      const auto presence = wire::open_presence(message.topic, message.payload);
      if (presence) {
        on_presence(message.topic, *presence);
      } else {
        ignore_foreign(message.topic);
      }
      break;
    }
    case TopicKind::kChallenge:
      if (auto m = open<wire::Challenge>(message, wire::decode_challenge)) on_challenge(*m);
      break;
    case TopicKind::kWelcome:
      if (auto m = open<wire::Welcome>(message, wire::decode_welcome)) on_welcome(*m);
      break;
    case TopicKind::kReceipt:
      if (auto m = open<wire::Receipt>(message, wire::decode_receipt)) on_receipt(*m);
      break;
    case TopicKind::kCommand:
      if (auto m = open<wire::Command>(message, wire::decode_command)) on_command(*m);
      break;
    case TopicKind::kHello:
    case TopicKind::kAnswer:
    case TopicKind::kUp:
    case TopicKind::kState: counters_.ignored += 1; break;
  }
}

void Uplink::on_presence(const std::string& topic, const wire::Presence& presence) {
  if (front_.pin().store_id.is_zero()) {
    if (!options_.pin_at_first_sight || !presence.online) {
      if (!options_.pin_at_first_sight)
        log_.error("this node is not enrolled: it knows no coordinator's key");
      return;
    }
    front_.set_pin({presence.store_id, presence.public_key, 0, {}});
    log_.info("pinned coordinator store {} at first sight", presence.store_id.hex());
  }
  if (presence.store_id == front_.pin().store_id &&
      presence.public_key != front_.pin().public_key) {
    return ignore_foreign(topic);
  }
  if (presence.store_id != front_.pin().store_id) {
    counters_.ignored += 1;
    log_.error(
        "another coordinator (store {}) is at this site; this node belongs to {} and waits for it",
        presence.store_id.hex(), front_.pin().store_id.hex());
    return;
  }
  if (!presence.online) {
    presence_generation_ = 0;
    if (state_ > State::kAlone) {
      leave_session("the coordinator is gone");
      state_ = State::kAlone;
    }
    return;
  }
  if (presence.generation == presence_generation_ && state_ > State::kAlone) return;
  presence_generation_ = presence.generation;
  if (state_ < State::kAlone) return;
  hello_again("the coordinator is there");
}

// ---- handshake ----

void Uplink::hello_again(const std::string& why) {
  leave_session(why);
  if (presence_generation_ == 0) {
    state_ = State::kAlone;
    return;
  }
  say_hello(false);
}

void Uplink::say_hello(bool list_all) {
  state_ = State::kStating;
  nonce_ = random_.next_id();
  answered_ = false;
  pages_.clear();
  last_page_token_ = 0;
  front_.take_statement(
      [this, nonce = nonce_, list_all](rt::Result<SpoolFront::Statement> statement) {
        if (state_ != State::kStating || nonce_ != nonce) return;
        if (!statement) {
          log_.error("taking stock of the spool for the hello: {}", statement.error().message);
          hello_patience_ = hello_retry_.take();
          arm_hello_timer();
          return;
        }
        send_hello(std::move(*statement), list_all);
      });
}

void Uplink::send_hello(std::vector<wire::IncarnationStatement> statement, bool list_all) {
  wire::Hello hello;
  hello.nonce = nonce_;
  hello.spool = front_.spool_id();
  hello.clock = now();
  hello.version = options_.version;
  hello.labels = options_.labels;
  hello.store_id = front_.pin().store_id;
  hello.generation = front_.pin().generation;
  hello.command_mark = command_mark_;
  std::vector<wire::Hello> pages = hello_pages(hello, std::move(statement), list_all);
  if (pages.size() > static_cast<std::size_t>(wire::kHelloPagesMax)) {
    log_.error("the hello has {} pages and the coordinator takes {}: nothing can be delivered",
               pages.size(), wire::kHelloPagesMax);
  }
  std::vector<wire::Hash128> hashes;
  for (const wire::Hello& page : pages) {
    pages_.push_back(wire::encode(page));
    hashes.push_back(wire::hash128(pages_.back()));
  }
  statement_hash_ = wire::statement_hash(hashes);
  state_ = State::kHelloSent;
  hello_patience_ = hello_retry_.take();
  hand_over_pages();
  arm_hello_timer();
}

void Uplink::hand_over_pages() {
  while (!pages_.empty()) {
    auto sent = hand_over({topic(TopicKind::kHello), pages_.front(), false}, pages_.size() > 1);
    if (!sent) return;  // the window is full: on_puback comes back to it
    last_page_token_ = *sent;
    pages_.pop_front();
  }
}

void Uplink::on_puback(std::uint64_t token) {
  link_.on_puback(token, loop_.now());
  if (outbox_.on_puback(token, loop_.now())) last_progress_ = loop_.now();
  if (state_ == State::kHelloSent && (token <= last_page_token_ || !pages_.empty())) {
    hand_over_pages();
    arm_hello_timer();
  }
  request_pump();
}

void Uplink::arm_hello_timer() {
  loop_.cancel(hello_timer_);
  const rt::Nanos wait = hello_patience_ + time_on_the_link();
  hello_timer_ = loop_.after(wait, [this, wait] {
    hello_timer_ = rt::TimerId::kNone;
    if (state_ <= State::kAlone || state_ == State::kUp) return;
    const auto seconds = std::chrono::duration_cast<rt::Seconds>(wait).count();
    hello_again(fmt::format("no welcome within {} s", seconds));
  });
}

void Uplink::on_challenge(const wire::Challenge& challenge) {
  if (state_ != State::kHelloSent || challenge.nonce != nonce_ || answered_) {
    counters_.ignored += 1;
    return;
  }
  if (challenge.list_all) {
    say_hello(true);
    return;
  }
  answered_ = true;  // one answer a nonce [chal-1]
  generation_ = challenge.generation;
  const wire::Answer answer{nonce_, challenge.number, statement_hash_};
  auto sent = hand_over({topic(TopicKind::kAnswer), wire::encode(answer), false}, false);
  if (!sent) log_.debug("answer not sent: {}", sent.error().message);
  state_ = State::kAnswered;
}

void Uplink::on_welcome(const wire::Welcome& welcome) {
  if (state_ != State::kAnswered || welcome.nonce != nonce_ || welcome.generation != generation_) {
    counters_.ignored += 1;
    return;
  }
  state_ = State::kWelcoming;
  coordinator_time_ = welcome.time;
  coordinator_time_at_ = loop_.now();
  command_mark_ = std::max(command_mark_, welcome.command_mark);
  Pin pin = front_.pin();
  pin.generation = welcome.generation;
  pin.last_time = welcome.time;
  front_.apply_welcome(welcome, pin, [this, welcome](rt::Result<WelcomeOutcome> outcome) {
    if (state_ != State::kWelcoming || welcome.nonce != nonce_) return;
    on_welcomed(welcome, std::move(outcome));
  });
}

void Uplink::on_welcomed(const wire::Welcome& welcome, rt::Result<WelcomeOutcome> outcome) {
  if (!outcome) {
    log_.error("putting the welcome on disk: {}", outcome.error().message);
    return;  // the hello timer tries again
  }
  if (outcome->renew || !outcome->conflicts.empty()) {
    counters_.conflicts += outcome->conflicts.size();
    log_.warning("{} records meet others of their name at the coordinator: renaming them",
                 outcome->conflicts.size());
    front_.rename(std::move(outcome->conflicts));
    return;  // on_statement_outdated says hello again
  }
  if (outcome->gone > 0) {
    hello_again("records that the store lacks are gone here, too");
    return;
  }
  if (front_.live().ordinal == 0) {
    hello_again("the live incarnation has no ordinal yet");
    return;
  }
  loop_.cancel(std::exchange(hello_timer_, rt::TimerId::kNone));
  hello_retry_.reset();
  state_ = State::kUp;
  reconnect_.reset();  // not before: a broker that throws us out at once is not to be hurried
  counters_.sessions += 1;
  outbox_.clear();
  ask_at_.reset();
  outbox_.set_credit(welcome.credit_bytes, welcome.event_credit_bytes);
  known_sets_.clear();
  for (Backlog& backlog : backlogs_) backlog = {backlog.from, backlog.to, backlog.lane};
  last_progress_ = loop_.now();
  front_.set_linked(true);
  log_.info("welcomed: {} records ({} readings) to deliver", front_.totals().records_held,
            front_.totals().readings_held);
  front_.for_each_in_memory([this](const SpoolRecord& record) { on_record(record, false); });
  load_backlog();
  request_pump();
}

void Uplink::leave_session(const std::string& why) {
  if (state_ == State::kUp) log_.info("session ended: {}", why);
  loop_.cancel(std::exchange(hello_timer_, rt::TimerId::kNone));
  nonce_ = 0;
  answered_ = false;
  pages_.clear();
  last_page_token_ = 0;
  outbox_.clear();
  marks_.clear();
  front_.set_linked(false);
  if (state_ > State::kAlone) state_ = State::kAlone;
}

void Uplink::on_statement_outdated(const std::string& why) {
  if (state_ > State::kAlone) hello_again(why);
}

std::optional<rt::UnixTime> Uplink::coordinator_time() const {
  if (!coordinator_time_) return std::nullopt;
  return *coordinator_time_ + (loop_.now() - coordinator_time_at_);
}

}  // namespace fieldpost::agent

#include "coordinator/coordinator.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr std::size_t kArrivalsPerTurn = 2048;
constexpr rt::Nanos kReconnectFirst = rt::Millis(500);
constexpr rt::Nanos kReconnectMost = rt::Seconds(30);
constexpr std::size_t kHelloPagesWaitingMax = 64;
constexpr std::size_t kPageBytesMax = 64 << 20;  ///< of the hellos of all nodes, not complete yet
/// Names with a state or a hello, of which anybody may make up more. A site has fewer nodes.
constexpr std::size_t kNodesMax = 10'000;

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

// ---- connection and presence ----

void Coordinator::connect() {
  rt::MqttOptions options = options_.mqtt;
  options.client_id = "fp-" + options_.site + "-_coordinator";
  wire::Presence gone;
  gone.store_id = store_id_;
  gone.public_key = key_.public_key();
  gone.version = options_.version;
  options.will = rt::MqttMessage{
      wire::format_topic({options_.site, "_coordinator", TopicKind::kPresence, wire::Lane::kEvent}),
      wire::encode(gone), true};
  mqtt_.connect(options);
}

void Coordinator::publish_presence(bool online) {
  presence_published_ = loop_.now();
  wire::Presence presence{online, store_id_, generation_, key_.public_key(), options_.version};
  auto sent = downlink_.send({wire::format_topic({options_.site, "_coordinator",
                                                  TopicKind::kPresence, wire::Lane::kEvent}),
                              wire::encode(presence), true});
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
  page_bytes_ = 0;
  set_all_offline();
  downlink_.clear();
  reconnect_timer_ = loop_.after(reconnect_wait_, [this] { connect(); });
  reconnect_wait_ = std::min(reconnect_wait_ * 2, kReconnectMost);
}

// ---- the door ----

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

void Coordinator::on_envelope(const std::string& node, const rt::MqttMessage& message) {
  counters_.envelopes += 1;
  counters_.envelope_bytes += message.payload.size();
  auto envelope = wire::decode_envelope(message.payload);
  if (!envelope) {
    const bool crc = envelope.error().message.find("CRC") != std::string::npos;
    (crc ? counters_.bad_crc : counters_.undecodable) += 1;
    if (const auto live = nodes_.find(node); !crc && live != nodes_.end()) {
      live->second.undecodable += 1;  // [env-4]
    }
    log_.warning("dropped an envelope of {}: {}", node, envelope.error().message);
    return;
  }
  if (arrival_bytes_ + message.payload.size() > arrival_bytes_max()) {
    counters_.overflow += 1;  // published again, since nothing acknowledged it
    return;
  }
  const auto session = sessions_.find(node);
  const bool in_session = session != sessions_.end() && session->second.nonce != 0 &&
                          session->second.nonce == envelope->nonce;
  arrival_bytes_ += message.payload.size();
  uncommitted_[node] += 1;
  arrivals_.push_back({node, std::move(*envelope), message.payload.size(), in_session});
  take_turn();
}

void Coordinator::take_turn() {
  // One commit for everything that arrives while the one before is under way, or in this burst.
  if (std::exchange(turn_requested_, true)) return;
  loop_.after(rt::Nanos(0), [this] {
    turn_requested_ = false;
    commit_arrivals();
    commit_http();
  });
}

void Coordinator::commit_arrivals() {
  if (commits_under_way_ == 0 && !arrivals_.empty()) submit_arrivals();
}

void Coordinator::submit_arrivals() {
  commits_under_way_ += 1;
  auto arrivals = std::make_shared<std::vector<Arrival>>();
  if (arrivals_.size() <= kArrivalsPerTurn) {
    *arrivals = std::exchange(arrivals_, {});
  } else {
    const auto cut = arrivals_.begin() + static_cast<std::ptrdiff_t>(kArrivalsPerTurn);
    arrivals->assign(std::make_move_iterator(arrivals_.begin()), std::make_move_iterator(cut));
    arrivals_.erase(arrivals_.begin(), cut);
  }
  auto settled = std::make_shared<rt::Result<std::vector<Settled>>>(std::vector<Settled>{});
  run_store(
      [arrivals, settled, now = clock_.now()](Store& store) -> Status {
        *settled = store.ingest().commit(*arrivals, now);
        return ok();
      },
      [this, settled, arrivals](Status) { on_committed(std::move(*settled), *arrivals); });
}

void Coordinator::forget(const std::vector<Arrival>& committed) {
  for (const Arrival& each : committed) {
    arrival_bytes_ -= each.bytes;
    const auto of_node = uncommitted_.find(each.node);
    if (--of_node->second == 0) uncommitted_.erase(of_node);
  }
}

void Coordinator::on_committed(rt::Result<std::vector<Settled>> settled,
                               const std::vector<Arrival>& arrivals) {
  commits_under_way_ -= 1;
  forget(arrivals);
  counters_.commits += 1;
  if (!settled) {
    counters_.commit_failures += 1;
    log_.error("nothing stored, nothing receipted: {}; nodes keep their readings and send again",
               settled.error().message);
  } else {
    end_to_ask_on(*settled);
    send_receipts(*settled);
    for (const Settled& each : *settled) note(each);
  }
  take_turn();
}

void Coordinator::note(const Settled& settled) {
  if (settled.stranger) counters_.strangers += 1;
  if (!settled.dropped.empty()) {
    counters_.undecodable += 1;
    log_.error("dropped a record of {}: {}", settled.node, settled.dropped);
  }
  if (settled.fresh) {
    counters_.stored += 1;
  } else if (settled.verdict == wire::Verdict::kConflict) {
    counters_.conflicts += 1;
  } else if (settled.verdict != wire::Verdict::kNone && settled.note.empty()) {
    counters_.again += 1;
  }
  if (!settled.note.empty()) {
    counters_.quarantined += 1;
    log_.warning("quarantined a record of {}: {}", settled.node, settled.note);
  }
  if (settled.no_room) {
    counters_.quarantine_full += 1;
    nodes_[settled.node].no_room += 1;
  }
  if (!settled.replay_note.empty()) {
    counters_.replays_refused += 1;
    log_.warning("a replay of {} changed nothing: {}", settled.node, settled.replay_note);
  }
  if (settled.stored && settled.fresh) {
    counters_.readings += settled.stored->columns->readings();
    live_.publish(*settled.stored);
  }
  if (!settled.gaps.empty() && on_changed_) on_changed_(settled.node, settled.gaps);
}

/// A welcome that could not tell all missing names has told those that came first. When they have
/// come the session ends in silence: with no receipt the node says hello again, and the next
/// welcome goes on [wel-4].
void Coordinator::end_to_ask_on(const std::vector<Settled>& settled) {
  for (const Settled& each : settled) {
    const auto session = sessions_.find(each.node);
    if (session == sessions_.end() || !session->second.last_missing) continue;
    const wire::NameRange& last = *session->second.last_missing;
    if (last.incarnation != each.name.incarnation || each.name.seq != last.seqs.last) continue;
    log_.info("node {} has sent what was asked for, and more is missing: it says hello again",
              each.node);
    end_session(each.node);
  }
}

void Coordinator::send_receipts(const std::vector<Settled>& settled) {
  std::map<std::string, wire::Receipt> receipts;
  for (const Settled& each : settled) {
    // A receipt belongs to the session in which the envelope was sent [rcpt-1].
    const auto session = sessions_.find(each.node);
    if (session == sessions_.end() || session->second.nonce == 0 ||
        session->second.nonce != each.nonce) {
      continue;
    }
    wire::Receipt& receipt = receipts[each.node];
    if (each.need) {
      if (std::find(receipt.needs.begin(), receipt.needs.end(), *each.need) ==
          receipt.needs.end()) {
        receipt.needs.push_back(*each.need);
      }
      continue;
    }
    if (each.verdict == wire::Verdict::kNone) continue;
    auto& verdicts = receipt.verdicts;
    if (!verdicts.empty() && verdicts.back().verdict == each.verdict &&
        verdicts.back().names.incarnation == each.name.incarnation &&
        verdicts.back().names.seqs.last + 1 == each.name.seq) {
      verdicts.back().names.seqs.last = each.name.seq;
    } else {
      verdicts.push_back({{each.name.incarnation, {each.name.seq, each.name.seq}}, each.verdict});
    }
  }
  for (auto& [node, receipt] : receipts) {
    send_receipt(node, std::move(receipt), credit_.renew(node, loop_.now()));
  }
  balance_credit();
}

void Coordinator::send_receipt(const std::string& node, wire::Receipt receipt,
                               const Credit& credit) {
  receipt.store_id = store_id_;
  receipt.generation = generation_;
  receipt.nonce = sessions_.at(node).nonce;
  receipt.time = clock_.now();
  receipt.credit_bytes = credit.bytes;
  receipt.event_credit_bytes = credit.event_bytes;
  send_signed(node, TopicKind::kReceipt, wire::encode(receipt));
}

/// Leases go from those who do not use them to those who wait [credit-3]. Only welcomed nodes have
/// one. What arrived and is not committed still takes its part of a lease: a slow store must not
/// make a busy node look idle.
void Coordinator::balance_credit() {
  for (const auto& [node, count] : uncommitted_) credit_.touch(node, loop_.now());
  for (const auto& [node, credit] : credit_.balance(loop_.now())) send_receipt(node, {}, credit);
}

void Coordinator::send_signed(const std::string& node, TopicKind kind, const std::string& body) {
  const std::string topic = wire::format_topic({options_.site, node, kind, wire::Lane::kEvent});
  auto sent = downlink_.send({topic, key_.seal(topic, body), false});
  // What is not sent now is asked for again by the node.
  if (!sent) log_.debug("{} not sent: {}", topic, sent.error().message);
}

void Coordinator::on_state(const std::string& node, const rt::MqttMessage& message) {
  auto state = wire::decode_node_state(message.payload);
  if (!state) {
    counters_.undecodable += 1;
    return;
  }
  const rt::UnixTime now = clock_.now();
  if (!has_place(node)) return;
  if (!state->online) {  // the will knows nothing but that
    end_session(node);
    return set_online(node, false);
  }
  NodeLive& live = nodes_[node];
  set_online(node, true);
  if (!message.retain)
    live.clock_offset_s = std::chrono::duration<double>(state->clock.wall - now).count();
  const std::uint64_t ignored = live.state ? live.state->messages_ignored : 0;
  live.ignored_lately = state->messages_ignored - std::min(ignored, state->messages_ignored);
  live.state = std::move(*state);
  live.state_at = now;
  if (!message.retain) keep_state(node);
}

void Coordinator::note_heard(const std::string& node) {
  const rt::Instant now = loop_.now();
  if (const auto live = nodes_.find(node); live != nodes_.end()) live->second.last_heard = now;
  const auto session = sessions_.find(node);
  if (session != sessions_.end()) session->second.last_heard = now;
}

void Coordinator::set_online(const std::string& node, bool online) {
  NodeLive& live = nodes_[node];
  live.last_heard = loop_.now();
  if (std::exchange(live.online, online) == online) return;
  log_.info("node {} is {}", node, online ? "online" : "offline");
  if (on_changed_) on_changed_(node, {});
}

/// Without the broker nobody can say who is there: their retained states will, when it is back.
void Coordinator::set_all_offline() {
  for (auto& [node, live] : nodes_) {
    if (std::exchange(live.online, false) && on_changed_) on_changed_(node, {});
  }
}

void Coordinator::keep_state(const std::string& node) {
  const NodeLive& live = nodes_[node];
  if (!live.state) return;
  run_store([node, state = *live.state,
             now = clock_.now()](Store& store) { return store.note_state(node, state, now); },
            [this, node](Status status) {
              if (!status) log_.warning("noting the state of {}: {}", node, status.error().message);
              if (on_changed_) on_changed_(node, {});
            });
}

void Coordinator::end_session(const std::string& node) {
  credit_.release(node);
  const auto session = sessions_.find(node);
  if (session == sessions_.end()) return;
  forget_pages(session->second);
  sessions_.erase(session);
}

/// Whatever has credit finds room: it was acknowledged to the node, which would wait for nothing.
std::size_t Coordinator::arrival_bytes_max() const {
  return options_.credit.pool_bytes + options_.credit.event_pool_bytes;
}

bool Coordinator::has_place(const std::string& node) {
  const bool is_there = nodes_.contains(node) || sessions_.contains(node);
  if (is_there || std::max(nodes_.size(), sessions_.size()) < kNodesMax) return true;
  counters_.turned_away += 1;
  return false;
}

bool Coordinator::keep_page(Session& session, wire::Hello page, std::size_t bytes) {
  if (page_bytes_ + bytes > kPageBytesMax) {
    counters_.turned_away += 1;
    forget_pages(session);
    return false;
  }
  page_bytes_ += bytes;
  session.page_bytes += bytes;
  session.pages.push_back(std::move(page));
  return true;
}

void Coordinator::forget_pages(Session& session) {
  page_bytes_ -= std::exchange(session.page_bytes, 0);
  session.pages.clear();
}

// ---- handshake ----

void Coordinator::on_hello(const std::string& node, const rt::MqttMessage& message) {
  auto hello = wire::decode_hello(message.payload);
  if (!hello || hello->pages > kHelloPagesWaitingMax) {
    counters_.undecodable += 1;
    return;
  }
  if (!has_place(node)) return;
  Session& session = sessions_[node];
  session.last_heard = loop_.now();
  if (session.pages_nonce != hello->nonce) {
    session.pages_nonce = hello->nonce;
    forget_pages(session);
  }
  const bool again = std::any_of(session.pages.begin(), session.pages.end(),
                                 [&](const wire::Hello& page) { return page.page == hello->page; });
  if (again || (!session.pages.empty() && session.pages.front().pages != hello->pages)) return;
  const std::uint32_t pages = hello->pages;
  if (!keep_page(session, std::move(*hello), message.payload.size())) return;
  if (session.pages.size() < pages) return;
  std::sort(session.pages.begin(), session.pages.end(),
            [](const wire::Hello& a, const wire::Hello& b) { return a.page < b.page; });
  auto statement = join_pages(node, std::exchange(session.pages, {}));
  forget_pages(session);
  if (!statement) {
    counters_.undecodable += 1;
    log_.warning("ignored a hello of {}: {}", node, statement.error().message);
    return;
  }
  // A new hello withdraws the challenge before it [chal-2]; the session goes on until it is
  // confirmed.
  session.hello_nonce = statement->head.nonce;
  session.challenge = 0;
  challenge(node, std::make_shared<const Statement>(std::move(*statement)));
}

void Coordinator::challenge(const std::string& node, std::shared_ptr<const Statement> statement) {
  auto agrees = std::make_shared<bool>(false);
  run_store(
      [statement, agrees, now = clock_.now()](Store& store) -> Status {
        auto same = store.concluder().digest_agrees(*statement, now);
        if (!same) return same.error();
        *agrees = *same;
        return ok();
      },
      [this, node, statement, agrees](Status status) {
        const auto found = sessions_.find(node);
        if (found == sessions_.end() || found->second.hello_nonce != statement->head.nonce) return;
        if (!status) {
          log_.error("checking the hello of {}: {}", node, status.error().message);
          return;
        }
        Session& session = found->second;
        session.challenge = random_.next_id();
        session.statement = statement;
        wire::Challenge challenge{store_id_, generation_, statement->head.nonce, session.challenge,
                                  !*agrees};
        if (challenge.list_all) session.challenge = 0;
        send_signed(node, TopicKind::kChallenge, wire::encode(challenge));
      });
}

void Coordinator::on_answer(const std::string& node, const rt::MqttMessage& message) {
  const auto answer = wire::decode_answer(message.payload);
  const auto found = sessions_.find(node);
  if (!answer || found == sessions_.end()) {
    if (!answer) counters_.undecodable += 1;
    return;
  }
  Session& session = found->second;
  if (session.challenge == 0 || answer->number != session.challenge ||
      answer->nonce != session.hello_nonce) {
    return;  // late, or of another hello: nothing is concluded
  }
  session.challenge = 0;
  conclude(node, std::exchange(session.statement, nullptr));
}

void Coordinator::conclude(const std::string& node, std::shared_ptr<const Statement> statement) {
  // Everything that arrived before the answer is committed before the hello is concluded [wel-3]:
  // the store thread takes its jobs in order.
  while (!arrivals_.empty()) submit_arrivals();
  struct Outcome {
    Conclusion conclusion;
    std::uint64_t mark = 0;
    std::vector<wire::Command> commands;
  };
  auto outcome = std::make_shared<Outcome>();
  run_store(
      [statement, outcome,
       moment = Moment{clock_.now(), clock_.synchronised()}](Store& store) -> Status {
        const rt::UnixTime now = moment.now;
        auto conclusion = store.concluder().conclude(*statement, moment);
        if (!conclusion) return conclusion.error();
        outcome->conclusion = std::move(*conclusion);
        if (outcome->conclusion.run_twice) return ok();
        const auto no = store.ledger().node_no(statement->node, now);
        if (!no) return no.error();
        const auto mark = store.exchange_mark(*no, statement->head.command_mark);
        if (!mark) return mark.error();
        outcome->mark = *mark;
        auto commands = store.open_commands(statement->node, statement->head.spool, now);
        if (!commands) return commands.error();
        outcome->commands = std::move(*commands);
        return ok();
      },
      [this, node, statement, outcome](Status status) {
        const auto found = sessions_.find(node);
        if (!status) {
          log_.error("concluding the hello of {}: {}", node, status.error().message);
          return;
        }
        if (on_changed_) on_changed_(node, outcome->conclusion.gaps);
        note_refused_numbers(node, outcome->conclusion.numbers_refused);
        if (found == sessions_.end() || found->second.hello_nonce != statement->head.nonce) return;
        welcome(node, *statement, std::move(outcome->conclusion), outcome->mark,
                std::move(outcome->commands));
      });
}

void Coordinator::note_refused_numbers(const std::string& node, int count) {
  if (count == 0) return;
  counters_.numbers_refused += static_cast<std::uint64_t>(count);
  nodes_[node].numbers_refused += static_cast<std::uint64_t>(count);
  log_.warning("node {} states {} ordinals or command marks that no coordinator gives: ignored",
               node, count);
}

void Coordinator::welcome(const std::string& node, const Statement& statement,
                          Conclusion conclusion, std::uint64_t mark,
                          std::vector<wire::Command> commands) {
  NodeLive& live = nodes_[node];
  if (conclusion.run_twice) {
    const bool is_new = live.alarm.empty();
    live.alarm =
        "two machines say that they are this node: neither is welcomed until one is stopped and "
        "`fieldpost nodes release " +
        node + "` says so";
    if (is_new) log_.error("node {}: {}", node, live.alarm);
    end_session(node);
    return;
  }
  live.alarm.clear();
  set_online(node, true);
  if (conclusion.store_was_set_back) {
    log_.warning(
        "node {} knows a later state of this store: it was set back; the node sends again "
        "what it still has",
        node);
  }
  if (conclusion.all_answered) {
    log_.info("every node that this store knows has said hello since it was set back");
  }
  if (conclusion.branch_changed) {
    log_.warning(
        "the spool of node {} was set back or replaced: names of the branch left behind are "
        "in an unconfirmed gap",
        node);
  }
  Session& session = sessions_.at(node);
  session.nonce = statement.head.nonce;
  session.spool = statement.head.spool;
  session.last_missing.reset();
  if (conclusion.more_missing) session.last_missing = conclusion.welcome.missing.back();
  const Credit credit = credit_.grant(node, loop_.now());
  wire::Welcome& message = conclusion.welcome;
  message.store_id = store_id_;
  message.generation = generation_;
  message.nonce = statement.head.nonce;
  message.time = clock_.now();
  message.credit_bytes = credit.bytes;
  message.event_credit_bytes = credit.event_bytes;
  message.command_mark = mark;
  counters_.welcomes += 1;
  send_signed(node, TopicKind::kWelcome, wire::encode(message));
  keep_state(node);  // said before the hello, when nobody knew the node
  for (wire::Command& command : commands) send_signed_command(node, std::move(command));
}

}  // namespace fieldpost::coordinator

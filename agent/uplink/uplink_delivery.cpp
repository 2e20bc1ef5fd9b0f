// The uplink's other half: publishing inside the credit, and what receipts do.
#include <algorithm>
#include <memory>
#include <utility>

#include "agent/spool/spool_transaction.h"
#include "agent/uplink/uplink.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"
#include "proto/wire/rfc3339.h"

namespace fieldpost::agent {

using wire::Lane;
using wire::TopicKind;
using wire::Verdict;

namespace {

constexpr rt::Nanos kTick = rt::Seconds(1);
constexpr rt::Nanos kRetryFirst = rt::Seconds(10);  ///< doubles with each try
constexpr rt::Nanos kPatienceFirst = rt::Seconds(30);
constexpr rt::Nanos kPatienceMost = rt::Seconds(600);
constexpr std::uint64_t kLinkBytesPerSecondLeast = 1000;
constexpr rt::Nanos kStateEvery = rt::Seconds(10);
constexpr std::size_t kBacklogLow = 256 * 1024;  ///< bodies queued, before more are loaded
constexpr std::size_t kBacklogPage = 1 << 20;    ///< bodies loaded at a time
constexpr std::size_t kMarksPerEnvelope = 256;
constexpr std::size_t kMarksMax = 16'384;    ///< the next hello tells the rest
constexpr std::size_t kKnownSetsMax = 4096;  ///< then their definitions are attached again
constexpr std::size_t kEnvelopeOverhead = 512;
constexpr rt::Nanos kBodyWait = rt::Seconds(2);  ///< at the coordinator's cap, then asked again
constexpr const char* kDayFact = "day_bytes";    ///< in the spool: ByteBudget's note

Lane lane_of(RecordClass record_class) {
  if (record_class == RecordClass::kLog) return Lane::kLog;
  if (record_class == RecordClass::kBody) return Lane::kBulk;
  return is_readings(record_class) ? Lane::kLive : Lane::kEvent;
}

}  // namespace

void Uplink::on_record(const SpoolRecord& record, bool on_disk) {
  if (state_ != State::kUp || record.name.incarnation != front_.live().id) return;
  Outgoing item;
  item.record = record;
  item.lane = lane_of(record.record_class);
  const Lane lane = item.lane;
  // Bodies go in the order of the spool: from there [body-3].
  const bool from_spool = lane == Lane::kBulk || !outbox_.offer(std::move(item));
  if (from_spool && on_disk) {
    for (Backlog& backlog : backlogs_) {
      if (backlog.lane == lane || (lane == Lane::kLive && backlog.lane == Lane::kBackfill)) {
        backlog.exhausted = false;  // it is on disk: found there
      }
    }
  }
  request_pump();
}

void Uplink::on_spooled(const wire::Name& name) {
  if (state_ != State::kUp || outbox_.has(name)) return;
  for (Backlog& backlog : backlogs_) backlog.exhausted = false;
}

void Uplink::on_marked(const std::vector<wire::NameRange>& ranges) {
  if (state_ != State::kUp || marks_.size() > kMarksMax) return;
  for (const wire::NameRange& range : ranges) {
    if (!marks_.empty() && marks_.back().incarnation == range.incarnation &&
        marks_.back().seqs.last + 1 == range.seqs.first) {
      marks_.back().seqs.last = range.seqs.last;
    } else {
      marks_.push_back(range);
    }
  }
}

void Uplink::request_pump() {
  if (pump_timer_ != rt::TimerId::kNone) return;
  pump_timer_ = loop_.after(rt::Nanos(0), [this] {
    pump_timer_ = rt::TimerId::kNone;
    pump();
  });
}

void Uplink::pump() {
  if (state_ != State::kUp) return;
  held_back_ = false;
  const auto size_of = [](const Outgoing& item) {
    const std::size_t definition = item.record.definition ? item.record.definition->size() : 0;
    // One that cannot travel must come up all the same, for publish() to declare it.
    return std::min(item.record.body->size() + definition + kEnvelopeOverhead,
                    wire::kEnvelopeBytesMax);
  };
  while (Outgoing* item = outbox_.next(size_of, link_.has_room(loop_.now()), loop_.now())) {
    if (!publish(*item)) break;
  }
  load_backlog();
  await_room();
}

void Uplink::await_room() {
  if (link_timer_ != rt::TimerId::kNone || outbox_.queued() == 0) return;
  const auto wait = link_.time_to_room(loop_.now());
  if (!wait || *wait == rt::Nanos(0)) return;  // a PUBACK or a receipt pumps
  link_timer_ = loop_.after(*wait, [this] {
    link_timer_ = rt::TimerId::kNone;
    pump();
  });
}

wire::Envelope Uplink::envelope_of(const Outgoing& item) {
  wire::Envelope envelope;
  envelope.name = item.record.name;
  envelope.lane = item.lane;
  envelope.nonce = nonce_;
  envelope.replay = item.replay;
  envelope.sent = now();
  envelope.record = *item.record.body;
  if (item.record.definition && !known_sets_.contains(item.record.set)) {
    envelope.definitions.push_back(*item.record.definition);
  }
  const std::size_t count = std::min(marks_.size(), kMarksPerEnvelope);
  envelope.marked.assign(marks_.begin(), marks_.begin() + static_cast<std::ptrdiff_t>(count));
  return envelope;
}

bool Uplink::publish(Outgoing& item) {
  const wire::Envelope envelope = envelope_of(item);
  std::string bytes = wire::encode(envelope);
  const std::size_t size = bytes.size();
  if (size > wire::kEnvelopeBytesMax) {
    declare_too_large(item, size);
    return false;
  }
  if (!budget_allows(size)) return false;
  if (item.tries > 0) {
    counters_.republished += 1;
    if (item.tries + 1 >= wire::kPublishTriesMax && !check_own_copy(item)) return true;
  }
  const bool more_waits = outbox_.queued() > 1;
  auto sent = hand_over({topic(TopicKind::kUp, item.lane), std::move(bytes), false}, more_waits);
  if (!sent) return false;  // the window is full: on_puback pumps again
  if (outbox_.in_flight() == 0) last_progress_ = loop_.now();
  counters_.wire_bytes += size;
  marks_.erase(marks_.begin(),
               marks_.begin() + static_cast<std::ptrdiff_t>(envelope.marked.size()));
  outbox_.on_published(&item, size, *sent);
  return true;
}

rt::Result<std::uint64_t> Uplink::hand_over(rt::MqttMessage message, bool more_waits) {
  const std::size_t bytes = message.topic.size() + message.payload.size();
  auto sent = mqtt_.publish(std::move(message));
  if (!sent) return sent;
  link_.on_published(*sent, bytes, more_waits, loop_.now());
  budget_.spend(bytes, loop_.now());
  return sent;
}

bool Uplink::check_own_copy(const Outgoing& item) {
  if (wire::hash128(*item.record.body) == item.record.hash) return true;
  log_.error("a record does not match its hash any more: declaring its {} readings lost",
             item.record.readings);
  front_.declare_damaged(item.record);
  const wire::Name name = item.record.name;
  outbox_.settle({name.incarnation, {name.seq, name.seq}}, [](const Outgoing&) {});
  return false;
}

/// No coordinator takes it, and a broker may end the connection for it, again and again.
void Uplink::declare_too_large(const Outgoing& item, std::size_t bytes) {
  const SpoolRecord record = item.record;
  log_.error(
      "a record makes an envelope of {} bytes, at most {} travel: declaring its {} readings lost",
      bytes, wire::kEnvelopeBytesMax, record.readings);
  outbox_.settle({record.name.incarnation, {record.name.seq, record.name.seq}},
                 [](const Outgoing&) {});
  front_.declare_damaged(record);
}

bool Uplink::budget_allows(std::size_t bytes) {
  const rt::Nanos wait = budget_.time_to(bytes, loop_.now());
  held_back_ = wait > rt::Nanos(0);
  if (!held_back_) {
    day_spent_logged_ = false;
    return true;
  }
  const auto day = budget_.exhausted_for(bytes, loop_.now());
  if (day && !std::exchange(day_spent_logged_, true)) {
    log_.warning("the {} bytes of this day are spent: nothing is delivered before {}",
                 options_.bytes_per_day, wire::format_rfc3339(clock_.now() + *day));
  }
  if (pump_timer_ == rt::TimerId::kNone) {
    pump_timer_ = loop_.after(std::min(wait, kTick), [this] {
      pump_timer_ = rt::TimerId::kNone;
      pump();
    });
  }
  return false;
}

bool Uplink::day_is_spent() {
  return budget_.exhausted_for(kEnvelopeOverhead, loop_.now()).has_value();
}

void Uplink::resume_budget() {
  auto noted = std::make_shared<std::string>();
  front_.with_spool(
      [noted](Spool& spool) -> rt::Status {
        auto fact = spool.fact(kDayFact);
        if (!fact) return fact.error();
        *noted = std::move(*fact);
        return rt::ok();
      },
      [this, noted](rt::Status status) {
        if (!status) log_.error("reading the bytes of this day: {}", status.error().message);
        budget_.resume(*noted, loop_.now());
      });
}

void Uplink::note_budget() {
  auto note = budget_.note(loop_.now());
  if (!note) return;
  front_.with_spool(
      [note = std::move(*note)](Spool& spool) {
        return spool.transact([&] { return spool.set_fact(kDayFact, note); });
      },
      [this](rt::Status status) {
        if (!status) log_.error("noting the bytes of this day: {}", status.error().message);
      });
}

void Uplink::load_backlog() {
  for (Backlog& backlog : backlogs_) load_backlog(backlog);
}

void Uplink::load_backlog(Backlog& backlog) {
  if (state_ != State::kUp || backlog.loading || backlog.exhausted) return;
  if (outbox_.queued_bytes(backlog.lane) > kBacklogLow) return;
  backlog.loading = true;
  const auto index = static_cast<std::size_t>(&backlog - backlogs_.data());
  front_.load_held(backlog.from, backlog.to, backlog.cursor, kBacklogPage,
                   [this, index, nonce = nonce_](rt::Result<std::vector<SpoolRecord>> loaded) {
                     Backlog& target = backlogs_[index];
                     if (state_ != State::kUp || nonce != nonce_) return;
                     target.loading = false;
                     if (!loaded) {
                       log_.error("reading the spool: {}", loaded.error().message);
                       return;
                     }
                     target.exhausted = loaded->empty();
                     for (SpoolRecord& record : *loaded) {
                       const std::int64_t no = record.no;
                       if (!outbox_.has(record.name)) {
                         Outgoing item;
                         item.lane = target.lane;
                         item.record = std::move(record);
                         if (!outbox_.offer(std::move(item))) break;  // the next page begins here
                       }
                       target.cursor = no;
                     }
                     request_pump();
                   });
}

std::size_t Uplink::replay(std::vector<SpoolRecord> records) {
  if (state_ != State::kUp) return 0;
  std::size_t queued = 0;
  for (SpoolRecord& record : records) {
    Outgoing item;
    item.record = std::move(record);
    item.lane = Lane::kBackfill;
    item.replay = true;
    if (outbox_.offer(std::move(item))) queued += 1;
  }
  request_pump();
  return queued;
}

void Uplink::on_receipt(const wire::Receipt& receipt) {
  if (state_ != State::kUp || receipt.nonce != nonce_ || receipt.generation != generation_) {
    counters_.ignored += 1;
    return;
  }
  coordinator_time_ = receipt.time;
  coordinator_time_at_ = loop_.now();
  outbox_.set_credit(receipt.credit_bytes, receipt.event_credit_bytes);
  std::vector<wire::VerdictRange> settled;
  std::vector<wire::Name> conflicts;
  for (const wire::VerdictRange& range : receipt.verdicts) {
    if (range.verdict == Verdict::kNone) continue;
    outbox_.settle(range.names, [&](const Outgoing& item) {
      if (range.verdict == Verdict::kConflict) {
        conflicts.push_back(item.record.name);
      } else if (!item.record.set.is_zero()) {
        if (known_sets_.size() >= kKnownSetsMax) known_sets_.clear();
        known_sets_.insert(item.record.set);
      }
    });
    if (range.verdict != Verdict::kConflict) settled.push_back(range);
  }
  if (!settled.empty()) {
    last_progress_ = loop_.now();
    patience_ = kPatienceFirst;
    hunger_.reset();
    front_.settle(settled);
  }
  if (!conflicts.empty()) {
    counters_.conflicts += conflicts.size();
    log_.warning("{} records meet others of their name at the coordinator: renaming them",
                 conflicts.size());
    leave_session("a name met another record of its own");
    // Until the new names are on disk (on_statement_outdated). If they do not get there the hello
    // timer goes on, and what is still held under its old name meets the same conflict again.
    state_ = State::kStating;
    arm_hello_timer();
    front_.rename(std::move(conflicts));
    return;
  }
  on_needs(receipt.needs);
  on_waits(receipt.waits);
  request_pump();
}

/// [body-3]. The lane is in order of acceptance and bodies in it one after the other, so what is
/// behind the fragment that waits is of its own body or of one that has not begun either.
void Uplink::on_waits(const std::vector<wire::NameRange>& waits) {
  if (waits.empty()) return;
  last_progress_ = loop_.now();
  outbox_.requeue([&](const Outgoing& item) {
    return std::any_of(waits.begin(), waits.end(), [&](const wire::NameRange& range) {
      return range.contains(item.record.name);
    });
  });
  outbox_.pause(Lane::kBulk, loop_.now() + kBodyWait);
}

void Uplink::on_needs(const std::vector<wire::Hash128>& needs) {
  if (needs.empty()) return;
  for (const wire::Hash128& need : needs) known_sets_.erase(need);
  outbox_.requeue([&](const Outgoing& item) {
    return std::find(needs.begin(), needs.end(), item.record.set) != needs.end();
  });
}

void Uplink::on_command(const wire::Command& command) {
  // While the welcome is being put on disk the session is on, too: commands come right behind it.
  const bool in_session =
      state_ >= State::kWelcoming && command.nonce == nonce_ && command.generation == generation_;
  if (!in_session || command.spool != front_.spool_id()) {
    counters_.ignored += 1;
    return;
  }
  if (on_command_) on_command_(command);
}

// ---- watching ----

void Uplink::arm_tick() {
  tick_ = loop_.after(kTick, [this] {
    on_tick();
    arm_tick();
  });
}

void Uplink::on_tick() {
  const bool connected = state_ >= State::kAlone;
  const bool due = loop_.now() - state_published_ >= kStateEvery;
  if (connected && (due || is_state_outdated()) && !day_is_spent()) publish_state();
  note_budget();
  if (state_ == State::kUp) watch();
}

void Uplink::watch() {
  const rt::Instant at = loop_.now();
  // What the broker took long ago and nobody receipted was lost behind it. What it has not taken is
  // still on a slow link: publishing it again would only make that slower.
  outbox_.requeue([&](const Outgoing& item) {
    const int doublings = std::min(item.tries - 1, 6);
    return item.taken && at - *item.taken > kRetryFirst * (1 << doublings);
  });
  // Until the next day nobody waits: not for a receipt, not for credit.
  const bool spent = day_is_spent();
  if (!spent && is_time_to_ask(at)) {
    hello_again("no credit for what waits");
    return;
  }
  const bool held_back = held_back_ && outbox_.in_flight() == 0;
  if (outbox_.idle() || ask_at_ || held_back || spent) last_progress_ = at;
  const rt::Nanos patience = patience_ + time_on_the_link();
  if (at - last_progress_ > patience) {
    const auto waited = std::chrono::duration_cast<rt::Seconds>(patience).count();
    patience_ = std::min(patience_ * 2, kPatienceMost);
    hello_again(fmt::format("no receipt for {} s", waited));
    return;
  }
  pump();
}

/// What is still on its way is not lost.
rt::Nanos Uplink::time_on_the_link() const {
  return rt::Seconds(link_.unacked() / kLinkBytesPerSecondLeast);
}

/// [credit-3]. Those who had no credit at the welcome are in the coordinator's queue; an idle
/// node's lease may have gone to others. Both ask, ever more rarely, until something is settled.
bool Uplink::is_time_to_ask(rt::Instant at) {
  if (!outbox_.starved()) {
    ask_at_.reset();
    return false;
  }
  if (!ask_at_) ask_at_ = at + hunger_.take();
  return at >= *ask_at_;
}

/// What people wait for: the link, a spool that is empty again, the first loss.
bool Uplink::is_state_outdated() const {
  const bool drained = told_.held && front_.totals().records_held == 0;
  const bool sheds = !told_.shedding && front_.shed() > told_.shed;
  return drained || sheds || told_.up != is_up();
}

void Uplink::publish_state() {
  state_published_ = loop_.now();
  told_ = {is_up(), front_.totals().records_held > 0, front_.shed(), front_.shed() > told_.shed};
  wire::NodeState state;
  state.online = true;
  state.version = options_.version;
  state.labels = options_.labels;
  state.clock = now();
  const SpoolTotals& totals = front_.totals();
  state.records_held = totals.records_held + front_.records_in_memory();
  state.bytes_held = totals.bytes_held;
  state.readings_held = totals.readings_held + front_.readings_in_memory();
  state.accepted = front_.accepted();
  state.shed = front_.shed();
  state.wire_bytes_sent = counters_.wire_bytes;
  state.messages_ignored = counters_.ignored;
  if (fill_state_) fill_state_(state);
  auto sent = hand_over({topic(TopicKind::kState), wire::encode(state), true}, false);
  if (!sent) log_.debug("state not published: {}", sent.error().message);
}

}  // namespace fieldpost::agent

#include "tests/sim/wire_watch.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "proto/wire/topics.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kSaidMax = 200;
constexpr std::uint64_t kForgedSeqs = 100'000;
constexpr std::size_t kFaultsMax = 4;

}  // namespace

void WireWatch::on_hello(const std::string& node, const wire::Hello& hello) {
  for (const wire::IncarnationStatement& each : hello.incarnations) {
    if (each.live) sessions_[node].live = each.id;
    for (const wire::SeqRange& kept : each.kept) check_answered({each.id, kept});
  }
}

void WireWatch::on_welcome(const std::string& node, const wire::Welcome& welcome) {
  wire::Receipt& last = sessions_[node].last.emplace();
  last.store_id = welcome.store_id;
  last.generation = welcome.generation;
  last.nonce = welcome.nonce;
  last.time = welcome.time;
  last.credit_bytes = welcome.credit_bytes;
  last.event_credit_bytes = welcome.event_credit_bytes;
  Lease& lease = leases_[welcome.nonce];
  lease.records.grant(welcome.credit_bytes);
  lease.events.grant(welcome.event_credit_bytes);
  for (const wire::StoredHash& stored : welcome.stored) answered_.insert(stored.name);
  for (const wire::VerdictRange& each : welcome.verdicts) {
    for (std::uint64_t seq = each.names.seqs.first; seq <= each.names.seqs.last; ++seq) {
      answered_.insert({each.names.incarnation, seq});
    }
  }
}

void WireWatch::on_receipt(const std::string& node, wire::Receipt receipt) {
  for (const wire::VerdictRange& each : receipt.verdicts) {
    for (std::uint64_t seq = each.names.seqs.first; seq <= each.names.seqs.last; ++seq) {
      answered_.insert({each.names.incarnation, seq});
    }
  }
  Lease& lease = leases_[receipt.nonce];
  lease.records.grant(receipt.credit_bytes);
  lease.events.grant(receipt.event_credit_bytes);
  for (const wire::VerdictRange& each : receipt.verdicts) {
    lease.records.settle(each.names);
    lease.events.settle(each.names);
  }
  receipted_.insert(receipted_.end(), receipt.verdicts.begin(), receipt.verdicts.end());
  sessions_[node].last = std::move(receipt);
}

void WireWatch::Pool::settle(const wire::NameRange& range) {
  const auto end = in_flight.upper_bound({range.incarnation, range.seqs.last});
  for (auto it = in_flight.lower_bound({range.incarnation, range.seqs.first}); it != end;) {
    bytes -= it->second;
    it = in_flight.erase(it);
  }
}

void WireWatch::fault(std::string text) {
  if (faults_.size() < kFaultsMax) faults_.push_back(std::move(text));
}

void WireWatch::on_envelope(const std::string& node, const wire::Envelope& envelope,
                            wire::Lane lane, std::size_t bytes) {
  const auto lease = leases_.find(envelope.nonce);
  if (lease == leases_.end()) return fault(node + " published outside a session");
  Pool& pool = lane == wire::Lane::kEvent ? lease->second.events : lease->second.records;
  pool.settle({envelope.name.incarnation, {envelope.name.seq, envelope.name.seq}});  // once a name
  pool.in_flight[envelope.name] = bytes;
  pool.bytes += bytes;
  if (pool.bytes > pool.credit) {
    fault(fmt::format("{} has {} bytes on their way with a credit of {}", node, pool.bytes,
                      pool.credit));
  }
}

void WireWatch::check_answered(const wire::NameRange& range) {
  for (std::uint64_t seq = range.seqs.first; seq <= range.seqs.last; ++seq) {
    if (answered_.contains({range.incarnation, seq})) continue;
    believed_.push_back({range.incarnation, seq});
    return;  // one of them tells enough
  }
}

void WireWatch::on_taken(const std::string& client_id, const rt::MqttMessage& message) {
  if (client_id.empty()) return;  // injected by the weather
  const auto topic = wire::parse_topic(message.topic);
  if (!topic) return;
  switch (topic->kind) {
    case wire::TopicKind::kHello:
      if (const auto hello = wire::decode_hello(message.payload)) on_hello(topic->node, *hello);
      break;
    case wire::TopicKind::kReceipt: {
      const auto body = wire::peek_signed_body(message.payload);
      if (!body) return;
      if (auto receipt = wire::decode_receipt(*body)) on_receipt(topic->node, std::move(*receipt));
      break;
    }
    case wire::TopicKind::kWelcome: {
      const auto body = wire::peek_signed_body(message.payload);
      if (!body) return;
      if (const auto welcome = wire::decode_welcome(*body)) on_welcome(topic->node, *welcome);
      break;
    }
    case wire::TopicKind::kUp:
      if (const auto envelope = wire::decode_envelope(message.payload)) {
        on_envelope(topic->node, *envelope, topic->lane, message.payload.size());
        note_gaps(*envelope);
        for (const wire::NameRange& marked : envelope->marked) check_answered(marked);
      }
      return remember(published_, message);
    case wire::TopicKind::kAnswer:
    case wire::TopicKind::kChallenge: break;
    case wire::TopicKind::kState:
    case wire::TopicKind::kCommand:
    case wire::TopicKind::kPresence: return;
  }
  remember(said_, message);
}

void WireWatch::note_gaps(const wire::Envelope& envelope) {
  const auto record = wire::decode_record(envelope.record);
  if (!record) return;
  for (const wire::Gap& gap : record->gaps) {
    for (const wire::GapNames& lost : gap.names) {
      for (const rt::MqttMessage& message : published_) {
        const auto before = wire::decode_envelope(message.payload);
        if (before && lost.names.contains(before->name)) remember(given_up_, message);
      }
    }
  }
}

void WireWatch::remember(std::deque<rt::MqttMessage>& among, const rt::MqttMessage& message) {
  among.push_back(message);
  if (among.size() > kSaidMax) among.pop_front();
}

std::optional<rt::MqttMessage> WireWatch::echo(Dice& dice) const {
  const auto& usual = dice.chance(50) ? said_ : published_;
  const auto& among = given_up_.empty() || dice.chance(30) ? usual : given_up_;
  if (among.empty()) return std::nullopt;
  return among[static_cast<std::size_t>(dice.below(among.size()))];
}

std::optional<rt::MqttMessage> WireWatch::forge_receipt(Dice& dice,
                                                        const wire::SigningKey& key) const {
  if (sessions_.empty()) return std::nullopt;
  auto chosen = sessions_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(dice.below(sessions_.size())));
  const auto& [node, session] = *chosen;
  if (!session.last || session.live.is_none()) return std::nullopt;
  return forge(node, *session.last, {session.live, {1, kForgedSeqs}}, dice, key);
}

std::optional<rt::MqttMessage> WireWatch::forge_receipt_for(const rt::MqttMessage& envelope,
                                                            Dice& dice,
                                                            const wire::SigningKey& key) const {
  const auto topic = wire::parse_topic(envelope.topic);
  const auto decoded = wire::decode_envelope(envelope.payload);
  if (!topic || !decoded) return std::nullopt;
  const auto session = sessions_.find(topic->node);
  if (session == sessions_.end() || !session->second.last) return std::nullopt;
  const wire::Name& name = decoded->name;
  return forge(topic->node, *session->second.last, {name.incarnation, {name.seq, name.seq}}, dice,
               key);
}

rt::MqttMessage WireWatch::forge(const std::string& node, wire::Receipt receipt,
                                 const wire::NameRange& names, Dice& dice,
                                 const wire::SigningKey& key) {
  receipt.needs.clear();
  receipt.verdicts = {{names, wire::Verdict::kStored}};
  switch (dice.below(3)) {
    case 0: receipt.store_id.lo += 1; break;
    case 1: receipt.generation += 1; break;
    default: receipt.nonce += 1; break;
  }
  const std::string topic =
      wire::format_topic({"lab", node, wire::TopicKind::kReceipt, wire::Lane::kEvent});
  return rt::MqttMessage{topic, key.seal(topic, wire::encode(receipt)), false};
}

}  // namespace fieldpost::sim

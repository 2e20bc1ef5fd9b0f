#include "tests/sim/wire_watch.h"

#include <algorithm>

#include "proto/wire/topics.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kSaidMax = 200;
constexpr std::uint64_t kForgedSeqs = 100'000;

}  // namespace

void WireWatch::on_taken(const std::string& client_id, const rt::MqttMessage& message) {
  if (client_id.empty()) return;  // injected by the weather
  const auto topic = wire::parse_topic(message.topic);
  if (!topic) return;
  switch (topic->kind) {
    case wire::TopicKind::kHello:
      if (const auto hello = wire::decode_hello(message.payload)) {
        for (const wire::IncarnationStatement& each : hello->incarnations) {
          if (each.live) sessions_[topic->node].live = each.id;
        }
      }
      break;
    case wire::TopicKind::kReceipt: {
      const auto body = wire::peek_signed_body(message.payload);
      if (!body) return;
      const auto receipt = wire::decode_receipt(*body);
      if (!receipt) return;
      receipted_.insert(receipted_.end(), receipt->verdicts.begin(), receipt->verdicts.end());
      sessions_[topic->node].last = *receipt;
      break;
    }
    case wire::TopicKind::kAnswer:
    case wire::TopicKind::kChallenge:
    case wire::TopicKind::kWelcome: break;
    case wire::TopicKind::kUp:
    case wire::TopicKind::kState:
    case wire::TopicKind::kCommand:
    case wire::TopicKind::kPresence: return;
  }
  said_.push_back(message);
  if (said_.size() > kSaidMax) said_.pop_front();
}

std::optional<rt::MqttMessage> WireWatch::echo(Dice& dice) const {
  if (said_.empty()) return std::nullopt;
  return said_[static_cast<std::size_t>(dice.below(said_.size()))];
}

std::optional<rt::MqttMessage> WireWatch::forge_receipt(Dice& dice,
                                                        const wire::SigningKey& key) const {
  if (sessions_.empty()) return std::nullopt;
  auto chosen = sessions_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(dice.below(sessions_.size())));
  const auto& [node, session] = *chosen;
  if (!session.last || session.live.is_none()) return std::nullopt;
  wire::Receipt receipt = *session.last;
  receipt.needs.clear();
  receipt.verdicts = {{{session.live, {1, kForgedSeqs}}, wire::Verdict::kStored}};
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

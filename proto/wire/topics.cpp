#include "proto/wire/topics.h"

#include <algorithm>
#include <array>

namespace fieldpost::wire {
namespace {

constexpr std::string_view kRoot = "fieldpost/v1/";
constexpr std::string_view kCoordinator = "_coordinator";
constexpr std::size_t kIdBytesMax = 63;

struct Leaf {
  std::string_view text;
  TopicKind kind;
  Lane lane = Lane::kEvent;
};

constexpr std::array kLeaves = {
    Leaf{"hello", TopicKind::kHello},
    Leaf{"answer", TopicKind::kAnswer},
    Leaf{"up/event", TopicKind::kUp, Lane::kEvent},
    Leaf{"up/live", TopicKind::kUp, Lane::kLive},
    Leaf{"up/log", TopicKind::kUp, Lane::kLog},
    Leaf{"up/backfill", TopicKind::kUp, Lane::kBackfill},
    Leaf{"up/bulk", TopicKind::kUp, Lane::kBulk},
    Leaf{"state", TopicKind::kState},
    Leaf{"challenge", TopicKind::kChallenge},
    Leaf{"welcome", TopicKind::kWelcome},
    Leaf{"receipt", TopicKind::kReceipt},
    Leaf{"cmd", TopicKind::kCommand},
};

std::string_view leaf_of(TopicKind kind, Lane lane) {
  if (kind == TopicKind::kPresence) return "state";
  const auto leaf = std::find_if(kLeaves.begin(), kLeaves.end(), [&](const Leaf& one) {
    return one.kind == kind && (kind != TopicKind::kUp || one.lane == lane);
  });
  return leaf == kLeaves.end() ? std::string_view{} : leaf->text;
}

/// Cuts off and returns what stands before the next slash; all of it when there is none.
std::string_view take_level(std::string_view& rest) {
  const std::string_view level = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(level.size() + 1, rest.size()));
  return level;
}

bool is_id_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

}  // namespace

bool is_valid_id(std::string_view id) {
  if (id.empty() || id.size() > kIdBytesMax || !is_id_start(id.front())) return false;
  return std::all_of(id.begin(), id.end(),
                     [](char c) { return is_id_start(c) || c == '_' || c == '-'; });
}

std::string format_topic(const Topic& topic) {
  const bool presence = topic.kind == TopicKind::kPresence;
  std::string text(kRoot);
  text.append(topic.site).append("/").append(presence ? kCoordinator : topic.node).append("/");
  return text.append(leaf_of(topic.kind, topic.lane));
}

std::optional<Topic> parse_topic(std::string_view topic) {
  if (!topic.starts_with(kRoot)) return std::nullopt;
  std::string_view rest = topic.substr(kRoot.size());
  const std::string site(take_level(rest));
  const std::string node(take_level(rest));
  if (!is_valid_id(site)) return std::nullopt;
  if (node == kCoordinator && rest == "state") return Topic{site, node, TopicKind::kPresence};
  const auto leaf = std::find_if(kLeaves.begin(), kLeaves.end(),
                                 [&](const Leaf& one) { return one.text == rest; });
  if (leaf == kLeaves.end() || !is_valid_id(node)) return std::nullopt;
  return Topic{site, node, leaf->kind, leaf->lane};
}

}  // namespace fieldpost::wire

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/wire/ids.h"

/// fieldpost/v1/<site>/<node>/… as in proto/README.md, [topic-*].
namespace fieldpost::wire {

/// Site and node names: [a-z0-9][a-z0-9_-]{0,62}.
[[nodiscard]] bool is_valid_id(std::string_view id);

enum class TopicKind : std::uint8_t {
  kHello,
  kAnswer,
  kUp,
  kState,  // from the node
  kChallenge,
  kWelcome,
  kReceipt,
  kCommand,   // to the node
  kPresence,  // of the coordinator
};

struct Topic {
  std::string site;
  std::string node;  ///< "_coordinator" for kPresence
  TopicKind kind = TopicKind::kHello;
  Lane lane = Lane::kEvent;  ///< kUp only
  bool operator==(const Topic&) const = default;
};

[[nodiscard]] std::string format_topic(const Topic& topic);
/// nullopt for anything that format_topic would not make.
[[nodiscard]] std::optional<Topic> parse_topic(std::string_view topic);

}  // namespace fieldpost::wire

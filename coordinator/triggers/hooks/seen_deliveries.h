#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/triggers/hooks/hook_door.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// Remembers the keys of messages that were handled, so that one that comes again is known: sent
/// again by the forge or by a person there, or by somebody who recorded it. Loop or store thread.
class SeenDeliveries {
 public:
  static constexpr std::size_t kKeysMax = 20'000;        ///< two of each message; the oldest go
  static constexpr rt::Seconds kKeptFor{7 * 24 * 3600};  ///< and all that are older than this

  virtual ~SeenDeliveries() = default;
  /// Whether the key was remembered and is within both bounds.
  virtual rt::Result<bool> has(const std::string& key, rt::UnixTime now) = 0;
  /// Durably, in the transaction that stores what the message causes, so that neither is there
  /// without the other. A key that is remembered stays with its first time.
  virtual rt::Status remember(const std::vector<std::string>& keys, rt::UnixTime now) = 0;
};

/// What a message is known by: the name that the forge gave it, and a hash of its kind and body.
/// GitHub and Gitea sign the body alone, so that who recorded it may send it under any other name:
/// both count. Two bodies of GitLab may be the same when the same commits are pushed once more, so
/// that its hash counts where there is no name only: who knows its token can make up any message.
[[nodiscard]] std::vector<std::string> delivery_keys(const HookDoor& door, const HookEvent& event,
                                                     std::string_view body);

/// Whether one of the keys was seen. A replay is answered like the first: the forge must not try
/// again.
[[nodiscard]] rt::Result<bool> is_replay(SeenDeliveries& seen, const std::vector<std::string>& keys,
                                         rt::UnixTime now);

}  // namespace fieldpost::coordinator

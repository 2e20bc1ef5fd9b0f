#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kTriggerStatesMax = 10'000;
inline constexpr std::size_t kTriggerKeyBytesMax = 1024;
inline constexpr std::size_t kTriggerValueBytesMax = 1 << 20;
inline constexpr std::int64_t kDeliveriesMax = 10'000;  ///< the oldest go
inline constexpr std::int64_t kDeliveryKeptNs = 7ll * 86'400 * 1'000'000'000;

/// What triggers remember. What changes runs inside the caller's transaction: the one that stores
/// the build that the trigger began, so that neither is there without the other.
class TriggerTable {
 public:
  struct State {
    std::string key, value;
    bool operator==(const State&) const = default;
  };

  explicit TriggerTable(rt::Database& db) : db_(db) {}

  rt::Result<std::optional<std::string>> state(const std::string& key);
  /// Ordered by key, keys that begin with `prefix` and are above `after`, at most `limit`.
  rt::Result<std::vector<State>> states(const std::string& prefix, const std::string& after,
                                        std::size_t limit);
  /// kInvalid: key or value is too long; kFull: too many keys.
  rt::Status set_state(const std::string& key, const std::string& value);
  /// One that is not there is no error.
  rt::Status remove_state(const std::string& key);

  /// Whether a message of this name, or with this hash of its body, is remembered.
  rt::Result<bool> has_seen(const std::string& id_or_hash, rt::UnixTime now);
  /// Remembers a message, within the bounds. One that is known keeps its time. `body_hash`: empty
  /// if the name alone counts. kInvalid: no name, or a text that is too long.
  rt::Status remember(const std::string& id, const std::string& body_hash, rt::UnixTime now);

 private:
  rt::Status forget_old(rt::UnixTime now);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

#include "coordinator/triggers/hooks/seen_deliveries.h"

#include <fmt/format.h>

#include "coordinator/triggers/hooks/hook_signature.h"

namespace fieldpost::coordinator {

std::vector<std::string> delivery_keys(const HookDoor& door, const HookEvent& event,
                                       std::string_view body) {
  std::vector<std::string> keys;
  if (!event.delivery.empty()) {
    keys.push_back(fmt::format("{}/id/{}/{}", door.name, event.said_kind, event.delivery));
  }
  if (door.forge == Forge::kGitlab && !event.delivery.empty()) return keys;
  const std::string hash = sha256_hex(body);
  keys.push_back(fmt::format("{}/body/{}/{}", door.name, event.said_kind, hash));
  return keys;
}

rt::Result<bool> is_replay(SeenDeliveries& seen, const std::vector<std::string>& keys,
                           rt::UnixTime now) {
  for (const std::string& key : keys) {
    auto known = seen.has(key, now);
    if (!known || *known) return known;
  }
  return false;
}

}  // namespace fieldpost::coordinator

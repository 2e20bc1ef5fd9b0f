#pragma once

#include <string>
#include <string_view>

#include "coordinator/triggers/hook_event.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// A way in for one forge's messages.
struct HookDoor {
  std::string name;  ///< of its own among all doors
  Forge forge = Forge::kGithub;
  std::string secret;  ///< at least kHookSecretBytesMin
};

/// Checks a message's size and signature before it looks at what is in it, and reads it. Pure; a
/// large body takes many milliseconds, so for a worker. Whether it was seen before, see
/// seen_deliveries.h.
///
/// kFull: too large; kNotFound, kInvalid, kDenied: as check_hook_signature says; kInvalid: no JSON,
/// or not such as the forge sends, and the message names the member.
[[nodiscard]] rt::Result<HookEvent> read_hook(const HookDoor& door, const rt::HttpHeaders& headers,
                                              std::string_view body, rt::UnixTime received);

}  // namespace fieldpost::coordinator

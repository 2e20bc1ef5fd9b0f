#pragma once

#include "coordinator/triggers/hook_event.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// A message of Gitea or Forgejo whose signature is right, as GitHub's but for the names of its
/// header, and the total of commits that it states: it sends the first few only, five unless
/// configured. kInvalid names what is missing or wrong.
[[nodiscard]] rt::Result<HookEvent> read_gitea_hook(const rt::HttpHeaders& headers,
                                                    const HookJson& body);

}  // namespace fieldpost::coordinator

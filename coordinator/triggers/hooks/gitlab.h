#pragma once

#include "coordinator/triggers/hook_event.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// A message of GitLab whose token is right: pushes of branches and of tags, merge requests; of
/// others only the project. Of more than twenty commits it says the newest twenty, and the total.
/// Its delivery is named by `Idempotency-Key`, which older ones do not send;
/// `X-Gitlab-Event-UUID` is not used, for messages that cause one another share it. kInvalid names
/// what is missing or wrong.
[[nodiscard]] rt::Result<HookEvent> read_gitlab_hook(const rt::HttpHeaders& headers,
                                                     const HookJson& body);

}  // namespace fieldpost::coordinator

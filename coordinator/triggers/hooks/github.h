#pragma once

#include <cstddef>

#include "coordinator/triggers/hook_event.h"
#include "coordinator/triggers/hooks/hook_json.h"
#include "proto/rt/http.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// GitHub says so many of a push, and not whether there are more.
inline constexpr std::size_t kGithubCommitsMax = 2048;

/// A message of GitHub whose signature is right: `push`, `pull_request`, `ping`; of others only the
/// repository. kInvalid names what is missing or wrong.
[[nodiscard]] rt::Result<HookEvent> read_github_hook(const rt::HttpHeaders& headers,
                                                     const HookJson& body);

/// The members of such a message; Gitea's have the same names. `said_kind` is set.
[[nodiscard]] rt::Status read_github_members(HookEvent& event, const HookJson& body);

}  // namespace fieldpost::coordinator

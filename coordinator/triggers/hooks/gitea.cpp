#include "coordinator/triggers/hooks/gitea.h"

#include <cstdint>

#include "coordinator/triggers/hooks/github.h"
#include "coordinator/triggers/hooks/hook_parts.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;

rt::Result<HookEvent> read_gitea_hook(const rt::HttpHeaders& headers, const HookJson& body) {
  HookEvent event{.forge = Forge::kGitea};
  event.delivery = plain_header(headers, "X-Gitea-Delivery");
  event.said_kind = plain_header(headers, "X-Gitea-Event");
  if (event.said_kind.empty()) {
    return Error{Errc::kInvalid, "hook: expected a header X-Gitea-Event such as push"};
  }
  if (event.delivery.empty()) {
    return Error{Errc::kInvalid, "hook: expected a header X-Gitea-Delivery with its UUID"};
  }
  if (auto read = read_github_members(event, body); !read) return read.error();
  if (event.sender.empty()) event.sender = body.text("sender/username");
  if (event.kind != HookKind::kPush) return event;
  const std::int64_t total =
      body.integer("total_commits").value_or(INT64_MAX);  // old ones say none
  if (total > static_cast<std::int64_t>(body.count("commits"))) event.is_truncated = true;
  return event;
}

}  // namespace fieldpost::coordinator

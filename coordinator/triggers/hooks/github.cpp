#include "coordinator/triggers/hooks/github.h"

#include "coordinator/triggers/hooks/hook_parts.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

HookKind kind_of(std::string_view said) {
  if (said == "push") return HookKind::kPush;
  if (said == "pull_request") return HookKind::kPullRequest;
  return said == "ping" ? HookKind::kPing : HookKind::kOther;
}

PullAction action_of(std::string_view said, bool is_merged) {
  if (said == "opened") return PullAction::kOpened;
  if (said == "reopened") return PullAction::kReopened;
  if (said == "closed") return is_merged ? PullAction::kMerged : PullAction::kClosed;
  const bool is_update = said == "synchronize" || said == "synchronized";  // Gitea's word
  return is_update ? PullAction::kUpdated : PullAction::kOther;
}

rt::Status read_pull(HookEvent& event, const HookJson& body) {
  PullRequest& pull = event.pull_request.emplace();
  pull.number = body.integer("number").value_or(0);
  pull.said_action = body.text("action");
  pull.action = action_of(pull.said_action, body.flag("pull_request/merged"));
  pull.head_branch = body.text("pull_request/head/ref");
  pull.head_repository = body.text("pull_request/head/repo/full_name");  // null: it was deleted
  pull.head_commit = body.text("pull_request/head/sha");
  pull.base_branch = body.text("pull_request/base/ref");
  event.is_truncated = true;
  return check_pull(pull);
}

}  // namespace

rt::Status read_github_members(HookEvent& event, const HookJson& body) {
  event.kind = kind_of(event.said_kind);
  event.sender = body.text("sender/login");
  auto named = read_repository(event, body, "repository/full_name",
                               {"repository/clone_url", "repository/ssh_url"});
  switch (event.kind) {
    case HookKind::kPush: return named ? read_push(event, body) : named;
    case HookKind::kPullRequest: return named ? read_pull(event, body) : named;
    case HookKind::kPing:
    case HookKind::kOther: break;  // a hook of an organization has no repository
  }
  return rt::ok();
}

rt::Result<HookEvent> read_github_hook(const rt::HttpHeaders& headers, const HookJson& body) {
  HookEvent event{.forge = Forge::kGithub};
  event.delivery = plain_header(headers, "X-GitHub-Delivery");
  event.said_kind = plain_header(headers, "X-GitHub-Event");
  if (event.said_kind.empty()) {
    return Error{Errc::kInvalid, "hook: expected a header X-GitHub-Event such as push"};
  }
  if (event.delivery.empty()) {
    return Error{Errc::kInvalid, "hook: expected a header X-GitHub-Delivery with its GUID"};
  }
  if (auto read = read_github_members(event, body); !read) return read.error();
  if (body.flag("forced") || body.count("commits") >= kGithubCommitsMax) event.is_truncated = true;
  return event;
}

}  // namespace fieldpost::coordinator

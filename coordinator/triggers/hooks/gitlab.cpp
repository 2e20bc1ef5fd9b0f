#include "coordinator/triggers/hooks/gitlab.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/triggers/hooks/hook_parts.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

HookKind kind_of(std::string_view object_kind) {
  if (object_kind == "push" || object_kind == "tag_push") return HookKind::kPush;
  return object_kind == "merge_request" ? HookKind::kPullRequest : HookKind::kOther;
}

/// An update without `oldrev` changed its title, its labels or the like.
PullAction action_of(std::string_view said, bool has_other_commits) {
  if (said == "open") return PullAction::kOpened;
  if (said == "reopen") return PullAction::kReopened;
  if (said == "close") return PullAction::kClosed;
  if (said == "merge") return PullAction::kMerged;
  return said == "update" && has_other_commits ? PullAction::kUpdated : PullAction::kOther;
}

rt::Status read_push_of_gitlab(HookEvent& event, const HookJson& body) {
  if (auto read = read_push(event, body); !read) return read;
  event.sender = body.text("user_username");
  const std::int64_t total = body.integer("total_commits_count").value_or(INT64_MAX);
  if (total > static_cast<std::int64_t>(body.count("commits"))) event.is_truncated = true;
  return rt::ok();
}

rt::Status read_merge_request(HookEvent& event, const HookJson& body) {
  PullRequest& pull = event.pull_request.emplace();
  event.sender = body.text("user/username");
  event.is_truncated = true;
  pull.number = body.integer("object_attributes/iid").value_or(0);
  pull.said_action = body.text("object_attributes/action");
  pull.action = action_of(pull.said_action, body.has("object_attributes/oldrev"));
  pull.head_branch = body.text("object_attributes/source_branch");
  pull.head_repository = body.text("object_attributes/source/path_with_namespace");
  pull.head_commit = body.text("object_attributes/last_commit/id");
  pull.base_branch = body.text("object_attributes/target_branch");
  return check_pull(pull);
}

}  // namespace

rt::Result<HookEvent> read_gitlab_hook(const rt::HttpHeaders& headers, const HookJson& body) {
  HookEvent event{.forge = Forge::kGitlab};
  event.delivery = plain_header(headers, "Idempotency-Key");
  event.said_kind = plain_header(headers, "X-Gitlab-Event");
  if (event.said_kind.empty()) {
    return Error{Errc::kInvalid, "hook: expected a header X-Gitlab-Event such as Push Hook"};
  }
  event.kind = kind_of(body.text("object_kind"));
  auto read = read_repository(event, body, "project/path_with_namespace",
                              {"project/git_http_url", "project/git_ssh_url"});
  if (event.kind == HookKind::kOther) return event;  // hooks of groups have no project
  if (read && event.kind == HookKind::kPush) read = read_push_of_gitlab(event, body);
  if (read && event.kind == HookKind::kPullRequest) read = read_merge_request(event, body);
  if (!read) return read.error();
  return event;
}

}  // namespace fieldpost::coordinator

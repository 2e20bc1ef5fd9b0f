#include "coordinator/triggers/hook_event.h"

#include <utility>

namespace fieldpost::coordinator {

std::string_view to_string(Forge forge) {
  switch (forge) {
    case Forge::kGithub: return "GitHub";
    case Forge::kGitlab: return "GitLab";
    case Forge::kGitea: return "Gitea";
    case Forge::kGit: return "git";
  }
  return "";
}

std::string_view to_string(HookKind kind) {
  switch (kind) {
    case HookKind::kPush: return "push";
    case HookKind::kPullRequest: return "pull_request";
    case HookKind::kPing: return "ping";
    case HookKind::kOther: return "other";
  }
  return "";
}

void set_ref(HookEvent& event, std::string ref) {
  constexpr std::string_view kBranches = "refs/heads/", kTags = "refs/tags/";
  event.ref = std::move(ref);
  event.ref_kind = RefKind::kNone;
  event.ref_name.clear();
  if (event.ref.starts_with(kBranches)) {
    event.ref_kind = RefKind::kBranch;
    event.ref_name = event.ref.substr(kBranches.size());
  } else if (event.ref.starts_with(kTags)) {
    event.ref_kind = RefKind::kTag;
    event.ref_name = event.ref.substr(kTags.size());
  }
}

}  // namespace fieldpost::coordinator

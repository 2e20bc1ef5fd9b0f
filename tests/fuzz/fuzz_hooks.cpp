// A kind of message up to the first zero byte, then a body, as each forge's, with the right
// signature. What is read keeps to its bounds, and has the names that git takes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coordinator/triggers/filters/event_filters.h"
#include "coordinator/triggers/git/git_names.h"
#include "coordinator/triggers/hooks/hook_door.h"
#include "coordinator/triggers/hooks/hook_signature.h"
#include "coordinator/triggers/hooks/seen_deliveries.h"

using namespace fieldpost;               // NOLINT: a program's own file
using namespace fieldpost::coordinator;  // NOLINT

namespace {

void check_event(const HookEvent& event) {
  if (event.kind == HookKind::kPush) {
    FP_CHECK(is_ref(event.ref) && !event.repository.full_name.empty());
    FP_CHECK(event.ref_kind == RefKind::kNone || is_branch_name(event.ref_name));
    FP_CHECK(!event.is_creation() || !event.is_deletion());
    FP_CHECK(event.is_creation() || is_commit_id(event.commit_before));
    FP_CHECK(event.is_deletion() || is_commit_id(event.commit_after));
  }
  if (event.kind == HookKind::kPullRequest) {
    FP_CHECK(event.pull_request.has_value() && is_branch_name(event.pull_request->base_branch));
    FP_CHECK(is_branch_name(event.pull_request->head_branch));
    FP_CHECK(is_commit_id(event.pull_request->head_commit));
  }
  FP_CHECK(event.changed_paths.size() <= kChangedPathsMax);
  FP_CHECK(std::ranges::is_sorted(event.changed_paths));
  const FilterVerdict verdict = EventFilters().judge(event);
  FP_CHECK(verdict.runs == verdict.why_not.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string secret = "a secret of the hook";
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t zero = std::min(input.find('\0'), input.size());
  const std::string kind(input.substr(0, zero));
  const std::string_view body = zero == input.size() ? "" : input.substr(zero + 1);
  const std::string hmac = hmac_sha256_hex(secret, body);
  const rt::HttpHeaders headers{{"Content-Type", "application/json"},
                                {"X-GitHub-Event", kind},
                                {"X-GitHub-Delivery", "id"},
                                {"X-Hub-Signature-256", "sha256=" + hmac},
                                {"X-Gitea-Event", kind},
                                {"X-Gitea-Delivery", "id"},
                                {"X-Gitlab-Event", kind},
                                {"X-Gitlab-Token", secret}};
  for (const Forge forge : {Forge::kGithub, Forge::kGitlab, Forge::kGitea}) {
    const HookDoor door{"door", forge, secret};
    const auto event = read_hook(door, headers, body, {});
    FP_CHECK(event.has_value() || event.error().message.starts_with("hook: "));
    if (!event) continue;
    check_event(*event);
    FP_CHECK(!delivery_keys(door, *event, body).empty());
  }
  return 0;
}

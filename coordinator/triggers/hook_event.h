#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// Who told of an event.
enum class Forge : std::uint8_t {
  kGithub,
  kGitlab,
  kGitea,
  kGit,  ///< nobody: a repository was looked at
};
[[nodiscard]] std::string_view to_string(Forge forge);

enum class HookKind : std::uint8_t { kPush, kPullRequest, kPing, kOther };
[[nodiscard]] std::string_view to_string(HookKind kind);

enum class RefKind : std::uint8_t { kNone, kBranch, kTag };

struct HookRepository {
  std::string full_name;                ///< "owner/name"; of kGit its URL
  std::vector<std::string> clone_urls;  ///< as the forge says; not checked
  bool operator==(const HookRepository&) const = default;
};

enum class PullAction : std::uint8_t {
  kOpened,
  kUpdated,  ///< it has other commits
  kReopened,
  kClosed,
  kMerged,
  kOther,
};

/// A pull request, or what GitLab calls a merge request.
struct PullRequest {
  std::int64_t number = 0;
  PullAction action = PullAction::kOther;
  std::string said_action;      ///< in the forge's word
  std::string head_branch;      ///< where the commits come from …
  std::string head_repository;  ///< … which may be a fork, whose author nobody may trust
  std::string head_commit;
  std::string base_branch;  ///< where they are to go
  bool operator==(const PullRequest&) const = default;
};

/// What happened to a repository, whichever forge it is at.
struct HookEvent {
  Forge forge = Forge::kGit;
  std::string delivery;  ///< the forge's name of this message; empty when it has none
  HookKind kind = HookKind::kOther;
  std::string said_kind;  ///< in the forge's word: "push", "Push Hook"
  HookRepository repository;

  std::string ref;  ///< of a push: "refs/heads/main"
  RefKind ref_kind = RefKind::kNone;
  std::string ref_name;  ///< of the branch or tag: "main"
  /// Of a push: commits, or empty when there was or is none.
  std::string commit_before, commit_after;
  [[nodiscard]] bool is_creation() const { return commit_before.empty(); }
  [[nodiscard]] bool is_deletion() const { return commit_after.empty(); }

  /// What the commits of a push added, changed and removed: sorted, each once.
  std::vector<std::string> changed_paths;
  /// There may be more: the forge did not say all commits, or the branch was forced, or there are
  /// more than kChangedPathsMax; and always of a pull request, of which forges say none.
  bool is_truncated = false;

  std::optional<PullRequest> pull_request;
  std::string sender;  ///< the user at the forge
  rt::UnixTime received;
  bool operator==(const HookEvent&) const = default;
};

inline constexpr std::size_t kChangedPathsMax = 10'000;

/// Sets `ref` and what follows from it.
void set_ref(HookEvent& event, std::string ref);

}  // namespace fieldpost::coordinator

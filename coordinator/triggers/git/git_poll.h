#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/triggers/git/ls_remote.h"
#include "coordinator/triggers/hook_event.h"
#include "proto/rt/clock.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/spawner.h"

namespace fieldpost::coordinator {

struct GitPollOptions {
  std::string url;
  rt::Nanos every = rt::Seconds{60};     ///< from the end of a look to the next
  rt::Nanos first_after = rt::Nanos{0};  ///< so that not all repositories are asked at once
};

/// What a look found that is other than before.
struct GitLook {
  std::vector<HookEvent> pushes;  ///< in the order of branches; none of the first look
  GitBranches branches;           ///< to be persisted in one transaction with what they cause
};

struct GitPollHealth {
  std::uint64_t looks = 0;
  std::uint64_t looks_failed = 0;
  std::uint64_t failures_in_row = 0;
  std::string last_error;  ///< of the last failure
};

/// Watches the branches of a repository whose forge tells nothing, by `git ls-remote`. The first
/// look ever only notes them. Loop thread; dropping it, which no handler may do, ends a look that
/// is under way. What it knows is persisted by its owner, so that what moved while nobody looked is
/// told at the next look.
class GitPoll {
 public:
  static constexpr rt::Nanos kEveryLeast = rt::Seconds{10};
  static constexpr rt::Nanos kEveryMost = rt::Seconds{24 * 3600};
  static constexpr rt::Nanos kLookMost = rt::Seconds{60};     ///< then git is killed
  static constexpr rt::Nanos kPauseMost = rt::Seconds{3600};  ///< after failures, or `every`
  static constexpr std::size_t kOutputBytesMax = 4 << 20;
  static constexpr std::size_t kStderrBytesMax = 2048;  ///< of its end
  static constexpr std::size_t kPushesMax = 100;        ///< of one look; the next is at once then

  struct Handlers {
    /// Only after `done` is there another look; with an error the same is found again then.
    std::function<void(GitLook look, std::function<void(rt::Status)> done)> on_found;
    std::function<void(const rt::Error& why)> on_failure;  ///< the first of a row
    std::function<void()> on_recovery;                     ///< the first look that is good again
  };

  /// kInvalid: the URL, see check_git_url, or `every`.
  static rt::Status check(const GitPollOptions& options);

  /// `known`: as persisted; nullopt before the first look. The options must have been checked.
  GitPoll(rt::Loop& loop, rt::Spawner& spawner, const rt::WallClock& clock, GitPollOptions options,
          std::optional<GitBranches> known, Handlers handlers);
  ~GitPoll();
  GitPoll(const GitPoll&) = delete;
  GitPoll& operator=(const GitPoll&) = delete;

  [[nodiscard]] const GitPollHealth& health() const { return health_; }

 private:
  /// One git.
  struct Run {
    std::unique_ptr<rt::Child> child;
    std::string out;
    std::string said;  ///< to stderr
    bool is_over = false;
  };

  void look();
  void on_out(const std::string& bytes);
  void on_said(const std::string& bytes);
  void on_exit(rt::ExitStatus status);
  void end(rt::Result<GitBranches> result);
  void on_branches(GitBranches branches);
  void on_persisted(const rt::Status& status, GitBranches branches, bool is_all);
  void succeed(rt::Nanos pause);
  void fail(rt::Error why);

  rt::Loop& loop_;
  rt::Spawner& spawner_;
  const rt::WallClock& clock_;
  GitPollOptions options_;
  std::optional<GitBranches> known_;
  Handlers handlers_;
  GitPollHealth health_;
  std::unique_ptr<Run> run_;
  rt::TimerId look_timer_ = rt::TimerId::kNone;   ///< the next look, or the end of one
  rt::TimerId limit_timer_ = rt::TimerId::kNone;  ///< of the look that is under way
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator

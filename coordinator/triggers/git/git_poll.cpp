#include "coordinator/triggers/git/git_poll.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "coordinator/triggers/git/git_names.h"
#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

constexpr std::size_t kShownBytesMax = 300;  // of what git says

std::int64_t seconds_of(rt::Nanos span) {
  return std::chrono::duration_cast<rt::Seconds>(span).count();
}

/// The first line that git ends with ("fatal: …") and, for it may be ssh that says why, the one
/// before it; otherwise the last line.
std::string telling_lines(std::string_view said) {
  std::string before, line;
  while (!said.empty() && !line.starts_with("fatal: ")) {
    const std::size_t end = std::min(said.find_first_of("\r\n"), said.size());
    if (end > 0) before = std::exchange(line, said.substr(0, end));
    said.remove_prefix(std::min(end + 1, said.size()));
  }
  const bool is_fatal = line.starts_with("fatal: ");
  return is_fatal && !before.empty() ? before + "; " + line : line;
}

std::string how_it_ended(rt::ExitStatus status, std::string_view said) {
  const std::string lines = telling_lines(said);
  if (!lines.empty()) return in_quotes(lines, kShownBytesMax);
  return status.signal != 0 ? fmt::format("ended by signal {}", status.signal)
                            : fmt::format("exit code {}", status.code);
}

/// git and ssh ask nobody for anything, and go nowhere else than where the URL says.
rt::SpawnOptions command_of(const std::string& url) {
  return {.argv = {"git", "ls-remote", "--heads", "--", url},
          .environment = {"GIT_TERMINAL_PROMPT=0",
                          "GIT_ASKPASS=", "GIT_ALLOW_PROTOCOL=https:ssh:git:file",
                          "GIT_SSH_COMMAND=ssh -oBatchMode=yes -oConnectTimeout=20", "LC_ALL=C"},
          .directory = "/",
          .dies_with_us = true};
}

}  // namespace

rt::Status GitPoll::check(const GitPollOptions& options) {
  if (options.every < kEveryLeast || options.every > kEveryMost) {
    return Error{
        Errc::kInvalid,
        fmt::format("watching a repository: expected to look every {} to {} s, found {} s",
                    seconds_of(kEveryLeast), seconds_of(kEveryMost), seconds_of(options.every))};
  }
  return check_git_url(options.url);
}

GitPoll::GitPoll(rt::Loop& loop, rt::Spawner& spawner, const rt::WallClock& clock,
                 GitPollOptions options, std::optional<GitBranches> known, Handlers handlers)
    : loop_(loop),
      spawner_(spawner),
      clock_(clock),
      options_(std::move(options)),
      known_(std::move(known)),
      handlers_(std::move(handlers)) {
  FP_CHECK(check(options_).has_value());
  look_timer_ = loop_.after(options_.first_after, [this] { look(); });
}

GitPoll::~GitPoll() {
  loop_.cancel(look_timer_);
  loop_.cancel(limit_timer_);
}

void GitPoll::look() {
  health_.looks += 1;
  run_ = std::make_unique<Run>();
  auto child = spawner_.spawn(command_of(options_.url),
                              {[this](const std::string& bytes) { on_out(bytes); },
                               [this](const std::string& bytes) { on_said(bytes); },
                               [this](rt::ExitStatus status) { on_exit(status); }});
  if (!child) return end(child.error());
  run_->child = *std::move(child);
  limit_timer_ = loop_.after(kLookMost, [this] {
    end(Error{Errc::kUnavailable,
              fmt::format("git did not end within {} s", seconds_of(kLookMost))});
  });
}

void GitPoll::on_out(const std::string& bytes) {
  if (run_->is_over) return;
  if (run_->out.size() + bytes.size() > kOutputBytesMax) {
    return end(Error{Errc::kFull, fmt::format("git printed more than {} bytes", kOutputBytesMax)});
  }
  run_->out += bytes;
}

void GitPoll::on_said(const std::string& bytes) {
  std::string& said = run_->said;
  said += bytes;
  if (said.size() > kStderrBytesMax) said.erase(0, said.size() - kStderrBytesMax);
}

void GitPoll::on_exit(rt::ExitStatus status) {
  if (status.code != 0 || status.signal != 0) {
    return end(Error{Errc::kUnavailable, how_it_ended(status, run_->said)});
  }
  end(parse_ls_remote(run_->out));
}

/// Not here: the child is in the middle of its call. Until then what it says changes nothing.
void GitPoll::end(rt::Result<GitBranches> result) {
  if (std::exchange(run_->is_over, true)) return;
  loop_.cancel(std::exchange(limit_timer_, rt::TimerId::kNone));
  look_timer_ = loop_.after(rt::Nanos{0}, [this, result = std::move(result)] {
    run_.reset();
    if (!result) return fail(result.error());
    on_branches(*result);
  });
}

/// A forge in trouble may show a repository as empty: that is no reason to take all of its branches
/// for gone, and for new a minute later.
void GitPoll::on_branches(GitBranches branches) {
  if (branches.empty() && known_ && !known_->empty()) {
    return fail({Errc::kUnavailable, "it has no branches any more"});
  }
  GitLook look{.pushes = {}, .branches = branches};
  bool is_all = true;
  if (known_) {
    std::vector<BranchMove> moves = find_moves(*known_, branches);
    if (moves.empty()) return succeed(options_.every);
    is_all = moves.size() <= kPushesMax;
    if (!is_all) {
      moves.resize(kPushesMax);
      look.branches = *known_;
    }
    for (const BranchMove& move : moves) {
      look.pushes.push_back(push_of(move, options_.url, clock_.now()));
      if (move.after.empty()) look.branches.erase(move.branch);
      if (!move.after.empty()) look.branches[move.branch] = move.after;
    }
  }
  branches = look.branches;
  handlers_.on_found(std::move(look),
                     [this, branches = std::move(branches), is_all,
                      alive = std::weak_ptr<bool>(alive_)](const rt::Status& status) {
                       if (!alive.expired()) on_persisted(status, branches, is_all);
                     });
}

void GitPoll::on_persisted(const rt::Status& status, GitBranches branches, bool is_all) {
  if (!status) return fail(status.error());
  known_ = std::move(branches);
  succeed(is_all ? options_.every : rt::Nanos{0});
}

void GitPoll::succeed(rt::Nanos pause) {
  look_timer_ = loop_.after(pause, [this] { look(); });
  if (std::exchange(health_.failures_in_row, 0) > 0 && handlers_.on_recovery) {
    handlers_.on_recovery();
  }
}

void GitPoll::fail(rt::Error why) {
  health_.looks_failed += 1;
  health_.failures_in_row += 1;
  why.message = fmt::format("watching {}: {}", in_quotes(options_.url), why.message);
  health_.last_error = why.message;
  constexpr std::uint64_t kDoublingsMost = 10;
  const auto doublings = std::min(health_.failures_in_row, kDoublingsMost);
  const rt::Nanos most = std::max(kPauseMost, options_.every);
  const rt::Nanos pause = options_.every * (std::int64_t{1} << doublings);
  look_timer_ = loop_.after(std::min(pause, most), [this] { look(); });
  if (health_.failures_in_row == 1 && handlers_.on_failure) handlers_.on_failure(why);
}

}  // namespace fieldpost::coordinator

#include "coordinator/triggers/git/ls_remote.h"

#include <fmt/format.h>

#include "coordinator/triggers/git/git_names.h"
#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

constexpr std::string_view kBranches = "refs/heads/";

const std::string& commit_of(const GitBranches& branches, const std::string& branch) {
  static const std::string kNone;
  const auto found = branches.find(branch);
  return found == branches.end() ? kNone : found->second;
}

}  // namespace

rt::Result<GitBranches> parse_ls_remote(std::string_view output) {
  GitBranches branches;
  while (!output.empty()) {
    const std::size_t end = output.find('\n');
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
    const std::size_t tab = line.find('\t');
    const std::string_view commit = line.substr(0, tab);
    const std::string_view ref = tab == std::string_view::npos ? "" : line.substr(tab + 1);
    const std::string_view name = ref.substr(ref.starts_with(kBranches) ? kBranches.size() : 0);
    if (!is_commit_id(commit) || is_no_commit(commit) || !ref.starts_with(kBranches) ||
        !is_branch_name(name)) {
      return Error{Errc::kInvalid,
                   fmt::format("git ls-remote: expected a commit, a tab and a branch, found {}",
                               in_quotes(line))};
    }
    branches.insert_or_assign(std::string(name), std::string(commit));
    if (branches.size() > kGitBranchesMax) {
      return Error{Errc::kFull, fmt::format("git ls-remote: the repository has more than {} "
                                            "branches",
                                            kGitBranchesMax)};
    }
  }
  return branches;
}

std::vector<BranchMove> find_moves(const GitBranches& before, const GitBranches& after) {
  std::vector<BranchMove> moves;
  GitBranches names = before;
  names.insert(after.begin(), after.end());
  for (const auto& [branch, commit] : names) {
    const std::string& was = commit_of(before, branch);
    const std::string& is = commit_of(after, branch);
    if (was != is) moves.push_back({branch, was, is});
  }
  return moves;
}

HookEvent push_of(const BranchMove& move, const std::string& url, rt::UnixTime looked) {
  HookEvent event{.forge = Forge::kGit};
  event.kind = HookKind::kPush;
  event.said_kind = to_string(HookKind::kPush);
  event.repository = {.full_name = url, .clone_urls = {url}};
  set_ref(event, std::string(kBranches) + move.branch);
  event.commit_before = move.before;
  event.commit_after = move.after;
  event.is_truncated = true;
  event.received = looked;
  return event;
}

}  // namespace fieldpost::coordinator

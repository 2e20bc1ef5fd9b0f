#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/triggers/hook_event.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// The commit of each branch.
using GitBranches = std::map<std::string, std::string>;

inline constexpr std::size_t kGitBranchesMax = 10'000;

/// What `git ls-remote --heads` printed. kFull: more than kGitBranchesMax; kInvalid: a line that is
/// not a commit and a branch.
[[nodiscard]] rt::Result<GitBranches> parse_ls_remote(std::string_view output);

/// A branch that points to another commit than before, is new, or is gone.
struct BranchMove {
  std::string branch;
  std::string before, after;  ///< commits; empty: there was or is none
  bool operator==(const BranchMove&) const = default;
};

/// In the order of names.
[[nodiscard]] std::vector<BranchMove> find_moves(const GitBranches& before,
                                                 const GitBranches& after);

/// The move as the push of a repository whose forge told nothing: its paths are not known.
[[nodiscard]] HookEvent push_of(const BranchMove& move, const std::string& url,
                                rt::UnixTime looked);

}  // namespace fieldpost::coordinator

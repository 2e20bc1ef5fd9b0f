#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/triggers/filters/filter_pattern.h"
#include "coordinator/triggers/hook_event.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// The lists of a workflow's `push` or `pull_request`; nullopt: the key is not there.
struct FilterLists {
  std::optional<std::vector<std::string>> branches, branches_ignore;
  std::optional<std::vector<std::string>> tags, tags_ignore;
  std::optional<std::vector<std::string>> paths, paths_ignore;
};

/// Whether an event starts a workflow, and if not, why.
struct FilterVerdict {
  bool runs = false;
  std::string why_not;  ///< for people: "branch \"x\": no pattern of branches fits"
  bool operator==(const FilterVerdict&) const = default;
};

/// Which events start a workflow, as GitHub's workflows say it:
///
/// - Of a push, `branches` and `branches-ignore` look at branches, `tags` and `tags-ignore` at
///   tags. Where only lists of one kind are there, nothing of the other kind runs. A deletion does
///   not run.
/// - Of a pull request they look at the branch that it is to go to; tags do not count.
/// - `paths` wants one changed path that fits, `paths-ignore` one that does not. Both are for
///   branches and pull requests, not for tags. Where the changed paths are not known, or not all
///   and those that are known do not decide, it runs.
///
/// A value; any thread.
class EventFilters {
 public:
  /// No lists: all pushes and pull requests run.
  EventFilters() = default;
  /// kInvalid names the key: a wrong pattern, or a list together with that of what to ignore.
  static rt::Result<EventFilters> parse(const FilterLists& lists);

  [[nodiscard]] FilterVerdict judge(const HookEvent& event) const;

 private:
  /// A list, or that of what is ignored, or neither.
  struct Choice {
    std::string key;  ///< "branches-ignore"
    bool is_ignoring = false;
    std::optional<FilterPatterns> patterns;
    [[nodiscard]] bool is_set() const { return patterns.has_value(); }
    [[nodiscard]] bool wants(std::string_view name) const {
      return !patterns || patterns->pass(name) != is_ignoring;
    }
  };

  static rt::Result<Choice> parse_choice(const std::string& key,
                                         const std::optional<std::vector<std::string>>& wanted,
                                         const std::optional<std::vector<std::string>>& ignored);
  static FilterVerdict judge_name(const Choice& own, const Choice& other, std::string_view kind,
                                  const std::string& name);
  [[nodiscard]] FilterVerdict judge_paths(const HookEvent& event) const;

  Choice branches_, tags_, paths_;
};

}  // namespace fieldpost::coordinator

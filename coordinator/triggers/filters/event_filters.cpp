#include "coordinator/triggers/filters/event_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

FilterVerdict runs() {
  return {.runs = true, .why_not = {}};
}

FilterVerdict not_for(std::string why) {
  return {.runs = false, .why_not = std::move(why)};
}

}  // namespace

Result<EventFilters::Choice> EventFilters::parse_choice(
    const std::string& key, const std::optional<std::vector<std::string>>& wanted,
    const std::optional<std::vector<std::string>>& ignored) {
  Choice choice{.key = key};
  if (!wanted && !ignored) return choice;
  if (wanted && ignored) {
    return Error{Errc::kInvalid,
                 fmt::format("{0}: expected either {0} or {0}-ignore; to leave some "
                             "out of {0}, begin their patterns with '!'",
                             key)};
  }
  choice.is_ignoring = ignored.has_value();
  if (choice.is_ignoring) choice.key += "-ignore";
  auto patterns = wanted ? FilterPatterns::parse(*wanted) : FilterPatterns::parse_ignored(*ignored);
  if (!patterns) {
    return Error{Errc::kInvalid, fmt::format("{}: {}", choice.key, patterns.error().message)};
  }
  choice.patterns = *std::move(patterns);
  return choice;
}

Result<EventFilters> EventFilters::parse(const FilterLists& lists) {
  EventFilters out;
  auto branches = parse_choice("branches", lists.branches, lists.branches_ignore);
  if (!branches) return branches.error();
  auto tags = parse_choice("tags", lists.tags, lists.tags_ignore);
  if (!tags) return tags.error();
  auto paths = parse_choice("paths", lists.paths, lists.paths_ignore);
  if (!paths) return paths.error();
  out.branches_ = *std::move(branches);
  out.tags_ = *std::move(tags);
  out.paths_ = *std::move(paths);
  return out;
}

FilterVerdict EventFilters::judge(const HookEvent& event) const {
  switch (event.kind) {
    case HookKind::kPush:
      if (event.is_deletion()) return not_for(fmt::format("{} was deleted", event.ref));
      if (event.ref_kind == RefKind::kTag) {
        return judge_name(tags_, branches_, "tag", event.ref_name);
      }
      if (event.ref_kind == RefKind::kBranch) {
        const auto verdict = judge_name(branches_, tags_, "branch", event.ref_name);
        return verdict.runs ? judge_paths(event) : verdict;
      }
      return not_for(fmt::format("{} is neither a branch nor a tag", event.ref));
    case HookKind::kPullRequest: {
      if (!event.pull_request) return not_for("it says nothing of a pull request");
      const auto verdict =
          judge_name(branches_, Choice(), "branch", event.pull_request->base_branch);
      return verdict.runs ? judge_paths(event) : verdict;
    }
    case HookKind::kPing:
    case HookKind::kOther: break;
  }
  return not_for("it is neither a push nor a pull request");
}

FilterVerdict EventFilters::judge_name(const Choice& own, const Choice& other,
                                       std::string_view kind, const std::string& name) {
  if (!own.is_set() && other.is_set()) {
    return not_for(fmt::format("{} {}: only {} are looked at", kind, in_quotes(name), other.key));
  }
  if (own.wants(name)) return runs();
  return not_for(fmt::format("{} {}: {} pattern of {} fits", kind, in_quotes(name),
                             own.is_ignoring ? "a" : "no", own.key));
}

FilterVerdict EventFilters::judge_paths(const HookEvent& event) const {
  if (!paths_.is_set() || event.is_truncated || event.changed_paths.empty()) return runs();
  const bool is_wanted = std::ranges::any_of(
      event.changed_paths, [this](const std::string& path) { return paths_.wants(path); });
  if (is_wanted) return runs();
  return not_for(fmt::format("{}: none of {} changed paths is wanted", paths_.key,
                             event.changed_paths.size()));
}

}  // namespace fieldpost::coordinator

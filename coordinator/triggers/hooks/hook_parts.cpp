#include "coordinator/triggers/hooks/hook_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "coordinator/triggers/git/git_names.h"
#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;

constexpr std::size_t kHeaderBytesMax = 128;
constexpr std::size_t kUrlsMax = 4;

Error wrong(std::string_view member, std::string_view expected, std::string_view found) {
  return {Errc::kInvalid,
          fmt::format("hook: \"{}\": expected {}, found {}", member, expected, in_quotes(found))};
}

rt::Status read_commit(std::string& commit, const HookJson& body, std::string_view member) {
  std::string said = body.text(member);
  if (!is_commit_id(said)) return wrong(member, "40 or 64 hex digits of a commit", said);
  if (!is_no_commit(said)) commit = std::move(said);
  return rt::ok();
}

/// False: some of them are not known.
bool add_paths(std::set<std::string>& paths, const HookJson& commit, std::string_view member) {
  std::size_t taken = 0;
  commit.for_each_text(member, [&](std::string path) {
    taken += 1;
    if (paths.size() < kChangedPathsMax) {
      paths.insert(std::move(path));
    } else if (!paths.contains(path)) {
      taken -= 1;
    }
  });
  return taken == commit.count(member);
}

void read_paths(HookEvent& event, const HookJson& body) {
  std::set<std::string> paths;
  std::size_t commits = 0;
  body.for_each("commits", [&](const HookJson& commit) {
    commits += 1;
    for (const std::string_view member : {"added", "modified", "removed"}) {
      if (!add_paths(paths, commit, member)) event.is_truncated = true;
    }
  });
  if (commits < body.count("commits")) event.is_truncated = true;
  event.changed_paths.assign(paths.begin(), paths.end());
}

}  // namespace

std::string plain_header(const rt::HttpHeaders& headers, std::string_view name) {
  const std::string_view value = headers.get(name);
  const bool is_plain = value.size() <= kHeaderBytesMax &&
                        std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 0x7f; });
  return is_plain ? std::string(value) : std::string();
}

rt::Status read_repository(HookEvent& event, const HookJson& body, std::string_view name_path,
                           std::initializer_list<std::string_view> url_paths) {
  FP_CHECK(url_paths.size() <= kUrlsMax);
  event.repository.full_name = body.text(name_path);
  for (const std::string_view path : url_paths) {
    std::string url = body.text(path);
    if (!url.empty()) event.repository.clone_urls.push_back(std::move(url));
  }
  if (event.repository.full_name.empty()) {
    return wrong(name_path, "the name of a repository", "");
  }
  return rt::ok();
}

rt::Status read_push(HookEvent& event, const HookJson& body) {
  std::string ref = body.text("ref");
  if (!is_ref(ref)) return wrong("ref", "a ref such as refs/heads/main", ref);
  set_ref(event, std::move(ref));
  if (event.ref_kind != RefKind::kNone && !is_branch_name(event.ref_name)) {
    return wrong("ref", "a ref such as refs/heads/main", event.ref);
  }
  if (auto read = read_commit(event.commit_before, body, "before"); !read) return read;
  if (auto read = read_commit(event.commit_after, body, "after"); !read) return read;
  if (event.is_creation() && event.is_deletion()) {
    return wrong("after", "another commit than before", body.text("after"));
  }
  event.is_truncated = event.is_creation();
  read_paths(event, body);
  return rt::ok();
}

rt::Status check_pull(const PullRequest& pull) {
  if (pull.number <= 0) {
    return wrong("number", "a number from 1 on", std::to_string(pull.number));
  }
  if (!is_branch_name(pull.head_branch)) {
    return wrong("its source", "the name of a branch", pull.head_branch);
  }
  if (!is_branch_name(pull.base_branch)) {
    return wrong("its target", "the name of a branch", pull.base_branch);
  }
  if (!is_commit_id(pull.head_commit)) {
    return wrong("its commit", "40 or 64 hex digits of a commit", pull.head_commit);
  }
  return rt::ok();
}

}  // namespace fieldpost::coordinator

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/triggers/filters/event_filters.h"
#include "coordinator/triggers/filters/filter_pattern.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using Texts = std::vector<std::string>;

namespace {

bool fits(const std::string& pattern, const std::string& name) {
  const auto parsed = FilterPattern::parse(pattern);
  INFO(pattern, " and ", name);
  REQUIRE(parsed.has_value());
  return parsed->fits(name);
}

bool passes(const Texts& patterns, const std::string& name) {
  const auto parsed = FilterPatterns::parse(patterns);
  REQUIRE(parsed.has_value());
  return parsed->pass(name);
}

std::string refusal(const std::string& pattern) {
  const auto parsed = FilterPattern::parse(pattern);
  INFO(pattern);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().code == rt::Errc::kInvalid);
  return parsed.error().message;
}

bool says(const std::string& message, const std::string& what) {
  INFO(message);
  return message.find(what) != std::string::npos;
}

struct Fit {
  std::string pattern;
  Texts yes, no;
};

void check_fits(const std::vector<Fit>& table) {
  for (const Fit& row : table) {
    for (const std::string& name : row.yes) {
      INFO(row.pattern, " should fit ", name);
      CHECK(fits(row.pattern, name));
    }
    for (const std::string& name : row.no) {
      INFO(row.pattern, " should not fit ", name);
      CHECK_FALSE(fits(row.pattern, name));
    }
  }
}

HookEvent push(const std::string& ref, const Texts& paths = {"a"}, bool is_truncated = false) {
  HookEvent event;
  event.kind = HookKind::kPush;
  set_ref(event, ref);
  event.commit_before = event.commit_after = std::string(40, 'a');
  event.changed_paths = paths;
  event.is_truncated = is_truncated;
  return event;
}

HookEvent pull(const std::string& base) {
  HookEvent event;
  event.kind = HookKind::kPullRequest;
  event.pull_request.emplace().base_branch = base;
  event.is_truncated = true;
  return event;
}

EventFilters filters(const FilterLists& lists) {
  const auto parsed = EventFilters::parse(lists);
  INFO((parsed ? "" : parsed.error().message));
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

// The names are those of the tables in "Filter pattern cheat sheet", a part of
// https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax; what does not
// fit is ours.
TEST_CASE("names of branches and tags fit as in the table of GitHub's documents") {
  check_fits({
      {"feature/*", {"feature/my-branch", "feature/your-branch"}, {"feature/a/b", "feature"}},
      {"feature/**",
       {"feature/beta-a/my-branch", "feature/your-branch", "feature/mona/the/octocat"},
       {"feature", "my/feature/a"}},
      {"main", {"main"}, {"maint", "amain", "ma", ""}},
      {"releases/mona-the-octocat", {"releases/mona-the-octocat"}, {"releases"}},
      {"*", {"main", "releases"}, {"all/the/branches"}},
      {"**", {"all/the/branches", "every/tag", "main"}, {}},
      {"*feature", {"mona-feature", "feature", "ver-10-feature"}, {"a/feature", "features"}},
      {"v2*", {"v2", "v2.0", "v2.9"}, {"v1", "v2/a", "av2"}},
      {"v[12].[0-9]+.[0-9]+", {"v1.10.1", "v2.0.0"}, {"v3.0.0", "v1.0", "v1x0.0", "v1..0"}},
  });
}

TEST_CASE("paths fit as in the table of GitHub's documents") {
  check_fits({
      {"*", {"README.md", "server.rb"}, {"docs/README.md"}},
      {"*.jsx?", {"page.js", "page.jsx"}, {"page.jsxx", "page.ts", "a/page.js"}},
      {"**", {"all/the/files.md"}, {}},
      {"*.js", {"app.js", "index.js"}, {"js/index.js", "appxjs"}},
      {"**.js", {"index.js", "js/index.js", "src/js/app.js"}, {"index.jsx"}},
      {"docs/*", {"docs/README.md", "docs/file.txt"}, {"docs/a/b", "docs"}},
      {"docs/**", {"docs/README.md", "docs/mona/octocat.txt"}, {"a/docs/b"}},
      {"docs/**/*.md",
       {"docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"},
       {"README.md", "docs/a.txt"}},
      {"**/docs/**",
       {"docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"},
       {"mydocs/a", "docs"}},
      {"**/README.md", {"README.md", "js/README.md"}, {"jsREADME.md", "README.md/a"}},
      {"**/*src/**", {"a/src/app.js", "my-src/code/js/app.js"}, {"srca/b", "src"}},
      {"**/*-post.md", {"my-post.md", "path/their-post.md"}, {"post.md"}},
      {"**/migrate-*.sql",
       {"migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"},
       {"db/migrate-a/b.sql"}},
  });
  CHECK(passes({"*.md", "!README.md"}, "hello.md"));
  CHECK_FALSE(passes({"*.md", "!README.md"}, "README.md"));
  CHECK_FALSE(passes({"*.md", "!README.md"}, "docs/hello.md"));
  for (const std::string name : {"hello.md", "README.md", "README.doc"}) {
    INFO(name);
    CHECK(passes({"*.md", "!README.md", "README*"}, name));
  }
}

TEST_CASE("a pattern knows its special characters, and what stands for itself") {
  check_fits({
      {"Octoc?t", {"Octoct", "Octot"}, {"Octocat"}},
      {"a+b", {"ab", "aaab"}, {"b", "a+b"}},
      {"c\\+\\+", {"c++"}, {"cc", "c"}},
      {"a\\*", {"a*"}, {"ab"}},
      {"\\!a", {"!a"}, {"a"}},
      {"a!b", {"a!b"}, {"ab"}},
      {"[CB]at", {"Cat", "Bat"}, {"at", "cat"}},
      {"[1-2]00", {"100", "200"}, {"300"}},
      {"[a-cX_.-]", {"b", "X", "_", ".", "-"}, {"d", "x", ""}},
      {"a.b", {"a.b"}, {"axb"}},
      {"(a|b)$^{2}", {"(a|b)$^{2}"}, {"a"}},
      {"a]", {"a]"}, {"a"}},
      {"***", {"a/b"}, {}},
      {"a**/b", {"a/b", "ax/y/b"}, {"ab"}},
      {"grün?", {"grün", "grü"}, {"gr"}},
      {"grü?n", {"grün", "grn"}, {"gr\xc3n"}},
      {"*", {"", "\xff\n"}, {}},
  });
}

TEST_CASE("a wrong pattern is refused with its place") {
  CHECK(says(refusal("a*+"), "pattern \"a*+\": at its byte 3 (\"+\"): expected a character or []"));
  CHECK(says(refusal("?a"), "at its byte 1"));
  CHECK(says(refusal("a??"), "at its byte 3"));
  CHECK(says(refusal("a[bc"), "at its byte 2 (\"[\"): expected a ]"));
  CHECK(says(refusal("[]"), "expected characters"));
  CHECK(says(refusal("[!a]"), "expected letters"));
  CHECK(says(refusal("[a/b]"), "expected letters"));
  CHECK(says(refusal("[a-Z]"), "expected ranges"));
  CHECK(says(refusal("[9-0]"), "expected ranges"));
  CHECK(says(refusal("[a-_]"), "expected ranges"));
  CHECK(says(refusal("a\\"), "behind the backslash"));
  CHECK(says(refusal(""), "expected a name"));
  CHECK(says(refusal("!"), "expected a name"));
  CHECK(says(refusal("a\nb"), "control characters"));
  CHECK(says(refusal(std::string(FilterPattern::kBytesMax + 1, 'a')), "longer than 512 bytes"));
}

TEST_CASE("a pattern takes no time that grows faster than the name") {
  std::string pattern;
  for (int i = 0; i < 100; ++i) pattern += "*a";
  CHECK_FALSE(fits(pattern, std::string(4000, 'a') + "b"));
  CHECK(fits(pattern, std::string(4000, 'a')));
}

TEST_CASE("a list of patterns has some that are wanted, and an end") {
  CHECK_FALSE(FilterPatterns::parse({}).has_value());
  CHECK_FALSE(FilterPatterns::parse({"!a", "!b"}).has_value());
  CHECK_FALSE(FilterPatterns::parse_ignored({"a", "!b"}).has_value());
  CHECK_FALSE(FilterPatterns::parse(Texts(FilterPatterns::kCountMax + 1, "a")).has_value());
  CHECK(FilterPatterns::parse(Texts(FilterPatterns::kCountMax, "a")).has_value());
  CHECK_FALSE(FilterPatterns::parse({"a", "["}).has_value());
}

TEST_CASE("without lists every push and pull request runs, and nothing else") {
  const EventFilters all;
  CHECK(all.judge(push("refs/heads/a")).runs);
  CHECK(all.judge(push("refs/tags/a")).runs);
  CHECK(all.judge(pull("a")).runs);
  CHECK_FALSE(all.judge(push("refs/notes/a")).runs);
  HookEvent gone = push("refs/heads/a");
  gone.commit_after.clear();
  CHECK(says(all.judge(gone).why_not, "refs/heads/a was deleted"));
  HookEvent ping;
  ping.kind = HookKind::kPing;
  CHECK(says(all.judge(ping).why_not, "neither a push nor a pull request"));
  ping.kind = HookKind::kPullRequest;
  CHECK_FALSE(all.judge(ping).runs);
}

TEST_CASE("a list of one kind leaves out the other kind") {
  const EventFilters branches = filters({.branches = Texts{"main", "rel/**", "!rel/old"}});
  CHECK(branches.judge(push("refs/heads/main")).runs);
  CHECK(branches.judge(push("refs/heads/rel/1")).runs);
  CHECK(branches.judge(push("refs/heads/rel/old")).why_not ==
        "branch \"rel/old\": no pattern of branches fits");
  CHECK(branches.judge(push("refs/tags/main")).why_not ==
        "tag \"main\": only branches are looked at");
  const EventFilters ignored = filters({.tags_ignore = Texts{"v0.*"}});
  CHECK(ignored.judge(push("refs/tags/v1.0")).runs);
  CHECK(ignored.judge(push("refs/tags/v0.9")).why_not ==
        "tag \"v0.9\": a pattern of tags-ignore fits");
  CHECK_FALSE(ignored.judge(push("refs/heads/main")).runs);
  const EventFilters both = filters({.branches_ignore = Texts{"wip"}, .tags = Texts{"v*"}});
  CHECK(both.judge(push("refs/heads/main")).runs);
  CHECK_FALSE(both.judge(push("refs/heads/wip")).runs);
  CHECK(both.judge(push("refs/tags/v1")).runs);
  CHECK_FALSE(both.judge(push("refs/tags/w1")).runs);
}

TEST_CASE("of a pull request the branch that it goes to counts") {
  const EventFilters branches = filters({.branches = Texts{"main"}});
  CHECK(branches.judge(pull("main")).runs);
  CHECK_FALSE(branches.judge(pull("depth")).runs);
  CHECK(filters({.tags = Texts{"v*"}}).judge(pull("main")).runs);
}

TEST_CASE("one changed path that is wanted is enough, and what is not known runs") {
  const EventFilters paths = filters({.paths = Texts{"src/**", "!src/docs/**"}});
  CHECK(paths.judge(push("refs/heads/a", {"README.md", "src/a.c"})).runs);
  CHECK(paths.judge(push("refs/heads/a", {"README.md", "src/docs/a"})).why_not ==
        "paths: none of 2 changed paths is wanted");
  CHECK(paths.judge(push("refs/heads/a", {"README.md"}, true)).runs);
  CHECK(paths.judge(push("refs/heads/a", {})).runs);
  CHECK(paths.judge(push("refs/tags/a", {"README.md"})).runs);
  CHECK(paths.judge(pull("main")).runs);
  const EventFilters ignored = filters({.paths_ignore = Texts{"docs/**", "*.md"}});
  CHECK(ignored.judge(push("refs/heads/a", {"README.md", "src/a.c"})).runs);
  CHECK_FALSE(ignored.judge(push("refs/heads/a", {"README.md", "docs/a"})).runs);
  CHECK(ignored.judge(push("refs/heads/a", {"README.md"}, true)).runs);
  const EventFilters both = filters({.branches = Texts{"main"}, .paths = Texts{"src/**"}});
  CHECK_FALSE(both.judge(push("refs/heads/main", {"README.md"})).runs);
  CHECK_FALSE(both.judge(push("refs/heads/a", {"src/a.c"})).runs);
  CHECK(both.judge(push("refs/heads/main", {"src/a.c"})).runs);
}

TEST_CASE("wrong lists are refused by their key") {
  const auto message = [](const FilterLists& lists) {
    const auto parsed = EventFilters::parse(lists);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == rt::Errc::kInvalid);
    return parsed.error().message;
  };
  CHECK(says(message({.branches = Texts{"a"}, .branches_ignore = Texts{"b"}}),
             "expected either branches or branches-ignore"));
  CHECK(says(message({.tags = Texts{"["}}), "tags: pattern \"[\""));
  CHECK(says(message({.paths_ignore = Texts{"!a"}}), "paths-ignore: expected patterns without"));
  CHECK(says(message({.paths = Texts{"!a"}}), "paths: expected a pattern without"));
  CHECK(says(message({.branches = Texts{}}), "branches: expected 1 to 100 patterns, found 0"));
}

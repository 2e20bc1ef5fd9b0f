#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "coordinator/triggers/git/git_names.h"
#include "coordinator/triggers/git/ls_remote.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

const std::string kOne(40, '1');
const std::string kTwo(40, '2');

}  // namespace

TEST_CASE("commits are forty or sixty-four lower-case hex digits") {
  CHECK(is_commit_id(std::string(40, 'a')));
  CHECK(is_commit_id(std::string(64, '9')));
  for (const std::string& bad : {std::string(), std::string(39, 'a'), std::string(41, 'a'),
                                 std::string(40, 'A'), std::string(40, 'g')}) {
    INFO(bad);
    CHECK_FALSE(is_commit_id(bad));
  }
  CHECK(is_no_commit(std::string(40, '0')));
  CHECK(is_no_commit(std::string(64, '0')));
  CHECK_FALSE(is_no_commit(std::string(39, '0')));
  CHECK_FALSE(is_no_commit(kOne));
}

TEST_CASE("names of branches are those that git takes") {
  for (const std::string good : {"main", "feature/a", "v1.0", "grün", "a@b", "a-"}) {
    INFO(good);
    CHECK(is_branch_name(good));
  }
  for (const std::string bad : {"",     "-a", "@",    "a b",    "a..b",     "a~1",  "a^",   "a:b",
                                "a?",   "a*", "a[",   "a\\b",   "a@{1}",    "a.",   "a/",   "/a",
                                "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a\nb", "a\x7f"}) {
    INFO(bad);
    CHECK_FALSE(is_branch_name(bad));
  }
  CHECK_FALSE(is_branch_name(std::string(kRefBytesMax + 1, 'a')));
  CHECK(is_ref("refs/heads/main"));
  CHECK_FALSE(is_ref("heads/main"));
  CHECK_FALSE(is_ref("refs/"));
}

TEST_CASE("git is told to fetch only from where it may") {
  for (const std::string good :
       {"https://git.example/shore/buoy.git", "https://ada@git.example:8443/buoy",
        "ssh://git@git.example/buoy.git", "git://git.example/buoy", "file:///srv/git/buoy.git"}) {
    INFO(good);
    CHECK(check_git_url(good).has_value());
  }
  for (const std::string bad : {"",
                                "-uhttps://a/b",
                                "--upload-pack=x",
                                "http://git.example/a",
                                "ext::sh -c x",
                                "ext://a/b",
                                "/srv/git/a.git",
                                "git@git.example:a.git",
                                "https://",
                                "https:///a",
                                "https://git.example",
                                "https://git.example/",
                                "ssh://-oProxyCommand=x/a",
                                "ssh://-a@b/c",
                                "file://host/a",
                                "file:///",
                                "https://a b/c",
                                "https://a/b\nc",
                                "https://a/'b'",
                                "HTTPS://a/b",
                                "fd::1"}) {
    INFO(bad);
    const auto checked = check_git_url(bad);
    REQUIRE_FALSE(checked.has_value());
    CHECK(checked.error().code == rt::Errc::kInvalid);
  }
  CHECK_FALSE(check_git_url("https://a/" + std::string(kGitUrlBytesMax, 'b')).has_value());
}

TEST_CASE("a password in an address is refused, and not repeated") {
  const auto checked = check_git_url("https://ada:secret@git.example/a");
  REQUIRE_FALSE(checked.has_value());
  CHECK(checked.error().message.find("holds a password") != std::string::npos);
  CHECK(checked.error().message.find("secret") == std::string::npos);
}

TEST_CASE("what git says of branches is read strictly") {
  const auto branches =
      parse_ls_remote(kOne + "\trefs/heads/main\n" + kTwo + "\trefs/heads/feature/a\n");
  REQUIRE(branches.has_value());
  CHECK(*branches == GitBranches{{"main", kOne}, {"feature/a", kTwo}});
  CHECK(parse_ls_remote("").value_or({{"x", ""}}).empty());
  for (const std::string& bad :
       {std::string("warning: x\n"), kOne + " refs/heads/a\n", kOne + "\trefs/tags/a\n",
        kOne + "\trefs/heads/\n", kOne + "\trefs/heads/-a\n", std::string("\n"),
        std::string(40, '0') + "\trefs/heads/a\n", kOne + "\tHEAD\n"}) {
    INFO(bad);
    const auto read = parse_ls_remote(bad);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().code == rt::Errc::kInvalid);
  }
  std::string many;
  for (std::size_t i = 0; i <= kGitBranchesMax; ++i) {
    many += kOne + "\trefs/heads/b" + std::to_string(i) + "\n";
  }
  CHECK(parse_ls_remote(many).error().code == rt::Errc::kFull);
}

TEST_CASE("branches that moved, came and went are found, and no others") {
  const GitBranches before{{"gone", kOne}, {"main", kOne}, {"same", kOne}};
  const GitBranches after{{"main", kTwo}, {"new", kTwo}, {"same", kOne}};
  CHECK(find_moves(before, after) ==
        std::vector<BranchMove>{{"gone", kOne, ""}, {"main", kOne, kTwo}, {"new", "", kTwo}});
  const HookEvent event = push_of({"main", kOne, kTwo}, "file:///a", {7});
  CHECK(event.forge == Forge::kGit);
  CHECK(event.kind == HookKind::kPush);
  CHECK(event.ref == "refs/heads/main");
  CHECK(event.ref_name == "main");
  CHECK(event.repository.full_name == "file:///a");
  CHECK(event.is_truncated);
  CHECK(event.received == rt::UnixTime{7});
}

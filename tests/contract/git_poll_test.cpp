// What watches repositories, with the git that is installed.
#include "coordinator/triggers/git/git_poll.h"

#include <optional>

#include "proto/rt/system_clock.h"
#include "tests/contract/rigs.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using coordinator::GitBranches;
using coordinator::GitLook;
using coordinator::GitPoll;

/// A repository, and looks at it: one of each GitPoll.
struct GitRig : RealSpawnerRig {
  TempDirectory directory;
  rt::SystemClock clock;

  /// Runs in the repository, whatever git is configured to do on this machine.
  void git(const std::string& arguments) const {
    const auto outcome =
        run_command("GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 git -C '" +
                    directory.path() + "' -c user.name=a -c user.email=a@example.org " + arguments);
    INFO(outcome.out);
    REQUIRE(outcome.exit_code == 0);
  }

  /// nullopt: nothing was found, or the look failed, see `failure`.
  std::optional<GitLook> look(const std::optional<GitBranches>& known, const std::string& url) {
    std::optional<GitLook> found;
    GitPoll poll(loop, spawner, clock, {.url = url}, known,
                 {[&](GitLook each, const std::function<void(rt::Status)>& done) {
                    found = std::move(each);
                    done(rt::ok());
                  },
                  [&](const rt::Error& why) { failure = why.message; }, nullptr});
    CHECK(run_until([&] { return found.has_value() || !failure.empty(); }));
    return found;
  }
  [[nodiscard]] std::string url() const { return "file://" + directory.path(); }

  std::string failure;
};

TEST_CASE("the real git tells the branches of a repository, and where they moved") {
  GitRig rig;
  rig.git("init -q");
  rig.git("checkout -q -b main");
  rig.git("commit -q --allow-empty -m one");
  const auto first = rig.look(std::nullopt, rig.url());
  INFO(rig.failure);
  REQUIRE(first.has_value());
  CHECK(first->pushes.empty());
  REQUIRE(first->branches.size() == 1);
  CHECK(first->branches.begin()->first == "main");
  rig.git("commit -q --allow-empty -m two");
  rig.git("tag v1");
  rig.git("branch feature/a");
  const auto second = rig.look(first->branches, rig.url());
  INFO(rig.failure);
  REQUIRE(second.has_value());
  REQUIRE(second->pushes.size() == 2);
  CHECK(second->pushes[0].ref == "refs/heads/feature/a");
  CHECK(second->pushes[0].is_creation());
  CHECK(second->pushes[1].ref == "refs/heads/main");
  CHECK(second->pushes[1].commit_before == first->branches.at("main"));
  CHECK(second->pushes[1].commit_after == second->branches.at("main"));
}

TEST_CASE("a repository that is not there is told in the words of the real git") {
  GitRig rig;
  CHECK_FALSE(rig.look(std::nullopt, rig.url() + "/nowhere").has_value());
  INFO(rig.failure);
  CHECK(rig.failure.find("fatal: ") != std::string::npos);
}

}  // namespace
}  // namespace fieldpost::test

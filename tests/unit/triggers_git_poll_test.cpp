#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/triggers/git/git_poll.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_spawner.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using coordinator::GitBranches;
using coordinator::GitLook;
using coordinator::GitPoll;
using coordinator::GitPollOptions;
using coordinator::HookEvent;

namespace {

const std::string kOne(40, '1'), kTwo(40, '2'), kThree(40, '3');

/// "main 1111111>2222222" of each push.
std::vector<std::string> told(const std::vector<HookEvent>& pushes) {
  std::vector<std::string> out;
  for (const HookEvent& push : pushes) {
    out.push_back(push.ref_name + " " + push.commit_before.substr(0, 1) + ">" +
                  push.commit_after.substr(0, 1));
  }
  return out;
}

struct Watched {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimSpawner spawner{loop};
  GitPollOptions options{.url = "https://git.example/buoy.git"};
  std::vector<GitLook> looks;
  std::vector<std::string> failures;
  int recoveries = 0;
  bool persists_at_once = true;
  rt::Status persisted = rt::ok();
  std::function<void(rt::Status)> done;
  std::unique_ptr<GitPoll> poll;

  void start(std::optional<GitBranches> known = std::nullopt) {
    poll = std::make_unique<GitPoll>(
        loop, spawner, clock, options, std::move(known),
        GitPoll::Handlers{[this](GitLook look, std::function<void(rt::Status)> when_done) {
                            looks.push_back(std::move(look));
                            if (persists_at_once) return when_done(persisted);
                            done = std::move(when_done);
                          },
                          [this](const rt::Error& why) { failures.push_back(why.message); },
                          [this] { recoveries += 1; }});
  }

  void show(const GitBranches& branches) {
    std::string out;
    for (const auto& [branch, commit] : branches) out += commit + "\trefs/heads/" + branch + "\n";
    print(out);
  }
  /// In two pieces, cut anywhere.
  void print(const std::string& out) {
    const std::size_t half = out.size() / 2;
    spawner.install("git", {.steps = {{1ms, out.substr(0, half), ""}, {1ms, out.substr(half), ""}},
                            .exit = {}});
  }
  void break_git(const std::string& said) {
    spawner.install("git", {.steps = {{1ms, "", said}}, .exit = {.code = 128, .signal = 0}});
  }
  [[nodiscard]] std::size_t runs() const { return spawner.spawned().size(); }
};

}  // namespace

TEST_CASE("the first look only notes, and later ones tell what moved") {
  Watched watched;
  watched.show({{"main", kOne}});
  watched.start();
  watched.world.run_for(1s);
  REQUIRE(watched.looks.size() == 1);
  CHECK(watched.looks[0].pushes.empty());
  CHECK(watched.looks[0].branches == GitBranches{{"main", kOne}});
  watched.world.run_for(60s);
  CHECK(watched.looks.size() == 1);  // nothing is other than before
  watched.show({{"main", kTwo}, {"new", kThree}});
  watched.world.run_for(60s);
  REQUIRE(watched.looks.size() == 2);
  CHECK(told(watched.looks[1].pushes) == std::vector<std::string>{"main 1>2", "new >3"});
  CHECK(watched.looks[1].pushes[0].received > rt::UnixTime{0});
  watched.show({{"main", kTwo}});
  watched.world.run_for(60s);
  REQUIRE(watched.looks.size() == 3);
  CHECK(told(watched.looks[2].pushes) == std::vector<std::string>{"new 3>"});
  CHECK(watched.looks[2].pushes[0].is_deletion());
  CHECK(watched.failures.empty());
}

TEST_CASE("git is run without a terminal, by the schemes that are allowed") {
  Watched watched;
  watched.show({});
  watched.start();
  watched.world.run_for(1s);
  REQUIRE(watched.runs() == 1);
  const rt::SpawnOptions& run = watched.spawner.spawned()[0];
  CHECK(run.argv == std::vector<std::string>{"git", "ls-remote", "--heads", "--",
                                             "https://git.example/buoy.git"});
  const auto has = [&](const std::string& variable) {
    return std::ranges::find(run.environment, variable) != run.environment.end();
  };
  CHECK(has("GIT_TERMINAL_PROMPT=0"));
  CHECK(has("GIT_ALLOW_PROTOCOL=https:ssh:git:file"));
  CHECK(run.dies_with_us);
}

TEST_CASE("what moved while nobody looked is told from what was persisted") {
  Watched watched;
  watched.show({{"main", kTwo}});
  watched.start(GitBranches{{"main", kOne}});
  watched.world.run_for(1s);
  REQUIRE(watched.looks.size() == 1);
  CHECK(told(watched.looks[0].pushes) == std::vector<std::string>{"main 1>2"});
}

TEST_CASE("a look waits until the one before is persisted, and tells the same when that fails") {
  Watched watched;
  watched.persists_at_once = false;
  watched.show({{"main", kTwo}});
  watched.start(GitBranches{{"main", kOne}});
  watched.world.run_for(600s);
  CHECK(watched.runs() == 1);
  watched.done(rt::Error{rt::Errc::kIo, "the disk is gone"});
  REQUIRE(watched.failures.size() == 1);
  CHECK(watched.failures[0].find("the disk is gone") != std::string::npos);
  watched.world.run_for(121s);
  REQUIRE(watched.looks.size() == 2);
  CHECK(told(watched.looks[1].pushes) == std::vector<std::string>{"main 1>2"});
  watched.done(rt::ok());
  CHECK(watched.recoveries == 1);
  watched.world.run_for(61s);
  CHECK(watched.runs() == 3);
  CHECK(watched.looks.size() == 2);
}

TEST_CASE("persisting may end after the watching") {
  Watched watched;
  watched.persists_at_once = false;
  watched.show({{"main", kTwo}});
  watched.start();
  watched.world.run_for(1s);
  watched.poll.reset();
  watched.done(rt::ok());
  watched.world.run_for(600s);
  CHECK(watched.runs() == 1);
}

TEST_CASE("failures are told once, back off, and end") {
  Watched watched;
  watched.break_git("a\nPermission denied.\nfatal: not read\nPlease make sure\nof that.\n");
  watched.start(GitBranches{{"main", kOne}});
  watched.world.run_for(1s);
  REQUIRE(watched.failures.size() == 1);
  CHECK(watched.failures[0] ==
        "watching \"https://git.example/buoy.git\": \"Permission denied.; fatal: not read\"");
  watched.world.run_for(120s);
  CHECK(watched.runs() == 2);
  watched.world.run_for(240s);
  CHECK(watched.runs() == 3);
  watched.world.run_for(24h);
  CHECK(watched.runs() < 3 + 24 + 6);
  CHECK(watched.runs() > 24);
  CHECK(watched.failures.size() == 1);
  CHECK(watched.poll->health().failures_in_row == watched.runs());
  watched.show({{"main", kTwo}});
  watched.world.run_for(1h + 1s);
  CHECK(watched.recoveries == 1);
  REQUIRE(watched.looks.size() == 1);
  CHECK(told(watched.looks[0].pushes) == std::vector<std::string>{"main 1>2"});
  const std::size_t runs = watched.runs();
  watched.world.run_for(61s);
  CHECK(watched.runs() > runs);
  watched.break_git("");
  watched.world.run_for(61s);
  REQUIRE(watched.failures.size() == 2);
  CHECK(watched.failures[1].ends_with("exit code 128"));
}

TEST_CASE("a git that hangs is ended") {
  Watched watched;
  watched.spawner.install("git", {.steps = {}, .exit = {}, .hangs = true, .ignores_sigterm = true});
  watched.start();
  watched.world.run_for(GitPoll::kLookMost + 1s);
  REQUIRE(watched.failures.size() == 1);
  CHECK(watched.failures[0].ends_with("git did not end within 60 s"));
  watched.show({{"main", kOne}});
  watched.world.run_for(180s);
  CHECK(watched.looks.size() == 1);
}

TEST_CASE("a git that is not there, nonsense and floods are failures") {
  Watched missing;
  missing.start();
  missing.world.run_for(1s);
  REQUIRE(missing.failures.size() == 1);
  CHECK(missing.failures[0].find("no such program") != std::string::npos);
  Watched nonsense;
  nonsense.print("<html>\n");
  nonsense.start();
  nonsense.world.run_for(1s);
  REQUIRE(nonsense.failures.size() == 1);
  CHECK(nonsense.failures[0].find("<html>") != std::string::npos);
  Watched flood;
  flood.print(std::string(GitPoll::kOutputBytesMax + 2, 'x'));
  flood.start();
  flood.world.run_for(1s);
  REQUIRE(flood.failures.size() == 1);
  CHECK(flood.failures[0].ends_with("git printed more than 4194304 bytes"));
}

TEST_CASE("a repository that suddenly has no branches is in trouble, and they are not gone") {
  Watched watched;
  watched.print("");
  watched.start(GitBranches{{"main", kOne}});
  watched.world.run_for(1s);
  REQUIRE(watched.failures.size() == 1);
  CHECK(watched.failures[0].ends_with("it has no branches any more"));
  CHECK(watched.looks.empty());
  watched.show({{"main", kOne}});
  watched.world.run_for(121s);
  CHECK(watched.recoveries == 1);
  CHECK(watched.looks.empty());
}

TEST_CASE("an empty repository is noted, and its first branch is new") {
  Watched watched;
  watched.print("");
  watched.start();
  watched.world.run_for(1s);
  CHECK(watched.looks.size() == 1);
  watched.show({{"main", kOne}});
  watched.world.run_for(61s);
  REQUIRE(watched.looks.size() == 2);
  CHECK(told(watched.looks[1].pushes) == std::vector<std::string>{"main >1"});
}

TEST_CASE("more moves than one look tells are told by the next, at once") {
  Watched watched;
  GitBranches before, after;
  for (std::size_t i = 0; i < GitPoll::kPushesMax + 5; ++i) {
    before["b" + std::to_string(i)] = kOne;
    after["b" + std::to_string(i)] = kTwo;
  }
  watched.show(after);
  watched.start(before);
  watched.world.run_for(5s);
  REQUIRE(watched.looks.size() == 2);
  CHECK(watched.looks[0].pushes.size() == GitPoll::kPushesMax);
  CHECK(watched.looks[0].branches != after);
  CHECK(watched.looks[1].pushes.size() == 5);
  CHECK(watched.looks[1].branches == after);
}

TEST_CASE("the first look may wait, and one under way ends with the watching") {
  Watched watched;
  watched.options.first_after = 30s;
  watched.spawner.install("git", {.steps = {{20s, kOne + "\trefs/heads/main\n", ""}}, .exit = {}});
  watched.start();
  watched.world.run_for(29s);
  CHECK(watched.runs() == 0);
  watched.world.run_for(2s);
  CHECK(watched.runs() == 1);
  watched.poll.reset();
  watched.world.run_for(600s);
  CHECK(watched.runs() == 1);
  CHECK(watched.looks.empty());
}

TEST_CASE("options are checked before anything runs") {
  CHECK(GitPoll::check({.url = "file:///a"}).has_value());
  CHECK_FALSE(GitPoll::check({.url = "-x"}).has_value());
  CHECK_FALSE(GitPoll::check({.url = "file:///a", .every = 9s}).has_value());
  CHECK_FALSE(GitPoll::check({.url = "file:///a", .every = 25h}).has_value());
}

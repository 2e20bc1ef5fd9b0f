#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <optional>

#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

using rt::Errc;

/// A child and all that it said.
struct Watched {
  rt::SpawnHandlers handlers() {
    return {.on_stdout = [this](const std::string& bytes) { out += bytes; },
            .on_stderr = [this](const std::string& bytes) { err += bytes; },
            .on_exit = [this](rt::ExitStatus status) { exit = status; }};
  }
  template <typename Rig>
  void start(Rig& rig, std::vector<std::string> argv) {
    auto spawned = rig.spawner.spawn({.argv = std::move(argv), .environment = {}, .directory = {}},
                                     handlers());
    REQUIRE(spawned.has_value());
    child = std::move(*spawned);
  }
  std::unique_ptr<rt::Child> child;
  std::string out, err;
  std::optional<rt::ExitStatus> exit;
};

bool group_exists(pid_t group) {
  return ::kill(-group, 0) == 0;
}

/// Orphans of the group are reaped by somebody else, whom no event of ours tells of.
bool goes_away(RealSpawnerRig& rig, pid_t group) {
  std::function<void()> look = [&] { rig.loop.after(rt::Millis{2}, look); };
  look();
  return rig.run_until([&] { return !group_exists(group); });
}

TEST_CASE_TEMPLATE("a child's words come apart, then its exit code", Rig, RealSpawnerRig,
                   SimSpawnerRig) {
  Rig rig;
  Watched talker;
  talker.start(rig, rig.argv("talker"));
  CHECK(rig.run_until([&] { return talker.exit.has_value(); }));
  CHECK(talker.out == "one\nthree\n");
  CHECK(talker.err == "two\n");
  CHECK(talker.exit->code == 7);
  CHECK(talker.exit->signal == 0);
}

TEST_CASE_TEMPLATE("a signal ends the group, and is told as such", Rig, RealSpawnerRig,
                   SimSpawnerRig) {
  Rig rig;
  Watched hanger;
  hanger.start(rig, rig.argv("hanger"));
  CHECK(rig.run_until([&] { return hanger.out == "up\n"; }));
  hanger.child->signal_group(SIGTERM);
  CHECK(rig.run_until([&] { return hanger.exit.has_value(); }));
  CHECK(hanger.exit->signal == SIGTERM);
}

TEST_CASE_TEMPLATE("who ignores SIGTERM falls to SIGKILL", Rig, RealSpawnerRig, SimSpawnerRig) {
  Rig rig;
  Watched stubborn;
  stubborn.start(rig, rig.argv("stubborn"));
  CHECK(rig.run_until([&] { return stubborn.out == "up\n"; }));
  stubborn.child->signal_group(SIGTERM);
  rig.run_for(rt::Millis{20});
  CHECK_FALSE(stubborn.exit.has_value());
  stubborn.child->signal_group(SIGKILL);
  CHECK(rig.run_until([&] { return stubborn.exit.has_value(); }));
  CHECK(stubborn.exit->signal == SIGKILL);
}

TEST_CASE_TEMPLATE("a dropped child calls nothing any more", Rig, RealSpawnerRig, SimSpawnerRig) {
  Rig rig;
  Watched hanger;
  hanger.start(rig, rig.argv("hanger"));
  CHECK(rig.run_until([&] { return hanger.out == "up\n"; }));
  hanger.child.reset();
  rig.run_for(rt::Millis{50});
  CHECK_FALSE(hanger.exit.has_value());
}

TEST_CASE_TEMPLATE("a program that does not exist is kNotFound, none at all kInvalid", Rig,
                   RealSpawnerRig, SimSpawnerRig) {
  Rig rig;
  Watched none;
  rt::SpawnOptions options;
  options.argv = rig.argv("none");
  CHECK(rig.spawner.spawn(options, none.handlers()).error().code == Errc::kNotFound);
  options.argv.clear();
  CHECK(rig.spawner.spawn(options, none.handlers()).error().code == Errc::kInvalid);
}

TEST_CASE_TEMPLATE("a child may be dropped by its own handler", Rig, RealSpawnerRig,
                   SimSpawnerRig) {
  Rig rig;
  Watched talker;
  auto handlers = talker.handlers();
  bool dropped = false;
  handlers.on_exit = [&](rt::ExitStatus) {
    talker.child.reset();
    dropped = true;
  };
  rt::SpawnOptions options;
  options.argv = rig.argv("talker");
  talker.child = std::move(*rig.spawner.spawn(options, std::move(handlers)));
  CHECK(rig.run_until([&] { return dropped; }));
}

TEST_CASE("environment, directory, empty input and default signals reach a real child") {
  RealSpawnerRig rig;
  const TempDirectory directory;
  Watched child;
  const rt::SpawnOptions options{.argv = {"sh", "-c",
                                          "pwd; echo $GREETING; cat; ls /proc/self/fd | wc -l; "
                                          "grep SigIgn /proc/self/status | cut -f2"},
                                 .environment = {"GREETING=hello"},
                                 .directory = directory.path()};
  child.child = std::move(*rig.spawner.spawn(options, child.handlers()));
  CHECK(rig.run_until([&] { return child.exit.has_value(); }));
  // 0, 1, 2 and the one that ls itself has open
  const auto place = std::filesystem::canonical(directory.path()).string();
  REQUIRE(child.out.starts_with(place + "\nhello\n4\n"));
  const std::string ignored = child.out.substr(place.size() + 9);
  CHECK((std::stoull(ignored, nullptr, 16) & (1ULL << (SIGPIPE - 1))) == 0);
  CHECK(child.err.empty());
}

TEST_CASE("dropping a real child kills its whole group and leaves no zombie") {
  RealSpawnerRig rig;
  Watched child;
  child.start(rig, {"sh", "-c", "echo $$; sleep 1000 & sleep 1000 & wait"});
  CHECK(rig.run_until([&] { return child.out.ends_with('\n'); }));
  const pid_t group = std::stoi(child.out);
  REQUIRE(group_exists(group));
  child.child.reset();
  CHECK(goes_away(rig, group));
}

TEST_CASE("a real child that exits takes what it left in the background with it") {
  RealSpawnerRig rig;
  Watched child;
  child.start(rig, {"sh", "-c", "sleep 1000 & echo $$"});
  CHECK(rig.run_until([&] { return child.exit.has_value(); }));
  const pid_t group = std::stoi(child.out);
  CHECK(goes_away(rig, group));
}

TEST_CASE("a real child that dies with us does when we are killed") {
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  const pid_t bridge = ::fork();
  REQUIRE(bridge >= 0);
  if (bridge == 0) {
    rt::RealLoop loop;
    rt::ProcessSpawner spawner(loop);
    const auto child = spawner.spawn({.argv = {"sh", "-c", "echo $$; exec sleep 1000"},
                                      .environment = {},
                                      .directory = {},
                                      .dies_with_us = true},
                                     {.on_stdout =
                                          [&](const std::string& bytes) {
                                            if (::write(ends[1], bytes.data(), bytes.size()) < 0)
                                              ::_exit(1);
                                          },
                                      .on_stderr = {},
                                      .on_exit = [](rt::ExitStatus) { ::_exit(1); }});
    if (child) loop.run_until([] { return false; }, kPatience);
    ::_exit(1);
  }
  ::close(ends[1]);
  char said[32] = {};
  const ssize_t size = ::read(ends[0], said, sizeof said - 1);
  ::close(ends[0]);
  ::kill(bridge, SIGKILL);
  CHECK(::waitpid(bridge, nullptr, 0) == bridge);
  REQUIRE(size > 0);
  RealSpawnerRig rig;
  CHECK(goes_away(rig, std::stoi(said)));
}

TEST_CASE("a program that is not there is told by the exit of who would have died with us") {
  RealSpawnerRig rig;
  Watched none;
  none.child = std::move(*rig.spawner.spawn({.argv = rig.argv("none"),
                                             .environment = {"LC_ALL=C"},
                                             .directory = {},
                                             .dies_with_us = true},
                                            none.handlers()));
  CHECK(rig.run_until([&] { return none.exit.has_value(); }));
  CHECK(none.exit->code == 127);
  CHECK(none.err.find("failed to execute") != std::string::npos);
}

TEST_CASE("a loop that ends kills and reaps what still runs on it") {
  pid_t group = 0;
  {
    RealSpawnerRig rig;
    Watched child;
    child.start(rig, {"sh", "-c", "echo $$; exec sleep 1000"});
    CHECK(rig.run_until([&] { return child.out.ends_with('\n'); }));
    group = std::stoi(child.out);
    child.child.reset();
  }
  CHECK_FALSE(group_exists(group));
}

TEST_CASE("all of a large output comes before the exit") {
  RealSpawnerRig rig;
  Watched child;
  child.start(rig, {"sh", "-c", "head -c 3000000 /dev/zero"});
  CHECK(rig.run_until([&] { return child.exit.has_value(); }));
  CHECK(child.out.size() == 3'000'000);
}

TEST_CASE_TEMPLATE("a child that nobody listens to stands still, and goes on afterwards", Rig,
                   RealSpawnerRig, SimSpawnerRig) {
  Rig rig;
  Watched hanger;
  hanger.start(rig, rig.argv("hanger"));
  hanger.child->set_reading(false);
  rig.run_for(rt::Millis{50});
  CHECK(hanger.out.empty());
  hanger.child->set_reading(true);
  CHECK(rig.run_until([&] { return hanger.out == "up\n"; }));
}

TEST_CASE("a real child that nobody listens to waits with a full pipe") {
  RealSpawnerRig rig;
  Watched child;
  child.start(rig, {"sh", "-c", "head -c 1000000 /dev/zero; echo end"});
  child.child->set_reading(false);
  rig.run_for(rt::Millis{100});
  CHECK(child.out.empty());
  CHECK_FALSE(child.exit.has_value());
  child.child->set_reading(true);
  CHECK(rig.run_until([&] { return child.exit.has_value(); }));
  CHECK(child.out.size() == 1'000'004);
}

TEST_CASE_TEMPLATE("both of a child's voices come in their order where it was asked for", Rig,
                   RealSpawnerRig, SimSpawnerRig) {
  Rig rig;
  Watched talker;
  rt::SpawnOptions options;
  options.argv = rig.argv("talker");
  options.stderr_to_stdout = true;
  talker.child = std::move(*rig.spawner.spawn(options, talker.handlers()));
  CHECK(rig.run_until([&] { return talker.exit.has_value(); }));
  CHECK(talker.out == "one\ntwo\nthree\n");
  CHECK(talker.err.empty());
}

TEST_CASE("a real child can be given an environment without ours") {
  RealSpawnerRig rig;
  Watched child;
  rt::SpawnOptions options;
  options.argv = {"/usr/bin/env"};
  options.environment = {"GREETING=hello"};
  options.only_this_environment = true;
  child.child = std::move(*rig.spawner.spawn(options, child.handlers()));
  CHECK(rig.run_until([&] { return child.exit.has_value(); }));
  CHECK(child.out == "GREETING=hello\n");
}

}  // namespace
}  // namespace fieldpost::test

// The runner with real processes: bash in bubblewrap and in cgroups, git, and the program itself.
#include "agent/runner/runner.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "agent/runner/job/plain_conditions.h"
#include "agent/runner/run/job_desk.h"
#include "agent/runner/sandbox/real_cgroups.h"
#include "proto/rt/process_spawner.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "tests/support/daemon_process.h"
#include "tests/support/may_skip.h"
#include "tests/support/plain_socket.h"
#include "tests/support/real_site.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace agent::runner;         // NOLINT: what is tested
using nlohmann::json;

constexpr rt::Seconds kPatience{60};
const std::string kJob = "0123456789abcdef0123456789abcdef";
const std::vector<std::string> kSystem = {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc"};

bool has_bubblewrap() {
  return run_command("bwrap --unshare-all --ro-bind / / --proc /proc true").exit_code == 0;
}

/// A desk over the machine itself.
struct Machine {
  TempDirectory directory;
  rt::RealLoop loop;
  rt::SystemClock clock;
  rt::SystemFiles files;
  rt::StderrLog log{{rt::LogLevel::kWarning, false}};
  rt::ProcessSpawner spawner{loop};
  std::string why_not;
  RealCgroups cgroups = RealCgroups::open(files, why_not);
  PlainConditions conditions;
  std::unique_ptr<JobDesk> desk;

  explicit Machine(bool bubblewrap) {
    JobDesk::Options options;
    options.state_directory = directory.path();
    options.cache_bytes_max = 100 << 20;
    options.run.sandbox = {bubblewrap, kSystem};
    options.run.isolation = isolation_of(cgroups, bubblewrap);
    options.run.git_protocols = "file";
    desk =
        JobDesk::open({loop, clock, log, files, spawner, cgroups, conditions}, std::move(options))
            .value();
  }
  void start(const json& steps, const json& more = json::object()) const {
    json spec = {{"job", kJob}, {"fence", 1}, {"steps", steps}};
    spec.update(more);
    const auto started = desk->start(spec.dump());
    const std::string why = started ? "" : started.error().message;
    INFO(why);
    REQUIRE(started.has_value());
  }
  bool wait(const std::function<bool()>& condition) { return loop.run_until(condition, kPatience); }
  /// The last fact of the job.
  json end() {
    REQUIRE(wait([&] { return desk->reports().at(0).ended; }));
    return json::parse(desk->facts(kJob, 0)->back());
  }
  json run(const json& steps, const json& more = json::object()) {
    start(steps, more);
    return end();
  }
  [[nodiscard]] std::string said() const { return desk->log(kJob, 0, 1 << 20)->bytes; }
};

json step(const std::string& run) {
  return {{"run", run}};
}

TEST_CASE("steps in a sandbox pass things on, see nothing of ours, and have no network") {
  if (!has_bubblewrap()) {
    REQUIRE(may_skip("bubblewrap cannot make namespaces, so no sandbox was shown"));
    return;
  }
  Machine machine(true);
  std::ofstream(machine.directory.file("secret")) << "of ours";
  const json end = machine.run(
      {{{"id", "one"},
        {"run",
         "echo deb=a.deb >>$GITHUB_OUTPUT\n"
         "echo WORD=hello >>$GITHUB_ENV\n"
         "mkdir -p \"$HOME/bin\"; printf '#!/bin/sh\\necho tool\\n' >\"$HOME/bin/tool\"\n"
         "chmod +x \"$HOME/bin/tool\"; echo \"$HOME/bin\" >>$GITHUB_PATH\n"
         "echo content >a.deb"}},
       step("echo $WORD; tool; cat ${{ steps.one.outputs.deb }}; pwd; id -u"),
       step("if ls " + machine.directory.path() +
            "; then exit 1; fi\n"
            "if touch /usr/x; then exit 2; fi\n"
            "[ $(wc -l </proc/net/route) = 1 ]\n"
            "[ $(ls /proc | grep -c '^[0-9]') -lt 10 ]\n"
            "grep CapEff /proc/self/status")},
      {{"outputs", {{"deb", "${{ steps.one.outputs.deb }}"}}},
       {"artifacts", json::array({{{"name", "deb"}, {"paths", {"*.deb"}}}})}});
  INFO(machine.said());
  CHECK(end["verdict"] == "passed");
  CHECK(end["outputs"]["deb"] == "a.deb");
  CHECK(machine.said().find("hello\ntool\ncontent\n/build/workspace\n") != std::string::npos);
  CHECK(machine.said().find("CapEff:\t0000000000000000\n") != std::string::npos);
  CHECK(machine.desk->artifact(kJob, "deb", 0, 100)->bytes == "content\n");
  CHECK(machine.files.list(machine.directory.file("work")).value().empty());
}

TEST_CASE("without a sandbox, jobs run all the same") {
  Machine machine(false);
  const json end = machine.run(
      {step("echo out; echo err >&2; false"), {{"if", "always()"}, {"run", "echo swept"}}});
  CHECK(end["verdict"] == "failed");
  CHECK(end["why"] == "step 1 (echo out; echo err >&2; false): exit code 1");
  CHECK(machine.said().find("out\nerr\n") != std::string::npos);
  CHECK(machine.said().find("swept\n") != std::string::npos);
}

TEST_CASE("who is cancelled may clean up, and what ignores it does not stay") {
  const bool bubblewrap = has_bubblewrap();
  Machine machine(bubblewrap);
  machine.start(
      {step("trap 'echo cleaned; exit 1' TERM; echo up; sleep 1000 & wait"), step("echo never")});
  REQUIRE(machine.wait([&] { return machine.said().find("up\n") != std::string::npos; }));
  REQUIRE(machine.desk->cancel(kJob, 1, "test").has_value());
  const json end = machine.end();
  CHECK(end["verdict"] == "cancelled");
  CHECK(machine.said().find("never") == std::string::npos);
  // Without cgroups, who is in a sandbox cannot be told, and all of it is ended at once.
  if (!bubblewrap || machine.cgroups.kind() != CgroupKind::kNone) {
    CHECK(machine.said().find("cleaned\n") != std::string::npos);
  }
}

TEST_CASE("what a step leaves in the background ends with it") {
  Machine machine(has_bubblewrap());
  const std::string mark = fmt::format("1001.{}", ::getpid());
  const json end = machine.run({step("setsid sleep " + mark + " & echo left"), step("echo on")});
  CHECK(end["verdict"] == "passed");
  if (machine.cgroups.kind() == CgroupKind::kNone && !has_bubblewrap()) return;
  CHECK(
      machine.wait([&] { return run_command("pgrep -f '^sleep " + mark + "$'").exit_code != 0; }));
}

TEST_CASE("what needs more memory than it may have is told as such") {
  Machine machine(has_bubblewrap());
  if (machine.cgroups.kind() == CgroupKind::kNone) {
    REQUIRE(may_skip("no cgroups are to be had, so no memory was bounded"));
    return;
  }
  const json end =
      machine.run({step("head -c 300000000 /dev/zero | tail")}, {{"memory_max", 64 << 20}});
  INFO(machine.said());
  CHECK(end["verdict"] == "out_of_memory");
  CHECK(machine.wait([&] { return machine.cgroups.list().empty(); }));
}

TEST_CASE("a repository is checked out at a commit, once from afar and then from its mirror") {
  Machine machine(has_bubblewrap());
  const TempDirectory elsewhere;
  const std::string git = "git -C " + elsewhere.path() + " -c user.name=a -c user.email=b@c ";
  REQUIRE(run_command(git + "init -q; echo one >" + elsewhere.file("f") + "; " + git + "add f; " +
                      git + "commit -qm one")
              .exit_code == 0);
  std::string commit = run_command(git + "rev-parse HEAD").out;
  commit.pop_back();
  const json source = {{"source", {{"repository", elsewhere.path()}, {"commit", commit}}}};
  json end = machine.run({step("cat f; git log --format=%s; git status --short")}, source);
  INFO(machine.said());
  CHECK(end["verdict"] == "passed");
  CHECK(machine.said().find("one\none\n") != std::string::npos);
  REQUIRE(machine.desk->forget(kJob).has_value());

  REQUIRE(run_command("rm -rf " + elsewhere.path() + "/.git").exit_code == 0);
  end = machine.run({step("cat f")}, source);
  CHECK(end["verdict"] == "passed");
  REQUIRE(machine.desk->forget(kJob).has_value());

  const json other = {
      {"source", {{"repository", elsewhere.path()}, {"commit", std::string(40, '0')}}}};
  end = machine.run({step("cat f")}, other);
  CHECK(end["verdict"] == "failed");
  CHECK(end["why"].get<std::string>().starts_with("checkout: exit code 128: "));
}

TEST_CASE("directories are kept from one job for the next") {
  Machine machine(has_bubblewrap());
  const json cache = {{"cache", json::array({{{"key", "k"}, {"paths", {"target", "~/.tool"}}}})}};
  const std::string make =
      "[ -e target/x ] || { mkdir -p target ~/.tool; echo 1 >target/x; "
      "echo 2 >~/.tool/y; echo made; }; cat target/x ~/.tool/y";
  CHECK(machine.run({step(make)}, cache)["verdict"] == "passed");
  CHECK(machine.said().find("made\n1\n2\n") != std::string::npos);
  REQUIRE(machine.desk->forget(kJob).has_value());
  CHECK(machine.run({step(make)}, cache)["verdict"] == "passed");
  CHECK(machine.said().find("\n1\n2\n") != std::string::npos);
  CHECK(machine.said().find("made\n") == std::string::npos);
}

/// The program, and questions over its socket.
struct Program {
  TempDirectory directory;
  DaemonProcess daemon;

  explicit Program(bool bubblewrap)
      : daemon({FIELDPOST_RUNNER, "--config", directory.file("runner.toml")},
               directory.file("runner.log")) {
    std::ofstream(directory.file("runner.toml")) << fmt::format(
        "[runner]\nstate = \"{0}/state\"\nsocket = \"{0}/runner.sock\"\n"
        "agent_user = \"{1}\"\nsandbox = \"{2}\"\n",
        directory.path(), user(), bubblewrap ? "required" : "none");
  }
  static std::string user() {
    std::string name = run_command("id -un").out;
    name.pop_back();
    return name;
  }
  [[nodiscard]] json ask(const json& question) const {
    PlainSocket socket = PlainSocket::to_path(directory.file("runner.sock"));
    std::string answer;
    if (!socket.send(question.dump() + "\n")) return {};
    while (answer.find('\n') == std::string::npos && socket.receive(answer)) {
    }
    return json::parse(answer.substr(0, answer.find('\n')), nullptr, false);
  }
  [[nodiscard]] json hello() const { return ask({{"do", "hello"}}); }
  bool start() {
    daemon.start();
    return wait_until(30s, [&] { return hello().is_object(); });
  }
};

TEST_CASE("a runner that is killed says at its next start that its job was interrupted") {
  Program program(has_bubblewrap());
  REQUIRE(program.start());
  const std::string mark = fmt::format("1000.{}", ::getpid());
  const json spec = {{"job", kJob}, {"fence", 3}, {"steps", {step("exec sleep " + mark)}}};
  CHECK(program.ask({{"do", "start"}, {"spec", spec}}) == json({{"ok", true}}));
  const auto sleeps = [&] { return run_command("pgrep -f '^sleep " + mark + "$'").exit_code == 0; };
  REQUIRE(wait_until(30s, sleeps));
  program.daemon.kill();
  REQUIRE(program.start());
  CHECK(wait_until(30s, [&] { return !sleeps(); }));
  const json job = program.hello().at("jobs").at(0);
  CHECK(job["state"] == "ended");
  const json facts = program.ask({{"do", "facts"}, {"job", kJob}, {"from", 0}}).at("facts");
  CHECK(facts.back()["verdict"] == "interrupted");
  CHECK(program.ask({{"do", "forget"}, {"job", kJob}}) == json({{"ok", true}}));
  CHECK(program.hello().at("jobs").empty());
}

TEST_CASE("the program tells what is wrong with its configuration") {
  const TempDirectory directory;
  std::ofstream(directory.file("runner.toml")) << "[runner]\nslots = 99\n";
  const Outcome outcome =
      run_command(fmt::format("{} --config {}", FIELDPOST_RUNNER, directory.file("runner.toml")));
  CHECK(outcome.exit_code == 78);
  CHECK(outcome.out.find("runner.toml:2") != std::string::npos);
}

}  // namespace
}  // namespace fieldpost::test

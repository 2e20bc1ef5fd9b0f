// A job on its way: steps, verdicts, bounds of time, what is passed on, artifacts, caches.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "tests/support/runner_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace agent::runner;         // NOLINT: what is tested

const std::string kTwoSteps = R"({"id":"one","run":"make"},{"id":"two","run":"make test"})";
const std::string kAlways = R"x({"run":"make"},{"if":"always()","run":"sweep"})x";

TEST_CASE("a job whose steps pass has passed, and everything is told") {
  RunnerSite site;
  site.start(kTwoSteps);
  CHECK(site.story() == "started step_started:1");
  CHECK(site.facts()[0]["sandbox"] ==
        nlohmann::json({{"limits", "cgroup v2"}, {"bubblewrap", true}}));
  site.child().say("made\n");
  site.world.run_for(1500ms);
  site.child().exit(0);
  CHECK(site.story() == "started step_started:1 step_ended:1:passed step_started:2");
  CHECK(site.facts()[2]["seconds"] == 1.5);
  site.pass_all();
  CHECK(site.story() ==
        "started step_started:1 step_ended:1:passed step_started:2 step_ended:2:passed "
        "ended:passed");
  CHECK(site.last_fact()["why"] == "");
  CHECK(site.last_fact()["log_bytes"] == site.log_text().size());
  CHECK(site.log_text().find("##[group]make\nmade\n##[endgroup]\n##[group]make test\n") !=
        std::string::npos);
  CHECK(site.cgroups.groups.empty());
  CHECK(site.has_argument(site.work("")));  // what was started last removes it
}

TEST_CASE("a step runs in its cgroup and in a sandbox that sees its own directories") {
  RunnerSite site;
  site.start(R"({"run":"make","env":{"A":"it's"},"working_directory":"src"})",
             R"("network":true,"memory_max":100000000,"pids_max":9)");
  const rt::SpawnOptions& options = site.child().options;
  CHECK(options.only_this_environment);
  CHECK(options.stderr_to_stdout);
  CHECK(options.dies_with_us);
  CHECK(site.has_argument("/cgroup/" + kJob + "/cgroup.procs"));
  CHECK(site.has_argument("bwrap"));
  CHECK(site.has_argument("--share-net"));
  CHECK(site.has_argument(site.work("/build")));
  CHECK(site.has_argument(site.work("/steps/1")));
  CHECK(site.child().last_argument() == "/step/script.sh");
  CHECK(site.read(site.work("/steps/1/script.sh")) == "make");
  const std::string begin = site.read(site.work("/steps/1/begin.sh"));
  CHECK(begin.find("export A='it'\\''s'\n") != std::string::npos);
  CHECK(begin.find("export GITHUB_OUTPUT='/step/output'\n") != std::string::npos);
  CHECK(begin.ends_with("cd -- '/build/workspace'\ncd -- 'src'\n"));
  CHECK(site.cgroups.groups[kJob].limits.memory_max == 100000000);
  CHECK(site.cgroups.groups[kJob].limits.pids_max == 9);
}

TEST_CASE("without cgroups, processes are bounded; without bubblewrap, places are as they are") {
  RunnerSite site;
  site.cgroups.is = CgroupKind::kNone;
  site.options.run.sandbox.bubblewrap = false;
  site.options.run.limits = {.memory_max = 64 << 20, .pids_max = 0, .cpu_percent = 0};
  site.open();
  site.start(R"({"run":"make"})", R"("memory_max":1000000000,"pids_max":9)");
  CHECK(site.child().options.argv[0] == "prlimit");
  CHECK(site.has_argument("--as=67108864"));
  CHECK(site.has_argument("--nproc=9"));
  CHECK_FALSE(site.has_argument("bwrap"));
  CHECK(site.child().last_argument() == site.work("/steps/1/script.sh"));
}

TEST_CASE("what a step sets is there for those after it, and for outputs") {
  RunnerSite site;
  site.start(R"({"id":"one","run":"make"},{"run":"echo ${{ steps.one.outputs.x }} $E"})",
             R"("env":{"E":"first"},"outputs":{"x":"<${{ steps.one.outputs.x }}>"})");
  site.write(site.work("/steps/1/output"), "x=1\n");
  site.write(site.work("/steps/1/env"), "E=second\nLD_PRELOAD=/build/workspace/evil.so\n");
  site.write(site.work("/steps/1/path"), "/build/home/bin\n");
  site.child().exit(0);
  CHECK(site.read(site.work("/steps/2/script.sh")) == "echo 1 $E");
  const std::string begin = site.read(site.work("/steps/2/begin.sh"));
  CHECK(begin.find("export E='second'\n") != std::string::npos);
  CHECK(begin.find("export PATH='/build/home/bin:/usr/local/bin:") != std::string::npos);
  for (const std::string& each : site.child().options.environment) {
    CHECK_FALSE(each.starts_with("LD_PRELOAD"));  // that reaches only what is inside
  }
  site.pass_all();
  CHECK(site.last_fact()["outputs"] == nlohmann::json({{"x", "<1>"}}));
}

TEST_CASE("a step that writes nonsense into its files fails with the line") {
  RunnerSite site;
  site.start(R"({"run":"make"})");
  site.write(site.work("/steps/1/env"), "GITHUB_ENV=x\n");
  site.child().exit(0);
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "failed");
  CHECK(site.last_fact()["why"] ==
        "step 1 (make): its file of env: \"GITHUB_ENV\" is no variable to set");
}

TEST_CASE("a link in the place of a step's file is not followed") {
  RunnerSite site;
  site.start(R"({"run":"make"})");
  site.write("/state/secret", "x=1\n");
  site.files.make_link("/state/secret", site.work("/steps/1/output"));
  site.child().exit(0);
  CHECK(site.facts()[2]["verdict"] == "failed");
}

TEST_CASE("after a step that failed only those run that want to") {
  RunnerSite site;
  site.start(R"x({"run":"make"},{"run":"test"},{"if":"failure()","run":"tell"})x");
  site.child().exit(3);
  CHECK(site.story() == "started step_started:1 step_ended:1:failed step_started:3");
  CHECK(site.facts()[2]["exit_code"] == 3);
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "failed");
  CHECK(site.last_fact()["why"] == "step 1 (make): exit code 3");
  CHECK(site.log_text().find("##[error]failed: exit code 3\n") != std::string::npos);
}

TEST_CASE("a step that may fail does not fail the job") {
  RunnerSite site;
  site.start(R"({"id":"a","run":"make","continue_on_error":true},
                {"if":"steps.a.outcome == 'failure'","run":"go on"})");
  site.child().exit(1);
  site.pass_all();
  CHECK(
      site.story().ends_with("step_ended:1:failed step_started:2 step_ended:2:passed "
                             "ended:passed"));
}

TEST_CASE("an if that is no expression fails its step") {
  RunnerSite site;
  site.start(R"({"if":"success(","run":"make"})");
  site.pass_all();
  CHECK(site.story() == "started step_started:1 step_ended:1:failed ended:failed");
}

TEST_CASE("who is cancelled is asked to end, then killed; what always runs still runs") {
  RunnerSite site;
  site.start(kAlways);
  REQUIRE(site.desk->cancel(kJob, 7, "anna said so").has_value());
  REQUIRE(site.desk->cancel(kJob, 7, "again").has_value());
  CHECK(site.cgroups.groups[kJob].signals == std::vector<int>{SIGTERM});
  site.world.run_for(9s);
  CHECK(site.cgroups.groups[kJob].signals.size() == 1);
  site.world.run_for(2s);
  CHECK(site.cgroups.groups[kJob].signals.back() == SIGKILL);
  CHECK(site.child().signals.back() == SIGKILL);
  site.child().exit(0, SIGKILL);
  CHECK(site.story() == "started step_started:1 step_ended:1:cancelled step_started:2");
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "cancelled");
  CHECK(site.last_fact()["why"] == "cancelled: anna said so");
}

TEST_CASE("what runs after a cancel has its own bound of time") {
  RunnerSite site;
  site.start(kAlways + R"x(,{"if":"always()","run":"more"})x");
  REQUIRE(site.desk->cancel(kJob, 7, "").has_value());
  site.child().exit(0, SIGTERM);
  site.cgroups.groups[kJob].signals.clear();
  site.world.run_for(JobRun::kLastStepsMost + 1s);
  CHECK(site.cgroups.groups[kJob].signals.front() == SIGTERM);
  site.child().exit(0, SIGTERM);
  site.pass_all();
  CHECK(site.story() ==
        "started step_started:1 step_ended:1:cancelled step_started:2 step_ended:2:timed_out "
        "ended:cancelled");
}

TEST_CASE("a job, and a step, that take too long have timed out") {
  RunnerSite site;
  SUBCASE("the job") {
    site.start(kTwoSteps, R"("timeout_s":60)");
  }
  SUBCASE("the step") {
    site.start(R"({"run":"make","timeout_s":60},{"run":"more"})");
  }
  site.world.run_for(59s);
  CHECK(site.cgroups.groups[kJob].signals.empty());
  site.world.run_for(2s);
  CHECK(site.cgroups.groups[kJob].signals == std::vector<int>{SIGTERM});
  site.child().exit(0, SIGTERM);
  site.pass_all();
  CHECK(site.story() == "started step_started:1 step_ended:1:timed_out ended:timed_out");
}

TEST_CASE("a step that says nothing for too long is silent; who talks on is not") {
  RunnerSite site;
  site.start(R"({"run":"make"})", R"("silence_timeout_s":10)");
  for (int i = 0; i < 5; ++i) {
    site.world.run_for(8s);
    site.child().say(".");
  }
  CHECK(site.cgroups.groups[kJob].signals.empty());
  site.world.run_for(11s);
  CHECK(site.cgroups.groups[kJob].signals == std::vector<int>{SIGTERM});
  site.child().exit(0, SIGTERM);
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "silent");
}

TEST_CASE("a step stands still while its log is not fetched, and that is no silence") {
  RunnerSite site;
  site.start(R"({"run":"make"})", R"("silence_timeout_s":10)");
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 64; ++i) site.child().say(piece);
  CHECK_FALSE(site.child().reading);
  site.world.run_for(60s);
  CHECK(site.cgroups.groups[kJob].signals.empty());
  REQUIRE(site.desk->fetched(kJob, 60 << 20).has_value());
  CHECK(site.child().reading);
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "passed");
}

TEST_CASE("what the kernel ended for its memory, and what found no room, is told as such") {
  RunnerSite site;
  site.start(kTwoSteps);
  std::string expected;
  SUBCASE("memory") {
    site.cgroups.groups[kJob].oom_kills += 1;
    expected = "out_of_memory";
  }
  SUBCASE("words of a full disk") {
    site.child().say("cp: error writing 'x': No space left on device\n");
    expected = "disk_full";
  }
  SUBCASE("a full disk") {
    site.disk.set_bytes_max(site.disk.bytes_used() + JobRun::kDiskFullBelow - 1);
    expected = "disk_full";
  }
  site.child().exit(1);
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == expected);
}

TEST_CASE("a process that the kernel ended inside of a step that passes all the same is no harm") {
  RunnerSite site;
  site.start(R"({"run":"make"})");
  site.cgroups.groups[kJob].oom_kills += 1;
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "passed");
}

TEST_CASE("a process that does not even start fails the job with the reason") {
  RunnerSite site;
  site.spawner.refuses = rt::Error{rt::Errc::kNotFound, "starting sh: no such program"};
  site.start(R"({"run":"make"})");
  site.world.run_for(1s);
  CHECK(site.last_fact()["why"] == "step 1 (make): starting sh: no such program");
}

TEST_CASE("a disk that takes no log ends the job as soon as it takes anything") {
  RunnerSite site;
  site.start(kTwoSteps);
  site.disk.fail({.answer = sim::DiskAnswer::kFull, .for_ever = true});
  site.child().say("one\n");
  CHECK(site.cgroups.groups[kJob].signals == std::vector<int>{SIGTERM});
  site.child().exit(0, SIGTERM);
  site.pass_all();
  site.world.run_for(20s);
  CHECK(site.story() == "started step_started:1");
  CHECK(site.log.count_containing("its end is not written") == 1);
  site.disk.heal();
  site.world.run_for(6s);
  CHECK(site.last_fact()["verdict"] == "disk_full");
  CHECK(site.log_text().find("one\n") != std::string::npos);
}

TEST_CASE("secrets are in nothing that is kept") {
  RunnerSite site;
  site.start(R"({"name":"use ${{ secrets.T }}","run":"make ${{ secrets.T }}"})",
             R"("secrets":{"T":"hunter22"},"outputs":{"x":"${{ secrets.T }}"})");
  CHECK(site.read(site.work("/steps/1/script.sh")) == "make hunter22");
  site.child().say("it is hunt");
  site.child().say("er22\n");
  site.pass_all();
  CHECK(site.read("/state/jobs/" + kJob + "/spec.json").find("hunter22") == std::string::npos);
  CHECK(site.log_text().find("it is ***\n") != std::string::npos);
  CHECK(site.log_text().find("hunter22") == std::string::npos);
  CHECK(site.facts()[1]["name"] == "use ***");
  CHECK(site.last_fact()["outputs"]["x"] == "***");
}

const std::string kSource = R"("source":{"repository":"https://e.example/r","ref":"main",)"
                            R"("commit":"0123456789abcdef0123456789abcdef01234567"})";

TEST_CASE("the source is checked out first, outside of the sandbox") {
  RunnerSite site;
  site.start(R"({"run":"make"})", kSource);
  CHECK(site.story() == "started step_started:0");
  CHECK_FALSE(site.has_argument("bwrap"));
  CHECK(site.has_argument("https://e.example/r"));
  CHECK(site.has_argument("https:ssh"));
  CHECK(site.has_argument(site.work("/build/workspace")));
  site.child().exit(0);
  CHECK(site.story() == "started step_started:0 step_ended:0:passed step_started:1");
  CHECK(site.has_argument("bwrap"));
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "passed");
}

TEST_CASE("a checkout that fails says so in git's words, and no step runs") {
  RunnerSite site;
  site.start(R"({"run":"make"})", kSource);
  site.child().say("Cloning…\nfatal: repository not found\n");
  site.child().exit(128);
  site.pass_all();
  CHECK(site.story() == "started step_started:0 step_ended:0:failed ended:failed");
  CHECK(site.last_fact()["why"] == "checkout: exit code 128: fatal: repository not found");
}

TEST_CASE("artifacts are collected, and told of when they are there") {
  RunnerSite site;
  const std::string sum(64, 'a');
  site.start(R"({"run":"make"})",
             R"("artifacts":[{"name":"deb","paths":["*.deb"]},{"name":"logs","paths":["log/*"]}])");
  site.child().exit(0);
  CHECK(site.child().last_argument() == "*.deb");
  const std::string out = "/state/jobs/" + kJob + "/artifacts/";
  site.write(out + "deb/data", "bytes");
  site.write(out + "deb/about", sum + "\na.deb\n");
  site.child().exit(0);
  CHECK(site.last_fact() == nlohmann::json({{"n", 3},
                                            {"type", "artifact"},
                                            {"name", "deb"},
                                            {"path", "a.deb"},
                                            {"size", 5},
                                            {"sha256", sum}}));
  site.write(out + "logs/data", "tar");
  site.write(out + "logs/about", sum + "\n\n");
  site.child().exit(0);
  CHECK(site.last_fact()["path"] == "logs.tar");
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "passed");
  const auto piece = site.desk->artifact(kJob, "deb", 1, 3);
  REQUIRE(piece.has_value());
  CHECK(piece->bytes == "yte");
  CHECK_FALSE(piece->ended);
  CHECK(site.desk->artifact(kJob, "deb", 4, 30)->ended);
  CHECK(site.desk->artifact(kJob, "deb", 6, 1).error().code == rt::Errc::kInvalid);
  CHECK(site.desk->artifact(kJob, "none", 0, 1).error().code == rt::Errc::kNotFound);
}

TEST_CASE("an artifact that nothing matches fails the job") {
  RunnerSite site;
  site.start(R"({"run":"make"})", R"("artifacts":[{"name":"deb","paths":["*.deb","a b"]}])");
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "failed");
  CHECK(site.last_fact()["why"] == "artifact deb: nothing matches *.deb a b");
}

TEST_CASE("after a failure only those artifacts are collected that want to be") {
  RunnerSite site;
  site.start(R"({"run":"make"})", R"x("artifacts":[{"name":"deb","paths":["*.deb"]},
             {"name":"logs","paths":["*.log"],"if":"always()"}])x");
  site.child().exit(1);
  CHECK(site.child().last_argument() == "*.log");
}

TEST_CASE("a cache that was missed is kept at the end, and restored the next time") {
  RunnerSite site;
  const std::string cache = R"("cache":[{"key":"k","paths":["target","~/.ccache"]}])";
  site.start(R"({"run":"make"})", cache);
  site.child().exit(0);
  CHECK(site.has_argument("workspace/target"));
  CHECK(site.child().last_argument() == "home/.ccache");
  site.write(site.work("/cache/1/data"), "tar");
  site.pass_all();
  CHECK(site.log_text().find("cache k: kept\n") != std::string::npos);
  REQUIRE(site.desk->forget(kJob).has_value());

  site.start(R"({"run":"make"})", cache);
  CHECK(site.child().last_argument() == "/cache/data");
  CHECK(site.story() == "started");
  site.child().exit(1);  // what cannot be restored is a miss
  CHECK(site.story() == "started step_started:1");
  site.pass_all();
  CHECK(site.last_fact()["verdict"] == "passed");
}

}  // namespace
}  // namespace fieldpost::test

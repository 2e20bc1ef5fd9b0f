// The jobs that the runner has: starting, forgetting, and what it finds after it was killed.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <string>

#include "agent/runner/source/mirrors.h"
#include "agent/runner/storage/cache_store.h"
#include "tests/support/runner_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace agent::runner;         // NOLINT: what is tested
using rt::Errc;

const std::string kStep = R"({"run":"make"})";
const std::string kOther = "ffffffffffffffffffffffffffffffff";

TEST_CASE("the same job under the same fence is begun once; another fence is refused") {
  RunnerSite site;
  site.start(kStep);
  CHECK(site.desk->start(job_spec(kStep)).has_value());
  CHECK(site.spawner.children.size() == 1);
  CHECK(site.desk->start(job_spec(kStep, "", kJob, 8)).error().code == Errc::kDenied);
  CHECK(site.desk->cancel(kJob, 8, "").error().code == Errc::kDenied);
  CHECK(site.desk->cancel(kOther, 8, "").error().code == Errc::kNotFound);
  CHECK(site.desk->start("{}").error().code == Errc::kInvalid);
}

TEST_CASE("no more jobs run than there are slots, and those that ended take none") {
  RunnerSite site;
  site.start(kStep);
  CHECK(site.desk->start(job_spec(kStep, "", kOther)).error().code == Errc::kBusy);
  site.pass_all();
  CHECK(site.desk->start(job_spec(kStep, "", kOther)).has_value());
  const auto reports = site.desk->reports();
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].job == kJob);
  CHECK(reports[0].ended);
  CHECK(reports[0].fence == 7);
  CHECK(reports[0].facts == 4);
  CHECK_FALSE(reports[1].ended);
}

TEST_CASE("only a job that ended can be forgotten, and then nothing of it is left") {
  RunnerSite site;
  site.start(kStep);
  CHECK(site.desk->forget(kJob).error().code == Errc::kBusy);
  site.pass_all();
  CHECK(site.desk->forget(kJob).has_value());
  CHECK(site.desk->forget(kJob).has_value());
  CHECK(site.desk->facts(kJob, 0).error().code == Errc::kNotFound);
  CHECK(site.files.list("/state/jobs").value().empty());
}

TEST_CASE("facts and log are given from where they are asked for") {
  RunnerSite site;
  site.start(kStep);
  site.child().say("0123456789\n");
  CHECK(site.desk->log(kJob, 0, 1000)->ended == false);
  site.pass_all();
  CHECK(site.desk->facts(kJob, 2)->size() == 2);
  CHECK(site.desk->facts(kJob, 99)->empty());
  const std::string text = site.log_text();
  const std::size_t at = text.find("0123");
  CHECK(site.desk->log(kJob, at, 4)->bytes == "0123");
  CHECK_FALSE(site.desk->log(kJob, at, 4)->ended);
  CHECK(site.desk->log(kJob, at, 1000)->bytes == text.substr(at));
  CHECK(site.desk->log(kJob, at, 1000)->ended);
  CHECK(site.desk->log(kJob, text.size(), 1000)->ended);
  CHECK(site.desk->log(kJob, text.size() + 1, 1).error().code == Errc::kInvalid);
}

TEST_CASE("watchers hear of facts and of the log, for as long as they live") {
  RunnerSite site;
  std::string heard;
  auto watcher = std::make_shared<JobDesk::Watcher>();
  watcher->on_fact = [&](const std::string&, std::uint64_t n) {
    heard += "fact " + std::to_string(n) + "\n";
  };
  watcher->on_log = [&](const std::string&, std::uint64_t size) {
    if (size > 0) heard += "log\n";
  };
  site.desk->watch(watcher);
  site.start(kStep);
  CHECK(heard == "fact 0\nfact 1\n");
  site.child().say("more\n");
  site.world.run_for(1s);
  CHECK(heard.ends_with("fact 1\nlog\n"));
  watcher.reset();
  site.pass_all();
  CHECK(heard.ends_with("fact 1\nlog\n"));
}

TEST_CASE("a job that the runner left behind was interrupted, and its processes are killed") {
  RunnerSite site;
  site.start(kStep);
  site.child().say("half a");
  site.world.run_for(1s);
  const std::string left = site.work("");
  site.desk.reset();
  CHECK(site.child().dropped);
  site.cgroups.groups[kJob].signals.clear();
  site.cgroups.groups[kJob].is_busy = true;
  site.open();
  CHECK(site.cgroups.groups[kJob].signals.front() == SIGKILL);
  CHECK(site.story() == "started step_started:1 ended:interrupted");
  CHECK(site.last_fact()["log_bytes"] == site.log_text().size());
  CHECK(site.has_argument(left));  // is removed
  site.cgroups.groups[kJob].is_busy = false;
  site.world.run_for(2s);
  CHECK(site.cgroups.groups.empty());
  // Given out again under a later fence once it was forgotten.
  REQUIRE(site.desk->forget(kJob).has_value());
  CHECK(site.desk->start(job_spec(kStep, "", kJob, 8)).has_value());
}

TEST_CASE("jobs that ended are as they were after a start") {
  RunnerSite site;
  site.start(kStep);
  site.pass_all();
  const auto before = site.desk->facts(kJob, 0).value();
  site.open();
  CHECK(site.desk->facts(kJob, 0).value() == before);
  CHECK(site.desk->reports()[0].ended);
  CHECK(site.desk->start(job_spec(kStep)).has_value());
  CHECK(site.story().ends_with("ended:passed"));
}

TEST_CASE("at whatever write the power goes, a job is there with its facts, or not at all") {
  for (std::uint64_t call = 1; call < 60; ++call) {
    INFO("cut at call ", call);
    RunnerSite site;
    site.disk.stop_at(call);
    const bool is_started = site.desk->start(job_spec(kStep)).has_value();
    if (is_started && !site.disk.is_stopped()) {
      site.child().say("something\n");
      site.child().exit(0);
    }
    const std::size_t told = is_started ? site.desk->facts(kJob, 0)->size() : 0;
    const bool is_cut = site.disk.is_stopped();
    site.desk.reset();
    if (!is_cut) break;
    sim::Dice dice(call);
    site.disk.restart_after_power_cut(dice);
    site.disk.heal();
    site.open();
    const auto facts = site.desk->facts(kJob, 0);
    if (is_started) REQUIRE(facts.has_value());
    if (!facts) continue;
    CHECK(facts->size() >= told);
    CHECK(site.desk->reports()[0].ended);
    CHECK(site.desk->forget(kJob).has_value());
  }
}

TEST_CASE("what is no job of ours is left alone and told of") {
  RunnerSite site;
  REQUIRE(site.files.make_directories("/state/jobs/" + kOther).has_value());
  site.write("/state/jobs/" + kOther + "/spec.json", "{}");
  site.open();
  CHECK(site.desk->reports().empty());
  CHECK(site.log.count_containing("holds no job of ours") == 1);
}

struct Caches {
  sim::SimWorld world{1};
  sim::SimWallClock clock{world, "node"};
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  CacheStore store{files, clock, "/cache", 100};

  Caches() { REQUIRE(files.make_directories("/cache").has_value()); }
  rt::Status keep(const std::string& repository, const std::string& key, std::size_t size) {
    world.run_for(1s);
    REQUIRE(files.write_at("/tar", 0, std::string(size, 'x'), 0600).has_value());
    return store.keep(repository, key, "/tar");
  }
  std::string find(const std::string& repository, const std::string& key,
                   const std::vector<std::string>& restore_keys = {}) {
    world.run_for(1s);
    const auto found = store.find(repository, {key, {"x"}, restore_keys});
    return found ? found->key + (found->is_exact ? "!" : "") : "";
  }
};

TEST_CASE("a cache is found by its key, or as the newest that begins alike, in its repository") {
  Caches caches;
  REQUIRE(caches.keep("r", "deb-1", 10).has_value());
  REQUIRE(caches.keep("r", "deb-2", 10).has_value());
  CHECK(caches.find("r", "deb-1", {"deb-"}) == "deb-1!");
  CHECK(caches.find("r", "deb-3", {"rpm-", "deb-"}) == "deb-2");
  CHECK(caches.find("r", "deb-3").empty());
  CHECK(caches.find("other", "deb-1", {"deb-"}).empty());
  CHECK(caches.store.has("r", "deb-2"));
  CHECK_FALSE(caches.store.has("other", "deb-2"));
}

TEST_CASE("above their bound, caches go that were used longest ago") {
  Caches caches;
  REQUIRE(caches.keep("r", "a", 40).has_value());
  REQUIRE(caches.keep("r", "b", 40).has_value());
  CHECK(caches.find("r", "a") == "a!");
  REQUIRE(caches.keep("r", "c", 40).has_value());
  CHECK(caches.find("r", "b").empty());
  CHECK(caches.find("r", "a") == "a!");
  CHECK(caches.keep("r", "d", 101).error().code == Errc::kFull);
  CHECK(caches.find("r", "c") == "c!");
}

TEST_CASE("a cache that a crash left without its description is a miss, and goes") {
  Caches caches;
  REQUIRE(caches.files.make_directories("/cache/half").has_value());
  REQUIRE(caches.files.write_at("/cache/half/data", 0, "x", 0600).has_value());
  CHECK(caches.find("r", "a", {"a"}).empty());
  REQUIRE(caches.keep("r", "a", 1).has_value());
  CHECK(caches.files.info("/cache/half/data").error().code == Errc::kNotFound);
}

TEST_CASE("mirrors above their number go, but none that is used") {
  sim::SimDisk disk;
  sim::SimFiles files(disk);
  REQUIRE(files.make_directories("/git").has_value());
  Mirrors mirrors(files, "/git");
  std::vector<std::string> all;
  for (std::size_t i = 0; i < Mirrors::kMirrorsMax; ++i) {
    all.push_back(mirrors.use("https://e.example/" + std::to_string(i)));
    REQUIRE(files.write_at(all.back(), 0, "x", 0600).has_value());
  }
  CHECK(mirrors.superfluous().empty());
  mirrors.release(all[3]);
  mirrors.release(all[1]);
  CHECK(mirrors.superfluous() == std::vector<std::string>{all[1]});
  CHECK(mirrors.use("https://e.example/1") == all[1]);
  CHECK(mirrors.superfluous() == std::vector<std::string>{all[3]});
}

}  // namespace
}  // namespace fieldpost::test

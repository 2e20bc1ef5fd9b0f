#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "agent/runner/job/plain_conditions.h"
#include "agent/runner/run/job_desk.h"
#include "tests/support/fakes/fake_cgroups.h"
#include "tests/support/fakes/fake_spawner.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::test {

inline const std::string kJob = "0123456789abcdef0123456789abcdef";

/// The spec of kJob with these steps, and members beside.
inline std::string job_spec(const std::string& steps, const std::string& more = "",
                            const std::string& id = kJob, int fence = 7) {
  return R"({"job":")" + id + R"(","fence":)" + std::to_string(fence) +
         R"(,"build":"b1","steps":[)" + steps + "]" + (more.empty() ? "" : "," + more) + "}";
}

/// A desk of jobs on a simulated machine; processes do what the test says.
struct RunnerSite {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "node"};
  sim::SimLog log{world, "runner"};
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  sim::FakeSpawner spawner;
  sim::FakeCgroups cgroups;
  agent::runner::PlainConditions conditions;
  agent::runner::JobDesk::Options options;
  std::unique_ptr<agent::runner::JobDesk> desk;

  RunnerSite() {
    options.state_directory = "/state";
    options.cache_bytes_max = 1 << 20;
    options.run.sandbox = {true, {"/usr", "/etc"}};
    options.run.isolation = {"cgroup v2", true};
    options.run.git_protocols = "https:ssh";
    open();
  }
  /// As after a start of the runner.
  void open() {
    desk.reset();
    desk = agent::runner::JobDesk::open({loop, clock, log, files, spawner, cgroups, conditions},
                                        options)
               .value();
  }
  void start(const std::string& steps, const std::string& more = "") {
    const auto started = desk->start(job_spec(steps, more));
    const std::string why = started ? "" : started.error().message;
    INFO(why);
    REQUIRE(started.has_value());
  }
  /// What was started last.
  [[nodiscard]] sim::FakeChild& child() const { return spawner.last(); }
  /// It and what comes behind it ends well, up to the job's last fact.
  void pass_all() {
    for (int i = 0; i < 100 && !child().ended; ++i) {
      child().exit(0);
      world.run_for(rt::Nanos{1});
    }
  }
  [[nodiscard]] std::vector<nlohmann::json> facts(const std::string& job = kJob) const {
    std::vector<nlohmann::json> out;
    const auto lines = desk->facts(job, 0);
    REQUIRE(lines.has_value());
    for (const std::string& line : *lines) out.push_back(nlohmann::json::parse(line));
    return out;
  }
  [[nodiscard]] nlohmann::json last_fact() const { return facts().back(); }
  /// "started step_started:1 step_ended:1:passed ended:passed"
  [[nodiscard]] std::string story() const {
    std::string out;
    for (const nlohmann::json& each : facts()) {
      if (!out.empty()) out += ' ';
      out += each["type"].get<std::string>();
      if (each.contains("step")) out += ":" + std::to_string(each["step"].get<int>());
      if (each.contains("verdict")) out += ":" + each["verdict"].get<std::string>();
    }
    return out;
  }
  [[nodiscard]] std::string log_text() {
    return files.read("/state/jobs/" + kJob + "/log", 0, 1 << 20).value();
  }
  /// In the directory of the run that began last.
  [[nodiscard]] std::string work(const std::string& path) {
    return "/state/work/" + files.list("/state/work").value().back() + path;
  }
  [[nodiscard]] std::string read(const std::string& path) {
    return files.read(path, 0, 1 << 20).value();
  }
  void write(const std::string& path, const std::string& text) {
    REQUIRE(files.write_at(path, 0, text, 0600).has_value());
  }
  [[nodiscard]] bool has_argument(const std::string& argument) const {
    const auto& argv = child().options.argv;
    return std::find(argv.begin(), argv.end(), argument) != argv.end();
  }
};

}  // namespace fieldpost::test

// fieldpost-runner: runs jobs of builds for the agent of this machine.
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "agent/runner/config.h"
#include "agent/runner/control/system_user.h"
#include "agent/runner/job/plain_conditions.h"
#include "agent/runner/run/job_process.h"
#include "agent/runner/runner.h"
#include "agent/runner/sandbox/real_cgroups.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/daemon_run.h"
#include "proto/rt/process_lock.h"
#include "proto/rt/process_spawner.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/real_streams.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"

namespace {

using namespace fieldpost;                 // NOLINT: a program's own file
using namespace fieldpost::agent::runner;  // NOLINT

constexpr rt::Seconds kTrialMost{10};

/// The operating system's side of the runner; dropped last.
struct World {
  World(rt::LogLevel level, unsigned agent_user)
      : log({level, rt::StderrLog::stderr_is_journal()}),
        streams(loop, rt::RealStreams::Users{0, agent_user}),
        spawner(loop),
        cgroups(RealCgroups::open(files, why_no_cgroups)) {}
  rt::RealLoop loop;
  rt::SystemClock clock;
  rt::SystemFiles files;
  rt::StderrLog log;
  rt::RealStreams streams;
  rt::ProcessSpawner spawner;
  std::string why_no_cgroups;
  RealCgroups cgroups;
  PlainConditions conditions;
};

rt::Status check_config(const rt::Config& config) {
  const auto read = read_runner_config(config);
  return read ? rt::ok() : rt::Status(read.error());
}

/// Whether bubblewrap can shut somebody in here; kDenied with its words.
rt::Status try_sandbox(World& world, const RunnerConfig& config) {
  std::string said;
  std::optional<ProcessEnd> end;
  JobProcess trial({world.loop, world.spawner, world.cgroups},
                   {.argv = sandbox_trial({true, config.system_directories}),
                    .environment = plain_environment(),
                    .directory = "/",
                    .cgroup = {}},
                   {[&](std::string_view bytes) { said += bytes; },
                    [&](const ProcessEnd& ended) { end = ended; }});
  if (auto done = trial.start(); !done) return done;
  if (!world.loop.run_until([&] { return end.has_value(); }, kTrialMost)) {
    return rt::Error{rt::Errc::kDenied, "trying bubblewrap: it does not end"};
  }
  if (end->verdict == Verdict::kPassed) return rt::ok();
  return rt::Error{rt::Errc::kDenied,
                   fmt::format("trying bubblewrap: {}: {}; it needs user namespaces, or "
                               "runner.sandbox = \"none\" where jobs are trusted",
                               end->why, said)};
}

void tell_isolation(World& world, const RunnerConfig& config) {
  const Isolation isolation = isolation_of(world.cgroups, config.sandbox_required);
  if (!isolation.bubblewrap) {
    world.log.warning("jobs run without a sandbox: they see all that this user sees");
  }
  if (world.cgroups.kind() != CgroupKind::kV2) {
    world.log.warning("limits of jobs are {}: {}", isolation.limits, world.why_no_cgroups);
  }
  world.log.info("runner of {} jobs at a time started, version {}; {}, {}", config.slots,
                 rt::version_text(), isolation.limits,
                 isolation.bubblewrap ? "bubblewrap" : "no sandbox");
}

int run(const RunnerConfig& config, const rt::DaemonProgram& program,
        const rt::DaemonCommand& command) {
  const auto agent_user = find_user(config.agent_user);
  World world(config.log_level, agent_user.value_or(0));
  if (!agent_user) {
    world.log.error("runner.agent_user: {}; only root may use the socket",
                    agent_user.error().message);
  }
  if (auto done = world.files.make_directories(config.state_directory); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  // Two runners on one state directory would end each other's jobs.
  const auto lock = rt::lock_directory(config.state_directory, program.name);
  if (!lock) return rt::fail_to_start(world.log, lock.error());
  if (config.sandbox_required) {
    if (auto works = try_sandbox(world, config); !works) {
      return rt::fail_to_start(world.log, works.error());
    }
  }
  auto runner = Runner::make({{world.loop, world.clock, world.log, world.files, world.spawner,
                               world.cgroups, world.conditions},
                              world.streams,
                              rt::version_text(),
                              config.sandbox_required},
                             config);
  if (!runner) return rt::fail_to_start(world.log, runner.error());
  rt::run_daemon(world.loop, world.log, program, command,
                 {[&] { tell_isolation(world, config); }, [&] { runner->reset(); }});
  return rt::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  rt::DaemonProgram program{"fieldpost-runner",
                            "Runs jobs of builds for the agent of this machine.",
                            "/etc/fieldpost-runner/runner.toml",
                            &runner_schema(),
                            check_config,
                            {}};
  int exit_code = 0;
  auto command = rt::read_command_line(program, argc, argv, exit_code);
  if (!command) return exit_code;
  auto config = read_runner_config(command->config);
  return run(*config, program, *command);
}

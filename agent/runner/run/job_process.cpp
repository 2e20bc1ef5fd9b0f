#include "agent/runner/run/job_process.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <utility>

namespace fieldpost::agent::runner {
namespace {

long long seconds_of(rt::Nanos span) {
  return std::chrono::duration_cast<rt::Seconds>(span).count();
}

}  // namespace

JobProcess::JobProcess(Ports ports, Options options, Handlers handlers)
    : ports_(ports), options_(std::move(options)), handlers_(std::move(handlers)) {}

JobProcess::~JobProcess() {
  for (const rt::TimerId timer : {timeout_timer_, silence_timer_, kill_timer_}) {
    ports_.loop.cancel(timer);
  }
  if (!child_ || ended_) return;
  if (!options_.cgroup.empty()) ports_.cgroups.signal(options_.cgroup, SIGKILL);
}

rt::Status JobProcess::start() {
  started_ = last_said_ = ports_.loop.now();
  if (!options_.cgroup.empty()) oom_kills_ = ports_.cgroups.oom_kills(options_.cgroup);
  rt::SpawnOptions spawn;
  spawn.argv = options_.argv;
  spawn.environment = options_.environment;
  spawn.directory = options_.directory;
  spawn.dies_with_us = true;
  spawn.only_this_environment = true;
  spawn.stderr_to_stdout = true;
  auto child = ports_.spawner.spawn(
      spawn, {.on_stdout = [this](const std::string& bytes) { on_output(bytes); },
              .on_stderr = nullptr,
              .on_exit = [this](rt::ExitStatus exit) { on_exit(exit); }});
  if (!child) return child.error();
  child_ = *std::move(child);
  if (options_.timeout > rt::Nanos{0}) {
    timeout_timer_ = ports_.loop.after(options_.timeout, [this] {
      stop(Verdict::kTimedOut,
           fmt::format("it ran longer than {} s", seconds_of(options_.timeout)));
    });
  }
  if (options_.silence > rt::Nanos{0}) watch_silence();
  return rt::ok();
}

void JobProcess::watch_silence() {
  const rt::Nanos left = last_said_ + options_.silence - ports_.loop.now();
  if (left <= rt::Nanos{0}) {
    return stop(Verdict::kSilent,
                fmt::format("it said nothing for {} s", seconds_of(options_.silence)));
  }
  silence_timer_ = ports_.loop.after(left, [this] {
    // Who stands still cannot say anything.
    if (!reading_) last_said_ = ports_.loop.now();
    watch_silence();
  });
}

void JobProcess::on_output(std::string_view bytes) {
  last_said_ = ports_.loop.now();
  if (handlers_.on_output) handlers_.on_output(bytes);
}

void JobProcess::set_reading(bool reading) {
  if (reading && !reading_) last_said_ = ports_.loop.now();
  reading_ = reading;
  if (child_ && !ended_) child_->set_reading(reading);
}

void JobProcess::stop(Verdict verdict, std::string why) {
  if (stopping_ || ended_ || !child_) return;
  stopping_ = true;
  stopped_by_ = verdict;
  stopped_why_ = std::move(why);
  signal(SIGTERM);
  kill_timer_ = ports_.loop.after(kGrace, [this] { kill(); });
}

void JobProcess::signal(int signal_number) {
  if (options_.cgroup.empty() || ports_.cgroups.kind() == CgroupKind::kNone) {
    child_->signal_group(signal_number);
  } else {
    ports_.cgroups.signal(options_.cgroup, signal_number);
  }
}

void JobProcess::kill() {
  signal(SIGKILL);
  child_->signal_group(SIGKILL);
  kill_timer_ = ports_.loop.after(kKillAgain, [this] { kill(); });
}

void JobProcess::on_exit(rt::ExitStatus exit) {
  ended_ = true;
  for (rt::TimerId* timer : {&timeout_timer_, &silence_timer_, &kill_timer_}) {
    ports_.loop.cancel(std::exchange(*timer, rt::TimerId::kNone));
  }
  // What it left in the background goes with it.
  if (!options_.cgroup.empty()) ports_.cgroups.signal(options_.cgroup, SIGKILL);
  const ProcessEnd end = end_of(exit);
  const auto on_end = std::move(handlers_.on_end);
  if (on_end) on_end(end);
}

ProcessEnd JobProcess::end_of(rt::ExitStatus exit) const {
  ProcessEnd end{.exit = exit, .took = ports_.loop.now() - started_};
  if (stopping_) {
    end.verdict = stopped_by_;
    end.why = stopped_why_;
    return end;
  }
  if (exit.code == 0 && exit.signal == 0) return end;
  end.verdict = Verdict::kFailed;
  end.why = exit.signal != 0 ? fmt::format("signal {}", exit.signal)
                             : fmt::format("exit code {}", exit.code);
  if (!options_.cgroup.empty() && ports_.cgroups.oom_kills(options_.cgroup) > oom_kills_) {
    end.verdict = Verdict::kOutOfMemory;
    end.why += ": the kernel ended a process at the job's bound of memory";
  }
  return end;
}

}  // namespace fieldpost::agent::runner

#include "agent/runner/run/job_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/runner/run/job_scripts.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kTailBytes = 4096;

std::uint64_t bounded(std::uint64_t wanted, std::uint64_t most) {
  if (wanted == 0 || most == 0) return wanted + most;
  return std::min(wanted, most);
}

JobLimits bounded(const JobLimits& wanted, const JobLimits& most) {
  return {bounded(wanted.memory_max, most.memory_max), bounded(wanted.pids_max, most.pids_max),
          bounded(wanted.cpu_percent, most.cpu_percent)};
}

Verdict verdict_of(const rt::Error& error) {
  return error.code == rt::Errc::kFull ? Verdict::kDiskFull : Verdict::kFailed;
}

}  // namespace

JobRun::JobRun(const Ports& ports, const RunSettings& settings, Job job, JobJournal& journal,
               std::string directory, Events events)
    : ports_(ports),
      settings_(settings),
      job_(std::move(job)),
      journal_(journal),
      events_(std::move(events)),
      place_(ports.files, settings.sandbox, std::move(directory)),
      log_(ports.loop, journal, job_.secrets,
           {.on_synced = [this] { events_.on_log(); },
            .on_room =
                [this] {
                  if (process_) process_->set_reading(true);
                },
            .on_failure =
                [this] {
                  const rt::Error error = *log_.failure();
                  turn_down(verdict_of(error), "its log: " + error.message);
                }}),
      context_(job_),
      env_(job_.env) {
  job_.limits = bounded(job_.limits, settings.limits);
}

JobRun::~JobRun() {
  ports_.loop.cancel(timer_);
  ports_.loop.cancel(soon_);
  if (!mirror_.empty()) ports_.mirrors.release(mirror_);
}

void JobRun::start() {
  timer_ = ports_.loop.after(job_.timeout, [this] {
    turn_down(Verdict::kTimedOut,
              fmt::format("the job ran longer than {} s", job_.timeout.count()));
  });
  tell(StartedFact{ports_.clock.now(), ports_.clock.boot_id(), settings_.isolation});
  log_.say(fmt::format("job {} of build {}: limits by {}, {}", job_.id, job_.build,
                       settings_.isolation.limits,
                       settings_.isolation.bubblewrap ? "in a sandbox" : "without a sandbox"));
  if (auto done = place_.make(); !done) judge(done.error(), "making its directories");
  for (auto& [name, text] : env_) {
    auto value = ports_.conditions.interpolate(text, context_.expressions(verdict_, {}));
    if (!value) judge(value.error(), "its env " + name);
    text = value.value_or("");
  }
  auto enter = ports_.cgroups.make(job_.id, job_.limits);
  if (enter) {
    enter_ = *std::move(enter);
  } else {
    judge(enter.error(), "making its cgroup");
  }
  if (verdict_ != Verdict::kPassed) return finish();
  checkout();
}

void JobRun::cancel(const std::string& why) {
  turn_down(Verdict::kCancelled, why.empty() ? "cancelled" : "cancelled: " + why);
}

void JobRun::judge(Verdict verdict, std::string why) {
  if (verdict_ != Verdict::kPassed) return;
  verdict_ = verdict;
  why_ = std::move(why);
}

void JobRun::judge(const rt::Error& error, std::string_view doing) {
  const std::string why = fmt::format("{}: {}", doing, error.message);
  log_.error(why);
  judge(verdict_of(error), why);
}

void JobRun::turn_down(Verdict verdict, const std::string& why) {
  if (turned_down_ || finishing_) return;
  turned_down_ = true;
  judge(verdict, why);
  ports_.loop.cancel(timer_);
  timer_ = ports_.loop.after(kLastStepsMost, [this] { give_up(); });
  log_.error(why);
  if (process_) process_->stop(verdict, why);
}

void JobRun::give_up() {
  gave_up_ = true;
  if (!process_) return;
  process_->stop(Verdict::kTimedOut,
                 fmt::format("what was left to do took longer than {} s", kLastStepsMost.count()));
}

template <typename Fact>
void JobRun::tell(const Fact& fact) {
  const std::uint64_t n = journal_.next_fact();
  if (auto done = journal_.add_fact(encode(n, fact)); !done) {
    return turn_down(verdict_of(done.error()), "its facts: " + done.error().message);
  }
  events_.on_fact(n);
}

template void JobRun::tell(const StepStartedFact& fact);
template void JobRun::tell(const StepEndedFact& fact);
template void JobRun::tell(const ArtifactFact& fact);

void JobRun::run(std::vector<std::string> argv, std::string cgroup, Bounds bounds, OnEnd on_end) {
  tail_.clear();
  process_ = std::make_unique<JobProcess>(
      JobProcess::Ports{ports_.loop, ports_.spawner, ports_.cgroups},
      JobProcess::Options{.argv = std::move(argv),
                          .environment = plain_environment(),
                          .directory = "/",
                          .cgroup = std::move(cgroup),
                          .timeout = bounds.timeout,
                          .silence = bounds.silence},
      JobProcess::Handlers{[this](std::string_view bytes) { on_output(bytes); }, on_end});
  auto started = process_->start();
  if (started) {
    if (log_.is_full()) process_->set_reading(false);
    return;
  }
  process_.reset();
  soon_ =
      ports_.loop.after(rt::Nanos{0}, [on_end = std::move(on_end), why = started.error().message] {
        on_end({.verdict = Verdict::kFailed, .exit = {}, .took = rt::Nanos{0}, .why = why});
      });
}

void JobRun::run_inside(SandboxedCommand command, Bounds bounds, OnEnd on_end) {
  command.enter = enter_;
  command.limits = job_.limits;
  command.network = job_.network;
  const std::string cgroup = enter_.empty() ? "" : job_.id;
  // A workspace shares the objects of its mirror.
  if (!mirror_.empty()) command.binds.push_back({mirror_, mirror_, false});
  run(sandbox_argv(settings_.sandbox, command), cgroup, bounds, std::move(on_end));
}

void JobRun::on_output(std::string_view bytes) {
  tail_ += bytes.substr(bytes.size() - std::min(bytes.size(), kTailBytes));
  if (tail_.size() > kTailBytes) tail_.erase(0, tail_.size() - kTailBytes);
  log_.add(bytes);
  if (log_.is_full() && process_) process_->set_reading(false);
}

void JobRun::finish() {
  const ExpressionContext context = expressions();
  for (const auto& [name, text] : job_.outputs) {
    const auto value = ports_.conditions.interpolate(text, context);
    if (!value) judge(value.error(), "its output " + name);
    outputs_.emplace_back(name, value ? log_.masked(*value) : "");
  }
  finishing_ = true;
  ports_.loop.cancel(std::exchange(timer_, rt::TimerId::kNone));
  ports_.cgroups.signal(job_.id, SIGKILL);
  run({"/bin/bash", "-c", kRemoveScript, "remove", place_.directory()}, "", {.timeout = kChoreMost},
      [this](const ProcessEnd& end) {
        if (end.verdict != Verdict::kPassed) {
          ports_.log.warning("job {}: {} is not removed: {}", job_.id, place_.directory(), end.why);
        }
        write_end();
      });
}

EndedFact JobRun::end_of() const {
  return {verdict_, log_.masked(why_).substr(0, kWhyBytesMax), outputs_, journal_.log_size(),
          ports_.clock.now()};
}

void JobRun::write_end() {
  log_.end_step();
  rt::Status done = log_.write_out();
  const std::uint64_t n = journal_.next_fact();
  if (encode(n, end_of()).size() >= kFactBytesMax) {
    judge(Verdict::kFailed, fmt::format("its outputs are more than {} bytes", kFactBytesMax));
    outputs_.clear();
  }
  if (done) done = journal_.add_fact(encode(n, end_of()));
  if (done) {
    events_.on_log();
    events_.on_fact(n);
    return events_.on_ended();
  }
  if (!std::exchange(told_trouble_, true)) {
    ports_.log.error("job {}: its end is not written, again every {} s: {}", job_.id,
                     kEndAgain.count(), done.error().message);
  }
  timer_ = ports_.loop.after(kEndAgain, [this] { write_end(); });
}

}  // namespace fieldpost::agent::runner

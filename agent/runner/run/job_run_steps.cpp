#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "agent/runner/job/step_words.h"
#include "agent/runner/run/job_run.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kTitleSize = 80;
constexpr std::string_view kFullWords = "No space left on device";
constexpr std::size_t kEnvBytesMax = 4 << 20;  ///< of all that steps set
constexpr std::size_t kPathsMax = 1024;

/// What a step without a name is called: its first line.
std::string title_of(const std::string& run) {
  const std::string line = run.substr(0, run.find('\n'));
  return line.size() <= kTitleSize ? line : line.substr(0, kTitleSize) + "…";
}

std::size_t size_of(const Pairs& pairs) {
  std::size_t size = 0;
  for (const auto& [name, value] : pairs) size += name.size() + value.size();
  return size;
}

}  // namespace

void JobRun::next_step() {
  while (steps_done_ < job_.steps.size()) {
    const JobStep& step = job_.steps[steps_done_];
    const std::size_t n = ++steps_done_;
    const auto wanted = is_wanted(ports_.conditions, step.condition, expressions());
    if (!wanted) {
      begin_step(n, step.name.empty() ? title_of(step.run) : step.name);
      return conclude_step(n, step,
                           {.verdict = Verdict::kFailed,
                            .exit = {},
                            .took = rt::Nanos{0},
                            .why = "its if: " + wanted.error().message});
    }
    if (*wanted && !gave_up_) return run_step(n, step);
    context_.skip_step(step.id);
  }
  collect_next();
}

void JobRun::run_step(std::size_t n, const JobStep& step) {
  const auto name = ports_.conditions.interpolate(
      step.name.empty() ? title_of(step.run) : step.name, expressions());
  const bool was_turned_down = turned_down_;
  begin_step(n, name.value_or(step.name));
  if (turned_down_ && !was_turned_down) {
    return conclude_step(n, step,
                         {.verdict = verdict_, .exit = {}, .took = rt::Nanos{0}, .why = why_});
  }
  const auto refuse = [&](const rt::Error& error) {
    conclude_step(n, step,
                  {.verdict = error.code == rt::Errc::kFull ? Verdict::kDiskFull : Verdict::kFailed,
                   .exit = {},
                   .took = rt::Nanos{0},
                   .why = error.message});
  };
  const auto script = script_of(step);
  if (!script) return refuse(script.error());
  auto command = place_.make_step(n, job_, *script);
  if (!command) return refuse(command.error());
  run_inside(*std::move(command), {.timeout = step.timeout, .silence = job_.silence_timeout},
             [this, n, &step](const ProcessEnd& end) { conclude_step(n, step, end); });
}

rt::Result<StepScript> JobRun::script_of(const JobStep& step) const {
  StepScript script;
  script.paths = paths_;
  script.env = env_;
  const Conditions& conditions = ports_.conditions;
  const ExpressionContext context = expressions();
  for (const auto& [name, text] : step.env) {
    auto value = conditions.interpolate(text, context);
    if (!value) return rt::Error{value.error().code, "env: " + value.error().message};
    set_pair(script.env, name, *std::move(value));
  }
  const ExpressionContext inner = context_.expressions(verdict_, script.env);
  auto run = conditions.interpolate(step.run, inner);
  if (!run) return rt::Error{run.error().code, "run: " + run.error().message};
  auto directory = conditions.interpolate(step.working_directory, inner);
  if (!directory) {
    return rt::Error{directory.error().code, "working_directory: " + directory.error().message};
  }
  script.run = *std::move(run);
  script.working_directory = *std::move(directory);
  return script;
}

void JobRun::begin_step(std::size_t n, const std::string& name) {
  log_.group(name);
  tell(StepStartedFact{n, log_.masked(name), ports_.clock.now()});
}

void JobRun::end_step(std::size_t n, const ProcessEnd& end) {
  log_.end_step();
  if (end.verdict != Verdict::kPassed) {
    log_.error(fmt::format("{}: {}", to_string(end.verdict), end.why));
  }
  log_.end_group();
  tell(StepEndedFact{n, end.verdict, end.exit.code, end.exit.signal,
                     std::chrono::duration<double>(end.took).count()});
}

void JobRun::conclude_step(std::size_t n, const JobStep& step, ProcessEnd end) {
  Pairs outputs;
  take_words(n, end, outputs);
  if (end.verdict == Verdict::kFailed && is_disk_full()) {
    end.verdict = Verdict::kDiskFull;
    end.why += ": no space is left on the device";
  }
  end_step(n, end);
  const bool failed = end.verdict != Verdict::kPassed;
  const bool forgiven = failed && step.continue_on_error && !turned_down_;
  context_.add_step(step.id, end.verdict, forgiven, outputs);
  if (failed && !forgiven) {
    const std::string name = step.name.empty() ? title_of(step.run) : step.name;
    judge(end.verdict, fmt::format("step {} ({}): {}", n, name, end.why));
  }
  next_step();
}

/// A step that failed may have set something all the same.
void JobRun::take_words(std::size_t n, ProcessEnd& end, Pairs& outputs) {
  auto words = place_.read_step(n);
  std::string why = words ? "" : words.error().message;
  if (words) {
    outputs = std::move(words->outputs);
    for (auto& [name, value] : words->env) set_pair(env_, name, std::move(value));
    for (std::string& path : words->paths) paths_.push_back(std::move(path));
    if (size_of(env_) > kEnvBytesMax || paths_.size() > kPathsMax) {
      why = fmt::format("steps set more than {} bytes of environment or {} directories",
                        kEnvBytesMax, kPathsMax);
    }
  }
  if (why.empty() || end.verdict != Verdict::kPassed) return;
  end.verdict = Verdict::kFailed;
  end.why = why;
}

bool JobRun::is_disk_full() const {
  if (tail_.find(kFullWords) != std::string::npos) return true;
  const auto space = ports_.files.space(place_.directory());
  return space && space->bytes_free < kDiskFullBelow;
}

}  // namespace fieldpost::agent::runner

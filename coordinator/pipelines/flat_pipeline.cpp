#include "coordinator/pipelines/flat_pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "coordinator/pipelines/call_check.h"
#include "coordinator/pipelines/renames.h"

namespace fieldpost::coordinator {
namespace {

using NeedPtr = std::shared_ptr<const FlatNeed>;

bool has_expression(const std::string& text) {
  return text.find("${{") != std::string::npos;
}

bool has_expression(const PipelineCall& call) {
  return std::ranges::any_of(call.arguments,
                             [](const Argument& each) { return has_expression(each.text); });
}

/// The same for uses that would do the same.
std::string key_of(const PipelineCall& call, const std::string& surroundings) {
  std::string key = call.file + "\n" + surroundings;
  for (const Argument& each : call.arguments) key += fmt::format("\n{}={}", each.name, each.text);
  for (const auto& [there, here] : call.secrets) key += fmt::format("\n{}:{}", there, here);
  return key + (call.hands_on_secrets ? "\ninherit" : "");
}

/// What has to be the same around two uses by jobs, beside their arguments. A scope has one outer
/// set of gates.
std::string surroundings_of(const Job& job, std::size_t scope, const FlatGates& gates) {
  const bool has_condition =
      std::ranges::any_of(gates, [](const auto& gate) { return !gate->condition.empty(); });
  const bool is_plain = !has_condition && !has_expression(job.used()) &&
                        !job.used().hands_on_secrets && job.used().secrets.empty();
  if (is_plain) return {};
  return fmt::format("{} {}\n{}", scope, fmt::join(job.needs, " "), job.condition);
}

std::size_t text_bytes_of(const TextMap& map) {
  std::size_t bytes = 0;
  for (const auto& [name, value] : map) bytes += name.size() + value.size();
  return bytes;
}

std::size_t text_bytes_of(const Job& job) {
  std::size_t bytes = text_bytes_of(job.env) + text_bytes_of(job.outputs);
  for (const Step& step : job.steps) {
    bytes += step.spec.run.size() + step.spec.condition.size() + text_bytes_of(step.spec.env);
  }
  return bytes;
}

/// Whether nothing around a use by a step changes what it does.
bool is_plain_use(const Step& step) {
  return step.spec.condition.empty() && step.spec.env.empty() && step.continue_on_error.empty();
}

/// Depth first; keeps the chain of files that it is in.
class Flattener {
 public:
  Flattener(const std::string& file, const LoadFile& load, Problems& problems)
      : directory_(file.substr(0, file.rfind('/') + 1)), load_(load), problems_(problems) {}

  void flatten(const std::string& file);
  FlatPipeline take() { return std::move(out_); }

 private:
  /// By id, in a file.
  using Results = std::map<std::string, NeedPtr>;

  const Pipeline* find(const std::string& file, const Place& place);
  const Pipeline* enter(const PipelineCall& call);
  std::size_t add_scope(const PipelineCall& call, const Pipeline& used, std::size_t parent);
  Results flatten_jobs(const Pipeline& pipeline, const std::string& prefix, std::size_t scope,
                       const FlatGates& gates);
  NeedPtr flatten_job(const Job& job, const std::string& prefix, std::size_t scope,
                      FlatGates gates);
  NeedPtr flatten_call(const Job& job, const std::string& prefix, std::size_t scope,
                       const FlatGates& gates);
  NeedPtr flatten_used(const Job& job, const Pipeline& used, const std::string& prefix,
                       std::size_t scope, const FlatGates& gates);
  bool try_add_work(const Job& job);
  void add_job(FlatJob flat);
  [[nodiscard]] std::string step_surroundings(const Step& step, std::size_t scope) const;
  std::vector<Step> expand(const std::vector<Step>& steps, std::size_t scope, FlatJob& into);
  void expand_call(const Step& step, std::size_t scope, FlatJob& into, std::vector<Step>& out);

  std::string directory_;
  const LoadFile& load_;
  Problems& problems_;
  FlatPipeline out_;
  std::map<std::string, std::optional<Pipeline>> files_;
  std::vector<std::string> chain_;
  std::map<std::string, NeedPtr> done_;  ///< uses by jobs
  std::set<std::string> done_steps_;     ///< uses by steps of one job
  std::size_t work_ = 0;                 ///< of kFlatWorkMax
  std::size_t text_bytes_ = 0;           ///< of kFlatTextBytesMax
  std::set<std::size_t> plain_scopes_;   ///< of them: steps in there run as anywhere
};

const Pipeline* Flattener::find(const std::string& file, const Place& place) {
  const auto known = files_.find(file);
  if (known != files_.end()) {
    const std::optional<Pipeline>& found = known->second;
    return found.has_value() ? &*found : nullptr;
  }
  auto& pipeline = files_[file];
  const auto text = load_(directory_ + file);
  if (!text) {
    problems_.add(place, place.line > 0 ? "uses" : "", text.error().message, "");
    return nullptr;
  }
  pipeline = read_pipeline(directory_ + file, *text, problems_);
  return pipeline ? &*pipeline : nullptr;
}

const Pipeline* Flattener::enter(const PipelineCall& call) {
  if (std::ranges::find(chain_, call.file) != chain_.end()) {
    problems_.add(
        call.place, "uses",
        fmt::format("pipelines that use each other, {} → {}", fmt::join(chain_, " → "), call.file),
        "no circle");
    return nullptr;
  }
  if (chain_.size() > kCallDepthMax || out_.scopes.size() >= kCallsMax) {
    problems_.add(call.place, "uses", "too many pipelines use each other",
                  fmt::format("at most {} levels and {} uses", kCallDepthMax, kCallsMax));
    return nullptr;
  }
  const Pipeline* used = find(call.file, call.place);
  if (used == nullptr || used->on.call) return used;
  problems_.add(call.place, "uses", call.file + " is not there to be used",
                "`workflow_call` in its `on`");
  return nullptr;
}

std::size_t Flattener::add_scope(const PipelineCall& call, const Pipeline& used,
                                 std::size_t parent) {
  out_.scopes.push_back(
      {parent, used.on.called().inputs, call.arguments, call.hands_on_secrets, call.secrets});
  return out_.scopes.size() - 1;
}

/// Past the bound nothing more is looked at.
bool Flattener::try_add_work(const Job& job) {
  if (++work_ == kFlatWorkMax) {
    problems_.add(job.place, "jobs." + job.id, "too many jobs, with those of used pipelines",
                  fmt::format("at most {} to look at", kFlatWorkMax));
  }
  return work_ < kFlatWorkMax;
}

Flattener::Results Flattener::flatten_jobs(const Pipeline& pipeline, const std::string& prefix,
                                           std::size_t scope, const FlatGates& gates) {
  Results results;
  for (const Job& job : pipeline.jobs) {
    if (!try_add_work(job)) break;
    FlatGate own{job.condition, {}, scope};
    for (const std::string& need : job.needs) {
      const auto found = results.find(need);
      if (found != results.end()) own.needs.push_back(found->second);
    }
    FlatGates all = gates;
    all.push_back(std::make_shared<const FlatGate>(std::move(own)));
    results[job.id] = job.call ? flatten_call(job, prefix, scope, all)
                               : flatten_job(job, prefix, scope, std::move(all));
  }
  return results;
}

void Flattener::add_job(FlatJob flat) {
  const Job& job = flat.job;
  text_bytes_ += text_bytes_of(job);
  if (job.steps.size() > pipeline::kStepsMax) {
    problems_.add(job.place, "jobs." + job.id, "too many steps, with those of used pipelines",
                  fmt::format("at most {}", pipeline::kStepsMax));
  }
  if (out_.jobs.size() >= kFlatJobsMax || text_bytes_ > kFlatTextBytesMax) {
    problems_.add(job.place, "jobs." + job.id, "too much, with what used pipelines have",
                  fmt::format("at most {} jobs and {} bytes", kFlatJobsMax, kFlatTextBytesMax));
    work_ = std::max(work_, kFlatWorkMax);
    return;
  }
  out_.jobs.push_back(std::move(flat));
}

NeedPtr Flattener::flatten_job(const Job& job, const std::string& prefix, std::size_t scope,
                               FlatGates gates) {
  FlatNeed result{.name = job.id, .scope = scope};
  if (out_.jobs.size() < kFlatJobsMax) result.jobs.set(out_.jobs.size());
  FlatJob flat{prefix + job.id, job, scope, std::move(gates), {}};
  done_steps_.clear();
  plain_scopes_ = {scope};
  flat.job.steps = expand(job.steps, scope, flat);
  add_job(std::move(flat));
  return std::make_shared<const FlatNeed>(std::move(result));
}

NeedPtr Flattener::flatten_used(const Job& job, const Pipeline& used, const std::string& prefix,
                                std::size_t scope, const FlatGates& gates) {
  const std::size_t inside = add_scope(job.used(), used, scope);
  FlatNeed out{.outputs = used.on.called().outputs, .scope = inside};
  chain_.push_back(job.used().file);
  for (const auto& [id, need] : flatten_jobs(used, prefix + job.id + "/", inside, gates)) {
    out.jobs |= need->jobs;
    out.called.push_back(need);
  }
  chain_.pop_back();
  return std::make_shared<const FlatNeed>(std::move(out));
}

/// A second use stands for the first, and comes behind what it needs itself as well.
NeedPtr Flattener::flatten_call(const Job& job, const std::string& prefix, std::size_t scope,
                                const FlatGates& gates) {
  FlatNeed out;
  const Pipeline* used = enter(job.used());
  if (used != nullptr) {
    check_arguments(job.used(), *used, problems_);
    check_secrets(job.used(), *used, problems_);
    const std::string key = key_of(job.used(), surroundings_of(job, scope, gates));
    auto known = done_.find(key);
    if (known == done_.end()) {
      known = done_.emplace(key, flatten_used(job, *used, prefix, scope, gates)).first;
    }
    out = *known->second;
  }
  out.name = job.id;
  for (const NeedPtr& need : gates.back()->needs) out.jobs |= need->jobs;
  return std::make_shared<const FlatNeed>(std::move(out));
}

std::string Flattener::step_surroundings(const Step& step, std::size_t scope) const {
  const bool is_plain =
      plain_scopes_.contains(scope) && is_plain_use(step) && !has_expression(step.used());
  if (is_plain) return {};
  std::string out = fmt::format("{} {}\n{}", scope, step.spec.condition, step.continue_on_error);
  for (const auto& [name, value] : step.spec.env) out += "\n" + name + "=" + value;
  return out;
}

void Flattener::expand_call(const Step& step, std::size_t scope, FlatJob& into,
                            std::vector<Step>& out) {
  const Pipeline* used = enter(step.used());
  if (used == nullptr || !check_as_step(step.used(), *used, problems_)) return;
  check_arguments(step.used(), *used, problems_);
  const std::string key = key_of(step.used(), step_surroundings(step, scope));
  if (!done_steps_.insert(key).second) return;
  const std::size_t inside = add_scope(step.used(), *used, scope);
  into.step_scopes.push_back(inside);
  const Job& job = used->jobs.front();
  if (plain_scopes_.contains(scope) && is_plain_use(step) && job.env.empty()) {
    plain_scopes_.insert(inside);
  }
  into.job.secrets.insert(job.secrets.begin(), job.secrets.end());
  const Renames renames{fmt::format("calls.c{}", inside), fmt::format("c{}_", inside)};
  chain_.push_back(step.used().file);
  auto steps = expand(job.steps, inside, into);
  chain_.pop_back();
  for (Step& each : steps) {
    rename(each, renames);
    for (const auto& [name, value] : step.spec.env) each.spec.env.emplace(name, value);
    for (const auto& [name, value] : job.env) {
      each.spec.env.emplace(name, renamed_text(value, renames));
    }
    each.spec.condition = both_conditions(step.spec.condition, each.spec.condition);
    each.continue_on_error = either_flag(step.continue_on_error, each.continue_on_error);
    out.push_back(std::move(each));
  }
}

std::vector<Step> Flattener::expand(const std::vector<Step>& steps, std::size_t scope,
                                    FlatJob& into) {
  std::vector<Step> out;
  for (const Step& step : steps) {
    if (out.size() > pipeline::kStepsMax) break;  // said by whoever asked for them
    if (step.call) {
      expand_call(step, scope, into, out);
    } else {
      out.push_back(step);
    }
  }
  return out;
}

void Flattener::flatten(const std::string& file) {
  const std::string name = file.substr(directory_.size());
  const Pipeline* main = find(name, {file, 0, 0});
  if (main == nullptr) return;
  out_.main = *main;
  CallScope scope;
  scope.inputs = main->on.dispatch_inputs;
  out_.scopes.push_back(std::move(scope));
  chain_.push_back(name);
  (void)flatten_jobs(*main, "", 0, {});
}

}  // namespace

std::optional<FlatPipeline> load_pipeline(const std::string& file, const LoadFile& load,
                                          Problems& problems) {
  const std::size_t before = problems.all().size() + problems.left_out();
  Flattener flattener(file, load, problems);
  flattener.flatten(file);
  if (problems.all().size() + problems.left_out() > before) return std::nullopt;
  return flattener.take();
}

}  // namespace fieldpost::coordinator

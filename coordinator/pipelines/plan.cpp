#include "coordinator/pipelines/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "coordinator/pipelines/matrix_legs.h"
#include "coordinator/pipelines/plan_values.h"
#include "proto/pipeline/expression_value.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Json;

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The coordinator's name of a secret that a job of `scope` names; empty: it is not handed on.
std::string secret_of(const FlatPipeline& pipeline, std::size_t scope, std::string name) {
  while (scope != 0 && !name.empty()) {
    const CallScope& call = pipeline.scopes[scope];
    scope = call.parent;
    if (call.hands_on_secrets) continue;
    const auto found = std::ranges::find_if(call.secrets, [&](const auto& each) {
      return pipeline::same_ignoring_case(each.first, name);
    });
    name = found == call.secrets.end() ? std::string() : found->second;
  }
  return name;
}

class Planner {
 public:
  Planner(const FlatPipeline& pipeline, const PlanRequest& request, Json context,
          Problems& problems)
      : pipeline_(pipeline), request_(request), context_(std::move(context)), problems_(problems) {}

  Plan plan();

 private:
  [[nodiscard]] Json contexts_of(std::size_t scope) const;
  void plan_concurrency(Plan& out) const;
  void plan_job(std::size_t index, Plan& out);
  PlannedJob plan_leg(const FlatJob& flat, const Matrix::Values& leg);
  std::string name_of(const FlatJob& flat, const Matrix::Values& leg, const PlanTexts& texts);
  pipeline::JobSpec spec_of(const FlatJob& flat, const PlanTexts& texts) const;
  void check_readable(const FlatJob& flat, pipeline::JobSpec spec);

  const FlatPipeline& pipeline_;
  const PlanRequest& request_;
  const Json context_;
  Problems& problems_;
  Json inputs_;
  std::set<std::string> names_;
  std::size_t bytes_ = 0;  ///< of kPlanBytesMax
};

Json Planner::contexts_of(std::size_t scope) const {
  Json out = context_;
  out["inputs"] = inputs_[scope];
  return out;
}

void Planner::plan_concurrency(Plan& out) const {
  const Json contexts = contexts_of(0);
  const Place place{pipeline_.main.file, 0, 0};
  const PlanTexts texts(contexts, place, problems_);
  out.concurrency_group = texts.text(pipeline_.main.concurrency_group, "concurrency.group");
  out.cancel_in_progress =
      texts.flag(pipeline_.main.cancel_in_progress, "concurrency.cancel-in-progress");
}

std::string Planner::name_of(const FlatJob& flat, const Matrix::Values& leg,
                             const PlanTexts& texts) {
  const std::string& own = flat.job.name.empty() ? flat.job.id : flat.job.name;
  const bool tells_leg = own.find("${{") != std::string::npos;
  const std::string prefix = flat.id.substr(0, flat.id.size() - flat.job.id.size());
  const std::string name =
      prefix + (tells_leg ? texts.text(own, "jobs." + flat.job.id + ".name") : leg_name(own, leg));
  std::string different = name;
  for (int i = 2; !names_.insert(different).second; ++i) different = fmt::format("{} #{}", name, i);
  return different;
}

pipeline::JobSpec Planner::spec_of(const FlatJob& flat, const PlanTexts& texts) const {
  const Job& job = flat.job;
  const std::string key = "jobs." + job.id;
  pipeline::JobSpec spec;
  spec.build = request_.build;
  spec.pipeline = pipeline_.main.name;
  spec.source = request_.source;
  spec.env = job.env;
  for (const Step& step : job.steps) {
    spec.steps.push_back(step.spec);
    spec.steps.back().continue_on_error =
        texts.flag(step.continue_on_error, key + ".steps.continue-on-error");
  }
  spec.timeout_s = job.timeout_s;
  spec.silence_timeout_s = job.silence_timeout_s;
  spec.memory_max = job.memory_max;
  spec.pids_max = job.pids_max;
  spec.cpu_percent = job.cpu_percent;
  spec.network = job.network;
  spec.mode = job.mode;
  spec.outputs = job.outputs;
  spec.artifacts = job.artifacts;
  spec.cache = job.cache;
  spec.continue_on_error = texts.flag(job.continue_on_error, key + ".continue-on-error");
  return spec;
}

/// As a runner will read it, but for secrets and what is under `needs`.
void Planner::check_readable(const FlatJob& flat, pipeline::JobSpec spec) {
  constexpr std::size_t kJobDigits = 32;
  spec.job = std::string(kJobDigits, '0');
  const std::string key = "jobs." + flat.job.id;
  const auto text = pipeline::encode(spec);
  if (!text) {
    problems_.add(flat.job.place, key, text.error().message, "");
    return;
  }
  bytes_ += text->size();
  const auto again = pipeline::decode_job_spec(*text);
  if (!again) problems_.add(flat.job.place, key, again.error().message, "");
}

PlannedJob Planner::plan_leg(const FlatJob& flat, const Matrix::Values& leg) {
  Json contexts = contexts_of(flat.scope);
  contexts["matrix"] = Json::object();
  for (const auto& [name, value] : leg) {
    contexts["matrix"][name] = Json::parse(value, nullptr, false);
  }
  for (const std::size_t scope : flat.step_scopes) {
    contexts["calls"]["c" + std::to_string(scope)] = inputs_[scope];
  }
  const PlanTexts texts(contexts, flat.job.place, problems_);
  PlannedJob out;
  out.name = name_of(flat, leg, texts);
  out.gates = flat.gates;
  out.labels = texts.texts(flat.job.labels, "jobs." + flat.job.id + ".runs-on");
  out.fail_fast = flat.job.fail_fast;
  out.parallel_max = flat.job.parallel_max;
  out.priority = flat.job.priority;
  out.retry = flat.job.retry;
  for (const std::string& name : flat.job.secrets) {
    const std::string known = secret_of(pipeline_, flat.scope, name);
    if (!known.empty()) out.secrets[name] = known;
  }
  out.spec = spec_of(flat, texts);
  out.spec.name = out.name;
  out.spec.context = dump(contexts);
  check_readable(flat, out.spec);
  return out;
}

void Planner::plan_job(std::size_t index, Plan& out) {
  const FlatJob& flat = pipeline_.jobs[index];
  const auto legs = legs_of(flat.job.matrix);
  const std::string key = "jobs." + flat.job.id;
  if (legs.empty()) {
    problems_.add(flat.job.place, key, "its matrix excludes all of its legs", "at least one");
  }
  if (legs.size() > kLegsMax || out.jobs.size() + legs.size() > kPlannedJobsMax) {
    problems_.add(flat.job.place, key, "too many legs",
                  fmt::format("at most {} of a matrix, {} in all", kLegsMax, kPlannedJobsMax));
    return;
  }
  for (const Matrix::Values& leg : legs) {
    if (bytes_ > kPlanBytesMax) {
      problems_.add(flat.job.place, key, "the plan is too large from here on",
                    fmt::format("at most {} bytes", kPlanBytesMax));
      return;
    }
    out.jobs.push_back(plan_leg(flat, leg));
    out.jobs.back().flat_job = index;
  }
}

Plan Planner::plan() {
  Plan out;
  inputs_ = plan_inputs(pipeline_, request_, context_, problems_);
  for (std::size_t i = 0; i < pipeline_.scopes.size(); ++i) {
    out.contexts.push_back(dump(contexts_of(i)));
  }
  plan_concurrency(out);
  for (std::size_t i = 0; i < pipeline_.jobs.size(); ++i) plan_job(i, out);
  return out;
}

}  // namespace

std::optional<Plan> plan(const FlatPipeline& pipeline, const PlanRequest& request,
                         Problems& problems) {
  const std::size_t before = problems.all().size() + problems.left_out();
  const bool fits =
      request.context.size() <= pipeline::kJobSpecBytesMax && !rt::nests_too_deep(request.context);
  Json context = fits ? Json::parse(request.context, nullptr, false) : Json();
  if (!context.is_object()) {
    problems.add({pipeline.main.file, 0, 0}, "", "the context of the build",
                 fmt::format("a JSON object of at most {} bytes and {} levels",
                             pipeline::kJobSpecBytesMax, rt::kJsonDepthMax));
    return std::nullopt;
  }
  Plan out = Planner(pipeline, request, std::move(context), problems).plan();
  if (problems.all().size() + problems.left_out() > before) return std::nullopt;
  return out;
}

}  // namespace fieldpost::coordinator

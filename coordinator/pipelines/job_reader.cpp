#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "coordinator/pipelines/readers.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::kNameBytesMax;

constexpr rt::Nanos kBackoffMax = std::chrono::hours(24);

void read_strategy(YamlFields& job_fields, Job& job) {
  YamlFields strategy = job_fields.fields("strategy");
  strategy.only({"matrix", "fail-fast", "max-parallel"});
  job.matrix = read_matrix(strategy);
  job.fail_fast = strategy.flag("fail-fast").value_or(true);
  const auto parallel = strategy.integer("max-parallel", 1, kLegsMax);
  job.parallel_max = static_cast<std::size_t>(parallel.value_or(0));
}

void read_retry(YamlFields& job_fields, Job& job) {
  YamlFields fields = job_fields.fields("retry");
  if (!job_fields.has("retry")) return;
  fields.only({"max", "on", "backoff"});
  const auto count = fields.integer("max", 1, kRetriesMax);
  if (!fields.has("max")) fields.complain("max", "how often");
  job.retry.count_max = static_cast<std::size_t>(count.value_or(0));
  job.retry.backoff =
      fields.duration("backoff", rt::Nanos{0}, kBackoffMax).value_or(job.retry.backoff);
  const auto is_failure = [](pipeline::Verdict verdict) {
    return verdict != pipeline::Verdict::kPassed && verdict != pipeline::Verdict::kCancelled;
  };
  for (const std::string& name : fields.texts("on")) {
    const auto verdict = pipeline::parse_verdict(name);
    if (verdict && is_failure(*verdict)) {
      job.retry.verdicts.push_back(*verdict);
    } else {
      fields.complain("on",
                      "failures: failed, timed_out, silent, out_of_memory, disk_full, "
                      "interrupted, agent_lost");
    }
  }
  if (fields.has("on")) return;
  std::ranges::copy_if(pipeline::kVerdicts, std::back_inserter(job.retry.verdicts), is_failure);
}

void read_limits(YamlFields& fields, Job& job) {
  const auto small = [&](const char* key, std::uint32_t most) {
    return static_cast<std::uint32_t>(fields.integer(key, 1, most).value_or(0));
  };
  job.timeout_s = fields.minutes("timeout-minutes");
  const auto silence =
      fields.duration("silence-timeout", rt::Seconds{1}, rt::Seconds{pipeline::kSecondsMax});
  job.silence_timeout_s = static_cast<std::uint32_t>(
      std::chrono::duration_cast<rt::Seconds>(silence.value_or(rt::Nanos{0})).count());
  job.memory_max = fields.size("memory-max");
  job.pids_max = small("pids-max", pipeline::kPidsMax);
  job.cpu_percent = small("cpu-percent", pipeline::kCpuPercentMax);
  job.network = fields.flag("network").value_or(true);
  job.priority =
      static_cast<int>(fields.integer("priority", -kPriorityMax, kPriorityMax).value_or(0));
  const std::string mode = fields.text("mode", kNameBytesMax);
  const auto parsed = pipeline::parse_build_mode(mode);
  if (fields.has("mode") && !parsed) fields.complain("mode", "update, strict or force");
  job.mode = parsed.value_or(pipeline::BuildMode::kUpdate);
}

/// `runs-on` as GitHub writes it.
std::vector<std::string> read_labels(YamlFields& fields, ExpressionCheck& check) {
  check.check_texts(fields.find("runs-on"), fields.path_of("runs-on"), Spot::kLeg);
  auto labels = fields.texts("runs-on");
  const bool is_wrong =
      fields.has("runs-on") && (labels.empty() || std::ranges::find(labels, "") != labels.end());
  if (is_wrong) fields.complain("runs-on", "labels that a node has to have");
  return labels;
}

void read_outputs(YamlFields& fields, Job& job, ExpressionCheck& check) {
  job.outputs = fields.text_map("outputs");
  check.check_texts(fields.find("outputs"), fields.path_of("outputs"), Spot::kStep);
}

void read_own_work(YamlFields& fields, const JobDefaults& defaults, Job& job,
                   ExpressionCheck& check) {
  fields.only({"name",
               "needs",
               "if",
               "runs-on",
               "strategy",
               "steps",
               "uses",
               "with",
               "secrets",
               "outputs",
               "env",
               "defaults",
               "artifacts",
               "cache",
               "retry",
               "memory-max",
               "timeout-minutes",
               "pids-max",
               "cpu-percent",
               "silence-timeout",
               "network",
               "mode",
               "priority",
               "continue-on-error"});
  for (const char* key : {"with", "secrets"}) {
    if (fields.has(key)) fields.complain(key, "it beside `uses` only");
  }
  job.labels = read_labels(fields, check);
  job.env = read_env(fields, check, Spot::kJobEnv);
  for (const auto& [name, value] : defaults.env) job.env.emplace(name, value);
  const std::string directory = read_directory(fields, defaults.directory, check);
  job.steps = read_steps(fields, directory, check);
  read_outputs(fields, job, check);
  read_kept_files(fields, job, check);
  read_retry(fields, job);
  read_limits(fields, job);
  job.continue_on_error = read_flag_text(fields, "continue-on-error", check, Spot::kLeg);
  job.secrets = check.secrets();
  job.secrets.insert(defaults.env_secrets.begin(), defaults.env_secrets.end());
}

}  // namespace

Job read_job(YamlFields fields, const std::string& id, const JobDefaults& defaults,
             ExpressionCheck& check) {
  Job job;
  job.id = id;
  job.place = fields.source().place(fields.node());
  job.needs = fields.texts("needs");
  check.set_known("needs", job.needs);
  check.set_known("steps", {});
  check.forget_secrets();
  if (!fields.has("uses")) read_strategy(fields, job);
  check.set_known("matrix", matrix_names(job.matrix));
  job.name = fields.text("name", kNameBytesMax);
  check.check_texts(fields.find("name"), fields.path_of("name"), Spot::kLeg);
  job.condition = read_condition(fields, check, Spot::kJobCondition);
  if (fields.has("uses")) {
    fields.only({"name", "needs", "if", "uses", "with", "secrets"});
    job.call = read_call(fields, check);
    for (const auto& [there, here] : job.call->secrets) job.secrets.insert(here);
  } else {
    read_own_work(fields, defaults, job, check);
  }
  return job;
}

}  // namespace fieldpost::coordinator

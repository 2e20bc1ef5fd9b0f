#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/pipelines/job_order.h"
#include "coordinator/pipelines/readers.h"
#include "coordinator/pipelines/yaml_document.h"

namespace fieldpost::coordinator {
namespace {

/// "nightly" of "x/nightly.yml".
std::string stem_of(const std::string& file) {
  const std::string name = file.substr(file.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

std::vector<std::string> names_of(const Triggers& on) {
  std::vector<std::string> names;
  for (const Input& input : on.dispatch_inputs) names.push_back(input.name);
  if (!on.call) return names;
  for (const Input& input : on.call->inputs) names.push_back(input.name);
  return names;
}

void read_concurrency(YamlFields& top, Pipeline& out, ExpressionCheck& check) {
  const YamlNode* node = top.find("concurrency");
  if (node == nullptr) return;
  if (node->is_scalar()) {
    out.concurrency_group = top.text("concurrency", pipeline::kTextBytesMax);
    check.check_texts(node, "concurrency", Spot::kPlanned);
    return;
  }
  YamlFields fields = top.fields("concurrency");
  fields.only({"group", "cancel-in-progress"});
  out.concurrency_group = fields.text("group", pipeline::kTextBytesMax);
  if (out.concurrency_group.empty())
    fields.complain("group", "a text, the same for builds that exclude each other");
  check.check_texts(fields.find("group"), fields.path_of("group"), Spot::kPlanned);
  out.cancel_in_progress = read_flag_text(fields, "cancel-in-progress", check, Spot::kPlanned);
}

void check_declared_secrets(const YamlSource& source, const Pipeline& pipeline, const Job& job) {
  if (!pipeline.on.call || pipeline.on.call->secrets.empty()) return;
  std::vector<std::string> declared;
  for (const auto& [name, required] : pipeline.on.call->secrets) declared.push_back(name);
  for (const std::string& name : job.secrets) {
    if (pipeline.on.call->secrets.contains(name)) continue;
    source.problems.add(job.place, "jobs." + job.id,
                        fmt::format("the secret `{}` is not in on.workflow_call.secrets{}", name,
                                    source.problems.near_name(name, declared)),
                        fmt::format("one of {}", fmt::join(declared, ", ")));
  }
}

void read_jobs(YamlFields& top, Pipeline& out, const JobDefaults& defaults,
               ExpressionCheck& check) {
  YamlFields fields = top.fields("jobs");
  const auto& keys = fields.node().keys;
  if (keys.empty() || keys.size() > kJobsMax) {
    top.complain("jobs", fmt::format("a mapping of 1 to {} jobs", kJobsMax));
    return;
  }
  for (const YamlNode::Key& key : keys) {
    if (!is_id(key.text)) {
      top.source().problems.add({out.file, key.line, key.column}, fields.path_of(key.text),
                                "this id", kIdExpected);
    }
    out.jobs.push_back(read_job(fields.fields(key.text), key.text, defaults, check));
    out.jobs.back().place = {out.file, key.line, key.column};
    check_declared_secrets(top.source(), out, out.jobs.back());
  }
  out.jobs = in_order(std::move(out.jobs), top.source().problems);
}

void read_top(YamlFields& top, Pipeline& out) {
  top.only({"name", "on", "env", "defaults", "concurrency", "jobs"});
  std::vector<std::string> ids;
  if (const YamlNode* jobs = top.find("jobs")) {
    for (const YamlNode::Key& key : jobs->keys) ids.push_back(key.text);
  }
  ExpressionCheck check(top.source(), {{"jobs", std::move(ids)}});
  out.name = top.has("name") ? top.text("name", pipeline::kNameBytesMax) : stem_of(out.file);
  if (out.name.empty()) top.complain("name", "a name");
  out.on = read_triggers(top, check);
  check.set_known("inputs", names_of(out.on));
  read_concurrency(top, out, check);
  check.forget_secrets();
  JobDefaults defaults;
  defaults.env = read_env(top, check, Spot::kPipelineEnv);
  defaults.env_secrets = check.secrets();
  // Which steps, axes and needs there are depends on the job.
  ExpressionCheck directory_check(top.source(), {{"inputs", names_of(out.on)}});
  defaults.directory = read_directory(top, "", directory_check);
  read_jobs(top, out, defaults, check);
}

}  // namespace

std::string_view to_string(InputType type) {
  switch (type) {
    case InputType::kString: return "string";
    case InputType::kBoolean: return "boolean";
    case InputType::kNumber: return "number";
    case InputType::kChoice: return "choice";
  }
  FP_CHECK(false);
}

std::string_view to_string(Missed missed) {
  switch (missed) {
    case Missed::kSkip: return "skip";
    case Missed::kRunOnce: return "run_once";
    case Missed::kRunAll: return "run_all";
  }
  FP_CHECK(false);
}

std::optional<Pipeline> read_pipeline(const std::string& file, std::string_view text,
                                      Problems& problems) {
  const std::size_t before = problems.all().size() + problems.left_out();
  const auto root = parse_yaml(file, text, problems);
  if (!root) return std::nullopt;
  const YamlSource source{file, problems};
  Pipeline out;
  out.file = file;
  YamlFields top(source, *root, "");
  if (root->is_mapping()) read_top(top, out);
  if (root->is_null()) source.complain(*root, "", "there is nothing in the file", "a pipeline");
  if (problems.all().size() + problems.left_out() > before) return std::nullopt;
  return out;
}

}  // namespace fieldpost::coordinator

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/pipelines/inputs.h"
#include "coordinator/pipelines/readers.h"
#include "proto/pipeline/expression_text.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::kNameBytesMax;
using pipeline::kTextBytesMax;

constexpr std::size_t kIdBytesMax = 100;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_variable(const std::string& name) {
  return !name.empty() && is_letter(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_letter(c) || is_digit(c); });
}

/// A file beside this one, with or without "./"; empty when it is none.
std::string used_file(const std::string& uses) {
  const std::string name = uses.starts_with("./") ? uses.substr(2) : uses;
  const bool is_yaml = name.ends_with(".yml") || name.ends_with(".yaml");
  const bool is_plain = std::ranges::all_of(
      name, [](char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.'; });
  return is_yaml && is_plain && !name.starts_with('.') ? name : std::string();
}

/// The name of the secret that `${{ secrets.NAME }}` is; empty when it is something else.
std::string secret_of(const std::string& text) {
  const auto parts = pipeline::split_text(text);
  if (!parts || parts->size() != 1 || !parts->front().is_expression) return {};
  const auto expression = pipeline::Expression::parse(parts->front().text);
  if (!expression || expression->uses().size() != 1) return {};
  const auto& path = expression->uses().front().path;
  return path.size() == 2 && path.front().name == "secrets" ? path.back().name : std::string();
}

void read_secrets(YamlFields& fields, PipelineCall& call) {
  const YamlNode* node = fields.find("secrets");
  if (node == nullptr) return;
  if (node->is_scalar() && node->text == "inherit") {
    call.hands_on_secrets = true;
    return;
  }
  for (const auto& [name, text] : fields.text_map("secrets")) {
    call.secrets[name] = secret_of(text);
    if (!call.secrets[name].empty()) continue;
    fields.complain("secrets", "`inherit`, or names with ${{ secrets.NAME }} each");
  }
}

Step read_used_step(YamlFields& fields, ExpressionCheck& check) {
  fields.only({"name", "if", "uses", "with", "env", "continue-on-error"});
  Step step;
  step.call = read_call(fields, check);
  return step;
}

Step read_run_step(YamlFields& fields, const std::string& directory, ExpressionCheck& check) {
  fields.only({"id", "name", "if", "run", "uses", "with", "env", "working-directory",
               "continue-on-error", "timeout-minutes"});
  Step step;
  step.spec.id = fields.text("id", kIdBytesMax);
  if (fields.has("id") && !is_id(step.spec.id)) fields.complain("id", kIdExpected);
  step.spec.run = fields.text("run", pipeline::kRunBytesMax);
  if (step.spec.run.empty()) fields.complain("run", "commands, or `uses`");
  if (fields.has("with")) fields.complain("with", "it beside `uses` only");
  step.spec.working_directory = directory;
  if (fields.has("working-directory")) {
    step.spec.working_directory = fields.text("working-directory", kTextBytesMax);
  }
  step.spec.timeout_s = fields.minutes("timeout-minutes");
  for (const char* key : {"run", "working-directory"}) {
    check.check_texts(fields.find(key), fields.path_of(key), Spot::kStep);
  }
  return step;
}

Step read_step(YamlFields fields, const std::string& directory, ExpressionCheck& check) {
  Step step =
      fields.has("uses") ? read_used_step(fields, check) : read_run_step(fields, directory, check);
  step.place = fields.source().place(fields.node());
  step.spec.name = fields.text("name", kTextBytesMax);
  check.check_texts(fields.find("name"), fields.path_of("name"), Spot::kStep);
  step.spec.condition = read_condition(fields, check, Spot::kStepCondition);
  step.spec.env = read_env(fields, check, Spot::kStep);
  step.continue_on_error = read_flag_text(fields, "continue-on-error", check, Spot::kLeg);
  return step;
}

}  // namespace

bool is_id(const std::string& text) {
  return !text.empty() && text.size() <= kIdBytesMax && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
}

TextMap read_env(YamlFields& fields, ExpressionCheck& check, Spot spot) {
  TextMap env = fields.text_map("env");
  for (const auto& [name, value] : env) {
    if (is_variable(name)) continue;
    fields.source().complain(*fields.find("env"), fields.path_of("env"),
                             fmt::format("a variable named `{}`", name),
                             "letters, digits and _, beginning with no digit");
  }
  check.check_texts(fields.find("env"), fields.path_of("env"), spot);
  return env;
}

std::string read_directory(YamlFields& fields, const std::string& otherwise,
                           ExpressionCheck& check) {
  YamlFields defaults = fields.fields("defaults");
  defaults.only({"run"});
  YamlFields run = defaults.fields("run");
  run.only({"working-directory"});
  check.check_texts(run.find("working-directory"), run.path_of("working-directory"), Spot::kStep);
  return run.has("working-directory") ? run.text("working-directory", kTextBytesMax) : otherwise;
}

std::string read_flag_text(YamlFields& fields, const char* key, ExpressionCheck& check, Spot spot) {
  const std::string text = fields.text(key, kTextBytesMax);
  if (text.empty() || text == "true" || text == "false") return text;
  const auto parts = pipeline::split_text(text);
  const bool is_expression = parts && parts->size() == 1 && parts->front().is_expression;
  if (!is_expression) fields.complain(key, "true, false or ${{ … }}");
  check.check_texts(fields.find(key), fields.path_of(key), spot);
  return text;
}

std::string read_condition(YamlFields& fields, ExpressionCheck& check, Spot spot) {
  check.check_condition(fields.find("if"), fields.path_of("if"), spot);
  return fields.text("if", kTextBytesMax);
}

PipelineCall read_call(YamlFields& fields, ExpressionCheck& check) {
  PipelineCall call;
  const std::string uses = fields.text("uses", kNameBytesMax);
  call.file = used_file(uses);
  if (call.file.empty()) {
    fields.complain("uses",
                    "the file of a pipeline in the same directory, ./NAME.yml; actions of "
                    "GitHub do not run here");
  }
  const YamlNode* at = fields.find("uses");
  call.place = fields.source().place(at == nullptr ? fields.node() : *at);
  YamlFields with = fields.fields("with");
  check.check_texts(fields.find("with"), fields.path_of("with"), Spot::kPlanned);
  const auto& node = with.node();
  for (const auto& [name, text] : fields.text_map("with")) {
    Argument argument{name, text, call.place};
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i].text == name) argument.place = fields.source().place(node.items[i]);
    }
    call.arguments.push_back(std::move(argument));
  }
  read_secrets(fields, call);
  return call;
}

std::vector<Step> read_steps(YamlFields& job, const std::string& directory,
                             ExpressionCheck& check) {
  std::vector<Step> steps;
  const YamlNode* node = job.find("steps");
  if (node == nullptr || !node->is_list() || node->items.empty() ||
      node->items.size() > pipeline::kStepsMax) {
    job.complain("steps", fmt::format("a list of 1 to {} steps", pipeline::kStepsMax));
    return steps;
  }
  std::vector<std::string> ids;
  check.set_known("steps", {});
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    YamlFields fields(job.source(), node->items[i], fmt::format("{}.{}", job.path_of("steps"), i));
    steps.push_back(read_step(fields, directory, check));
    const std::string& id = steps.back().spec.id;
    if (id.empty()) continue;
    if (std::ranges::find(ids, id) != ids.end())
      fields.complain("id", "one that no other step has");
    ids.push_back(id);
    check.add_known("steps", id);
  }
  return steps;
}

}  // namespace fieldpost::coordinator

#include "coordinator/pipelines/plan_values.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "coordinator/pipelines/inputs.h"
#include "proto/pipeline/expression_text.h"
#include "proto/pipeline/expression_value.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Json;

class NoFunctions final : public pipeline::Functions {
 public:
  [[nodiscard]] bool success() const override { return true; }
  [[nodiscard]] bool failure() const override { return false; }
  [[nodiscard]] bool cancelled() const override { return false; }
  [[nodiscard]] rt::Result<std::string> hash_files(const std::vector<std::string>&) const override {
    return rt::Error{rt::Errc::kInvalid, "hashFiles: there are no files when a build is planned"};
  }
};

Json nothing_of(InputType type) {
  switch (type) {
    case InputType::kString:
    case InputType::kChoice: return "";
    case InputType::kBoolean: return false;
    case InputType::kNumber: return nullptr;
  }
  FP_CHECK(false);
}

class InputPlanner {
 public:
  InputPlanner(const FlatPipeline& pipeline, const PlanRequest& request, const Json& context,
               Problems& problems)
      : pipeline_(pipeline), request_(request), context_(context), problems_(problems) {}

  Json plan() {
    check_given();
    for (std::size_t i = 0; i < pipeline_.scopes.size(); ++i) {
      Json values = Json::object();
      for (const Input& input : pipeline_.scopes[i].inputs)
        values[input.name] = plan_input(i, input);
      all_.push_back(std::move(values));
    }
    return std::move(all_);
  }

 private:
  void check_given();
  Json plan_input(std::size_t scope, const Input& input);
  Json plan_text(const Input& input, const std::string& text, const Place& place);
  Json plan_default(const Input& input, bool is_needed);
  [[nodiscard]] std::optional<std::string> look_up(const std::string& name) const;
  std::string evaluate(std::size_t scope, const Argument& argument);

  const FlatPipeline& pipeline_;
  const PlanRequest& request_;
  const Json& context_;
  Problems& problems_;
  Json all_ = Json::array();
};

void InputPlanner::check_given() {
  std::vector<std::string> names;
  for (const Input& input : pipeline_.main.on.dispatch_inputs) names.push_back(input.name);
  for (const auto& [name, text] : request_.inputs) {
    if (find_input(pipeline_.main.on.dispatch_inputs, name) != nullptr) continue;
    problems_.add(
        {pipeline_.main.file, 0, 0}, "on.workflow_dispatch.inputs",
        fmt::format("there is no input `{}`{}", name, problems_.near_name(name, names)),
        names.empty() ? std::string("none") : fmt::format("one of {}", fmt::join(names, ", ")));
  }
}

std::optional<std::string> InputPlanner::look_up(const std::string& name) const {
  const ArgumentSources& all = request_.arguments;
  for (const TextMap* source : {&all.environment, &all.command_line, &all.config, &all.defaults}) {
    const auto found = source->find(name);
    if (found != source->end()) return found->second;
  }
  return std::nullopt;
}

Json InputPlanner::plan_text(const Input& input, const std::string& text, const Place& place) {
  const auto value = input_value(input, text);
  if (value) return Json::parse(*value, nullptr, false);
  problems_.add(place, input.name, "`" + text + "`", expected_of(input));
  return nullptr;
}

Json InputPlanner::plan_default(const Input& input, bool is_needed) {
  if (!input.otherwise) {
    if (is_needed) problems_.add(input.place, input.name, "it is missing", expected_of(input));
    return nothing_of(input.type);
  }
  const auto variable = variable_of(*input.otherwise);
  if (!variable) return plan_text(input, without_escape(*input.otherwise), input.place);
  const auto found = look_up(*variable);
  if (found) return plan_text(input, *found, input.place);
  problems_.add(input.place, input.name, "nothing gives `$" + *variable + "` a value",
                "it in the environment, on the command line, or in the configuration");
  return nullptr;
}

std::string InputPlanner::evaluate(std::size_t scope, const Argument& argument) {
  Json contexts = context_;
  contexts["inputs"] = all_[pipeline_.scopes[scope].parent];
  return PlanTexts(contexts, argument.place, problems_)
      .text(without_escape(argument.text), "with." + argument.name);
}

Json InputPlanner::plan_input(std::size_t scope, const Input& input) {
  if (scope == 0) {
    for (const auto& [name, text] : request_.inputs) {
      if (find_input({input}, name) != nullptr) return plan_text(input, text, input.place);
    }
    return plan_default(input, input.required && request_.by_hand);
  }
  for (const Argument& argument : pipeline_.scopes[scope].arguments) {
    if (find_input({input}, argument.name) == nullptr) continue;
    const auto variable = variable_of(argument.text);
    if (!variable) return plan_text(input, evaluate(scope, argument), argument.place);
    if (const auto found = look_up(*variable)) return plan_text(input, *found, argument.place);
    if (input.otherwise) return plan_default(input, true);
    problems_.add(argument.place, "with." + argument.name,
                  "nothing gives `$" + *variable + "` a value",
                  "it in the environment, on the command line, in the configuration, or a default");
    return nullptr;
  }
  return plan_default(input, input.required);
}

}  // namespace

Json plan_inputs(const FlatPipeline& pipeline, const PlanRequest& request, const Json& context,
                 Problems& problems) {
  return InputPlanner(pipeline, request, context, problems).plan();
}

Json PlanTexts::value(const std::string& text, const std::string& key) const {
  const NoFunctions functions;
  auto value = pipeline::evaluate_text(text, {contexts_, functions});
  if (value) return *std::move(value);
  problems_.add(place_, key, value.error().message, "");
  return nullptr;
}

std::string PlanTexts::text(const std::string& text, const std::string& key) const {
  if (text.find("${{") == std::string::npos) return text;
  const NoFunctions functions;
  auto whole = pipeline::interpolate(text, {contexts_, functions});
  if (whole) return *std::move(whole);
  problems_.add(place_, key, whole.error().message, "");
  return {};
}

bool PlanTexts::flag(const std::string& text, const std::string& key) const {
  return !text.empty() && pipeline::text_of(value(text, key)) == "true";
}

std::vector<std::string> PlanTexts::texts(const std::vector<std::string>& all,
                                          const std::string& key) const {
  std::vector<std::string> out;
  for (const std::string& each : all) {
    const Json found = value(each, key);
    if (!found.is_array()) {
      out.push_back(pipeline::text_of(found));
      continue;
    }
    for (const Json& item : found) out.push_back(pipeline::text_of(item));
  }
  return out;
}

}  // namespace fieldpost::coordinator

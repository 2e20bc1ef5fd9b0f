#include "coordinator/pipelines/call_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/pipelines/inputs.h"

namespace fieldpost::coordinator {
namespace {

std::vector<std::string> names_of(const std::vector<Input>& inputs) {
  std::vector<std::string> names;
  for (const Input& input : inputs) names.push_back(input.name);
  return names;
}

std::string one_of(const std::vector<std::string>& names) {
  return names.empty() ? std::string("nothing: it takes none")
                       : fmt::format("one of {}", fmt::join(names, ", "));
}

void check_argument(const Argument& argument, const std::vector<Input>& inputs,
                    const std::string& file, Problems& problems) {
  const Input* input = find_input(inputs, argument.name);
  if (input == nullptr) {
    const auto names = names_of(inputs);
    problems.add(
        argument.place, "with." + argument.name,
        fmt::format("{} has no such input{}", file, problems.near_name(argument.name, names)),
        one_of(names));
    return;
  }
  const bool is_later =
      argument.text.find("${{") != std::string::npos || variable_of(argument.text).has_value();
  if (is_later || input_value(*input, without_escape(argument.text))) return;
  problems.add(argument.place, "with." + argument.name, "`" + argument.text + "`",
               expected_of(*input));
}

/// What a job has beside its steps; empty: nothing.
std::string what_is_beside_steps(const Job& job) {
  if (job.call) return "uses a pipeline itself";
  if (!job.matrix.empty()) return "has a matrix";
  if (!job.artifacts.empty()) return "has artifacts";
  if (!job.cache.empty()) return "has a cache";
  return job.outputs.empty() ? "" : "has outputs";
}

}  // namespace

void check_arguments(const PipelineCall& call, const Pipeline& used, Problems& problems) {
  const std::vector<Input>& inputs = used.on.called().inputs;
  for (const Argument& argument : call.arguments) {
    check_argument(argument, inputs, call.file, problems);
  }
  for (const Input& input : inputs) {
    const bool is_given = std::ranges::any_of(call.arguments, [&](const Argument& argument) {
      return find_input({input}, argument.name) != nullptr;
    });
    if (!input.required || is_given || input.otherwise) continue;
    problems.add(call.place, "with", fmt::format("{} requires `{}`", call.file, input.name),
                 expected_of(input));
  }
}

void check_secrets(const PipelineCall& call, const Pipeline& used, Problems& problems) {
  if (call.hands_on_secrets) return;
  const auto& declared = used.on.called().secrets;
  std::map<std::string, bool> required = declared;
  for (const Job& job : used.jobs) {
    for (const std::string& name : job.secrets) {
      if (declared.empty()) required[name] = true;
    }
  }
  for (const auto& [name, is_required] : required) {
    if (!is_required || call.secrets.contains(name)) continue;
    problems.add(call.place, "secrets", fmt::format("{} requires the secret `{}`", call.file, name),
                 "it, or `secrets: inherit`");
  }
  for (const auto& [name, ours] : call.secrets) {
    if (required.contains(name)) continue;
    problems.add(call.place, "secrets." + name, call.file + " takes no such secret", "");
  }
}

bool check_as_step(const PipelineCall& call, const Pipeline& used, Problems& problems) {
  std::string wrong;
  if (used.jobs.size() != 1) {
    wrong = fmt::format("has {} jobs", used.jobs.size());
  } else {
    wrong = what_is_beside_steps(used.jobs.front());
  }
  if (wrong.empty()) return true;
  problems.add(call.place, "uses", fmt::format("{} {}", call.file, wrong),
               "one job with nothing but steps, or `uses` at a job");
  return false;
}

}  // namespace fieldpost::coordinator

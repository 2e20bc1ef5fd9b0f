#include "coordinator/pipelines/expression_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "proto/pipeline/expression_text.h"
#include "proto/pipeline/expression_value.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Use;
using Names = std::vector<std::string>;

const Names& contexts_at(Spot spot) {
  static const Names kPlanned = {"github", "fieldpost", "vars", "inputs"};
  static const Names kLeg = {"github", "fieldpost", "vars", "inputs", "matrix"};
  static const Names kJobCondition = {"github", "fieldpost", "vars", "inputs", "needs"};
  static const Names kPipelineEnv = {"github", "fieldpost", "vars", "inputs", "secrets"};
  static const Names kJobEnv = {"github", "fieldpost", "vars",   "inputs",
                                "needs",  "matrix",    "secrets"};
  static const Names kStep = {"github",  "fieldpost", "vars",  "inputs", "needs", "matrix",
                              "secrets", "env",       "steps", "job",    "runner"};
  static const Names kStepCondition = {"github", "fieldpost", "vars",  "inputs", "needs",
                                       "matrix", "env",       "steps", "job",    "runner"};
  static const Names kCallOutput = {"github", "fieldpost", "vars", "inputs", "jobs"};
  switch (spot) {
    case Spot::kPlanned: return kPlanned;
    case Spot::kLeg: return kLeg;
    case Spot::kJobCondition: return kJobCondition;
    case Spot::kPipelineEnv: return kPipelineEnv;
    case Spot::kJobEnv: return kJobEnv;
    case Spot::kStep: return kStep;
    case Spot::kStepCondition: return kStepCondition;
    case Spot::kCallOutput: return kCallOutput;
  }
  FP_CHECK(false);
}

bool is_among(const Names& names, const std::string& name) {
  return std::ranges::any_of(
      names, [&](const std::string& each) { return pipeline::same_ignoring_case(each, name); });
}

struct Wrong {
  std::string what, expected;
};

std::optional<Wrong> what_is_wrong_with_call(const std::string& function, Spot spot) {
  const bool is_condition = spot == Spot::kJobCondition || spot == Spot::kStepCondition;
  const bool is_step = spot == Spot::kStep || spot == Spot::kStepCondition;
  static const Names kStatus = {"always", "success", "failure", "cancelled"};
  if (!is_condition && is_among(kStatus, function)) {
    return Wrong{fmt::format("`{}()` asks how it went", function), "it in an `if`"};
  }
  if (!is_step && function == "hashfiles") {
    return Wrong{"`hashFiles` needs the files of a workspace",
                 "it in a step, output, artifact "
                 "or cache"};
  }
  return std::nullopt;
}

std::optional<Wrong> what_is_wrong_with_context(const Use& use, Spot spot, const KnownNames& known,
                                                const Problems& problems) {
  const std::string& context = use.path.front().name;
  const Names& contexts = contexts_at(spot);
  if (!is_among(contexts, context)) {
    return Wrong{
        fmt::format("`{}` is not known here{}", context, problems.near_name(context, contexts)),
        fmt::format("one of {}", fmt::join(contexts, ", "))};
  }
  if (context == "secrets" && use.path.size() < 2) {
    return Wrong{"`secrets` without the name of one", "secrets.NAME"};
  }
  const auto names = known.find(context);
  if (names == known.end() || use.path.size() < 2) return std::nullopt;
  const std::string& name = use.path[1].name;
  if (is_among(names->second, name)) return std::nullopt;
  const std::string what = fmt::format("there is no `{}` in `{}`{}", name, context,
                                       problems.near_name(name, names->second));
  if (names->second.empty()) return Wrong{what, "nothing: it is empty here"};
  return Wrong{what, fmt::format("one of {}", fmt::join(names->second, ", "))};
}

}  // namespace

void ExpressionCheck::check_expression(const YamlNode& node, const std::string& key,
                                       const std::string& text, Spot spot) {
  const auto expression = pipeline::Expression::parse(text);
  if (!expression) {
    source_.complain(node, key, fmt::format("`{}`: {}", text, expression.error().message), "");
    return;
  }
  for (const Use& use : expression->uses()) {
    const auto wrong = use.is_call
                           ? what_is_wrong_with_call(use.path.front().name, spot)
                           : what_is_wrong_with_context(use, spot, known_, source_.problems);
    if (wrong) source_.complain(node, key, wrong->what, wrong->expected);
    const bool is_secret = !use.is_call && use.path.front().name == "secrets";
    if (is_secret && !wrong) secrets_.insert(use.path[1].name);
  }
}

void ExpressionCheck::check_texts(const YamlNode* node, const std::string& key, Spot spot) {
  if (node == nullptr) return;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const std::string name = node->is_mapping() ? node->keys[i].text : std::to_string(i);
    check_texts(&node->items[i], key + "." + name, spot);
  }
  if (!node->is_scalar()) return;
  const auto parts = pipeline::split_text(node->text);
  if (!parts) {
    source_.complain(*node, key, parts.error().message, "");
    return;
  }
  for (const pipeline::TextPart& part : *parts) {
    if (part.is_expression) check_expression(*node, key, part.text, spot);
  }
}

void ExpressionCheck::check_condition(const YamlNode* node, const std::string& key, Spot spot) {
  if (node == nullptr || !node->is_scalar()) return;  // said by whoever reads the text
  const auto bare = pipeline::bare_condition(node->text);
  if (!bare) {
    source_.complain(*node, key, bare.error().message, "");
  } else if (bare->find_first_not_of(" \t\r\n") != std::string::npos) {
    check_expression(*node, key, *bare, spot);
  }
}

}  // namespace fieldpost::coordinator

#include "coordinator/pipelines/renames.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "proto/pipeline/expression_text.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Expression;

struct Replacement {
  std::size_t offset = 0, size = 0;
  std::string text;
};

std::string renamed_expression(const std::string& text, const Renames& renames) {
  const auto expression = Expression::parse(text);
  if (!expression) return text;
  std::vector<Replacement> all;
  for (const pipeline::Use& use : expression->uses()) {
    if (use.is_call) continue;
    const auto& first = use.path.front();
    if (first.name == "inputs") all.push_back({first.offset, first.size, renames.inputs});
    if (first.name != "steps" || use.path.size() < 2) continue;
    const auto& step = use.path[1];
    const std::string name = renames.step_prefix + step.name;
    all.push_back({step.offset, step.size, step.is_quoted ? "'" + name + "'" : name});
  }
  std::ranges::sort(all, std::ranges::greater(), &Replacement::offset);
  std::string out = text;
  for (const Replacement& each : all) out.replace(each.offset, each.size, each.text);
  return out;
}

std::string renamed_condition(const std::string& text, const Renames& renames) {
  const auto bare = pipeline::bare_condition(text);
  return bare ? renamed_expression(*bare, renames) : text;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// With the success() that it asks for silently.
std::string full_condition(const std::string& text) {
  const auto bare = pipeline::bare_condition(text);
  if (!bare || is_blank(*bare)) return "success()";
  const auto expression = Expression::parse(*bare);
  const bool asks = expression && expression->asks_status();
  return asks ? fmt::format("({})", *bare) : fmt::format("success() && ({})", *bare);
}

bool is_off(const std::string& flag) {
  return flag.empty() || flag == "false";
}

}  // namespace

std::string renamed_text(const std::string& text, const Renames& renames) {
  const auto parts = pipeline::split_text(text);
  if (!parts) return text;
  std::string out;
  for (const pipeline::TextPart& part : *parts) {
    out += part.is_expression ? "${{" + renamed_expression(part.text, renames) + "}}" : part.text;
  }
  return out;
}

void rename(Step& step, const Renames& renames) {
  pipeline::StepSpec& spec = step.spec;
  if (!spec.id.empty()) spec.id = renames.step_prefix + spec.id;
  for (std::string* text :
       {&spec.name, &spec.run, &spec.working_directory, &step.continue_on_error}) {
    *text = renamed_text(*text, renames);
  }
  for (auto& [name, value] : spec.env) value = renamed_text(value, renames);
  spec.condition = renamed_condition(spec.condition, renames);
}

std::string both_conditions(const std::string& outer, const std::string& inner) {
  if (is_blank(outer)) return inner;
  return full_condition(outer) + " && " + full_condition(inner);
}

std::string either_flag(const std::string& a, const std::string& b) {
  if (a == "true" || is_off(b)) return a;
  if (b == "true" || is_off(a)) return b;
  const auto first = pipeline::bare_condition(a);
  const auto second = pipeline::bare_condition(b);
  return first && second ? fmt::format("${{{{ ({}) || ({}) }}}}", *first, *second) : a;
}

}  // namespace fieldpost::coordinator

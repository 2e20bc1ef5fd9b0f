#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coordinator/pipelines/readers.h"

namespace fieldpost::coordinator {
namespace {

std::string json_text(const YamlNode& node) {
  return json_of(node).dump(-1, ' ', false, pipeline::Json::error_handler_t::replace);
}

bool has_expression(const YamlNode& node) {
  return node.text.find("${{") != std::string::npos ||
         std::ranges::any_of(node.items, has_expression);
}

std::vector<Matrix::Values> read_entries(YamlFields& matrix, const char* key) {
  std::vector<Matrix::Values> out;
  const YamlNode* node = matrix.find(key);
  if (node == nullptr || node->is_null()) return out;
  const bool is_list = node->is_list() && node->items.size() <= kLegsMax;
  if (!is_list || !std::ranges::all_of(node->items, &YamlNode::is_mapping)) {
    matrix.complain(key, fmt::format("a list of at most {} mappings", kLegsMax));
    return out;
  }
  for (const YamlNode& entry : node->items) {
    out.emplace_back();
    for (std::size_t i = 0; i < entry.items.size(); ++i) {
      out.back().emplace_back(entry.keys[i].text, json_text(entry.items[i]));
    }
  }
  return out;
}

bool is_axis(const Matrix& matrix, const std::string& name) {
  return std::ranges::any_of(matrix.axes, [&](const auto& axis) { return axis.first == name; });
}

/// How many combinations there are, no further than beyond kLegsMax.
std::size_t read_axes(YamlFields& fields, Matrix& matrix) {
  std::size_t legs = 1;
  for (std::size_t i = 0; i < fields.node().keys.size(); ++i) {
    const std::string& name = fields.node().keys[i].text;
    if (name == "include" || name == "exclude") continue;
    const YamlNode& values = fields.node().items[i];
    if (!is_id(name) || !values.is_list() || values.items.empty()) {
      fields.complain(name, is_id(name) ? "a list of values" : kIdExpected);
      continue;
    }
    matrix.axes.emplace_back(name, std::vector<std::string>());
    for (const YamlNode& each : values.items) matrix.axes.back().second.push_back(json_text(each));
    if (legs <= kLegsMax) legs *= values.items.size();
  }
  return legs;
}

}  // namespace

Matrix read_matrix(YamlFields& strategy) {
  Matrix matrix;
  const YamlNode* node = strategy.find("matrix");
  if (node == nullptr) return matrix;
  if (has_expression(*node)) {
    strategy.source().complain(*node, strategy.path_of("matrix"), "an expression in a matrix",
                               "values: legs are known before anything runs");
    return matrix;
  }
  YamlFields fields = strategy.fields("matrix");
  if (read_axes(fields, matrix) > kLegsMax) {
    strategy.source().complain(*node, strategy.path_of("matrix"), "too many legs",
                               fmt::format("at most {}", kLegsMax));
  }
  matrix.include = read_entries(fields, "include");
  matrix.exclude = read_entries(fields, "exclude");
  for (const Matrix::Values& entry : matrix.exclude) {
    for (const auto& [name, value] : entry) {
      if (!is_axis(matrix, name))
        fields.complain("exclude", "names of axes; `" + name + "` is none");
    }
  }
  if (matrix.empty() && !fields.node().is_null() && fields.node().keys.empty()) {
    strategy.complain("matrix", "at least one axis, or `include`");
  }
  return matrix;
}

std::vector<std::string> matrix_names(const Matrix& matrix) {
  std::vector<std::string> names;
  for (const auto& axis : matrix.axes) names.push_back(axis.first);
  for (const Matrix::Values& entry : matrix.include) {
    for (const auto& [name, value] : entry) {
      if (std::ranges::find(names, name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

}  // namespace fieldpost::coordinator

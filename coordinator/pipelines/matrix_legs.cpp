#include "coordinator/pipelines/matrix_legs.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/expression_value.h"

namespace fieldpost::coordinator {
namespace {

using Values = Matrix::Values;

std::string* find_value(Values& leg, const std::string& name) {
  const auto found =
      std::ranges::find_if(leg, [&](const auto& each) { return each.first == name; });
  return found == leg.end() ? nullptr : &found->second;
}

std::vector<Values> product(const Matrix& matrix) {
  std::vector<Values> legs;
  if (matrix.axes.empty()) return legs;
  legs.emplace_back();
  for (const auto& [name, values] : matrix.axes) {
    std::vector<Values> longer;
    for (const Values& leg : legs) {
      for (const std::string& value : values) {
        longer.push_back(leg);
        longer.back().emplace_back(name, value);
      }
    }
    legs = std::move(longer);
  }
  return legs;
}

/// Whether all of the entry's values are the leg's.
bool is_part(const Values& entry, Values& leg) {
  return std::ranges::all_of(entry, [&](const auto& each) {
    const std::string* value = find_value(leg, each.first);
    return value != nullptr && *value == each.second;
  });
}

bool try_add(const Matrix& matrix, const Values& entry, Values& leg) {
  for (const auto& [name, value] : entry) {
    const bool is_axis = std::ranges::any_of(
        matrix.axes, [&, &wanted = name](const auto& axis) { return axis.first == wanted; });
    const std::string* own = find_value(leg, name);
    if (is_axis && (own == nullptr || *own != value)) return false;
  }
  for (const auto& [name, value] : entry) {
    std::string* known = find_value(leg, name);
    if (known == nullptr) {
      leg.emplace_back(name, value);
    } else {
      *known = value;
    }
  }
  return true;
}

}  // namespace

std::vector<Values> legs_of(const Matrix& matrix) {
  if (matrix.empty()) return {Values()};
  std::vector<Values> legs = product(matrix);
  std::erase_if(legs, [&](Values& leg) {
    return std::ranges::any_of(matrix.exclude,
                               [&](const Values& entry) { return is_part(entry, leg); });
  });
  const std::size_t combined = legs.size();
  for (const Values& entry : matrix.include) {
    bool is_in = false;
    for (std::size_t i = 0; i < combined; ++i) is_in = try_add(matrix, entry, legs[i]) || is_in;
    if (!is_in) legs.push_back(entry);
  }
  return legs;
}

std::string leg_name(const std::string& job, const Values& leg) {
  std::string values;
  for (const auto& [name, text] : leg) {
    const pipeline::Json value = pipeline::Json::parse(text, nullptr, false);
    if (value.is_array() || value.is_object()) continue;
    values += (values.empty() ? "" : ", ") + pipeline::text_of(value);
  }
  return values.empty() ? job : job + " (" + values + ")";
}

}  // namespace fieldpost::coordinator

#include "coordinator/pipelines/inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "proto/pipeline/expression_value.h"

namespace fieldpost::coordinator {
namespace {

using pipeline::Json;

bool is_variable_name(std::string_view name) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto is_inside = [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, is_inside);
}

std::string dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string> variable_of(const std::string& text) {
  if (!text.starts_with('$') || !is_variable_name(std::string_view(text).substr(1))) {
    return std::nullopt;
  }
  return text.substr(1);
}

std::string without_escape(const std::string& text) {
  return text.starts_with("$$") ? text.substr(1) : text;
}

std::optional<std::string> input_value(const Input& input, const std::string& text) {
  switch (input.type) {
    case InputType::kString: return dump(Json(text));
    case InputType::kBoolean:
      return text == "true" || text == "false" ? std::optional(text) : std::nullopt;
    case InputType::kNumber: {
      const auto number = pipeline::parse_number(text);
      if (!number || !std::isfinite(*number)) return std::nullopt;
      const Json as_json = Json::parse(text, nullptr, false);  // whole numbers stay whole
      return dump(as_json.is_number() ? as_json : Json(*number));
    }
    case InputType::kChoice: {
      const bool is_option = std::ranges::find(input.options, text) != input.options.end();
      return is_option ? std::optional(dump(Json(text))) : std::nullopt;
    }
  }
  FP_CHECK(false);
}

std::string expected_of(const Input& input) {
  switch (input.type) {
    case InputType::kString: return "a text";
    case InputType::kBoolean: return "true or false";
    case InputType::kNumber: return "a number";
    case InputType::kChoice: return fmt::format("one of {}", fmt::join(input.options, ", "));
  }
  FP_CHECK(false);
}

const Input* find_input(const std::vector<Input>& inputs, const std::string& name) {
  const auto found = std::ranges::find_if(
      inputs, [&](const Input& each) { return pipeline::same_ignoring_case(each.name, name); });
  return found == inputs.end() ? nullptr : &*found;
}

}  // namespace fieldpost::coordinator

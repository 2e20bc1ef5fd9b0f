#include "proto/pipeline/expression_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/expression_value.h"
#include "proto/rt/json_depth.h"

namespace fieldpost::pipeline {
namespace {

using Arguments = std::vector<const Json*>;

rt::Error invalid(std::string message) {
  return {rt::Errc::kInvalid, std::move(message)};
}

rt::Error too_long(std::string_view function) {
  return {rt::Errc::kFull,
          fmt::format("{}: its text is longer than {} bytes", function, kExpressionResultMax)};
}

bool is_container(const Json& value) {
  return value.is_array() || value.is_object();
}

bool contains(const Json& where, const Json& what) {
  if (where.is_array()) {
    return std::ranges::any_of(where, [&](const Json& each) { return loosely_equal(each, what); });
  }
  if (is_container(where) || is_container(what)) return false;
  return lower_case(text_of(where)).find(lower_case(text_of(what))) != std::string::npos;
}

bool starts_with(const Json& text, const Json& start) {
  if (is_container(text) || is_container(start)) return false;
  return lower_case(text_of(text)).starts_with(lower_case(text_of(start)));
}

bool ends_with(const Json& text, const Json& end) {
  if (is_container(text) || is_container(end)) return false;
  return lower_case(text_of(text)).ends_with(lower_case(text_of(end)));
}

rt::Result<Json> join(const Arguments& arguments) {
  const Json& list = *arguments[0];
  if (!list.is_array()) return Json(is_container(list) ? std::string() : text_of(list));
  const std::string between = arguments.size() > 1 ? text_of(*arguments[1]) : ",";
  std::string out;
  bool is_first = true;
  for (const Json& each : list) {
    if (!std::exchange(is_first, false)) out += between;
    out += text_of(each);
    if (out.size() > kExpressionResultMax) return too_long("join");
  }
  return Json(std::move(out));
}

/// The argument that "{N}" at the start of `pattern` names; moves on behind it.
rt::Result<const Json*> take_placeholder(std::string_view& pattern, const Arguments& arguments) {
  const std::size_t end = pattern.find('}');
  const std::string_view digits = pattern.substr(1, end == std::string_view::npos ? 0 : end - 1);
  std::size_t index = 0;
  const auto [stopped, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), index);
  if (digits.empty() || error != std::errc() || stopped != digits.data() + digits.size()) {
    return invalid("format: a { that is neither {{ nor of a placeholder such as {0}");
  }
  if (index >= arguments.size() - 1) {
    return invalid(fmt::format("format: {{{}}} with {} values", index, arguments.size() - 1));
  }
  pattern.remove_prefix(end + 1);
  return arguments[index + 1];
}

rt::Result<Json> format(const Arguments& arguments) {
  const std::string text = text_of(*arguments[0]);
  std::string_view pattern = text;
  std::string out;
  while (!pattern.empty()) {
    if (out.size() > kExpressionResultMax) return too_long("format");
    const std::size_t plain = std::min(pattern.find_first_of("{}"), pattern.size());
    out += pattern.substr(0, plain);
    pattern.remove_prefix(plain);
    if (pattern.empty()) break;
    if (pattern.starts_with("{{") || pattern.starts_with("}}")) {
      out += pattern.front();
      pattern.remove_prefix(2);
      continue;
    }
    if (pattern.front() == '}') return invalid("format: a } that is neither }} nor behind a {");
    const auto value = take_placeholder(pattern, arguments);
    if (!value) return value.error();
    out += text_of(**value);
  }
  if (out.size() > kExpressionResultMax) return too_long("format");
  return Json(std::move(out));
}

rt::Result<Json> to_json(const Json& value) {
  std::string text = value.dump(2, ' ', false, Json::error_handler_t::replace);
  if (text.size() > kExpressionResultMax) return too_long("toJSON");
  return Json(std::move(text));
}

rt::Result<Json> from_json(const Json& value) {
  const std::string text = text_of(value);
  if (rt::nests_too_deep(text)) return invalid("fromJSON: it nests too deep");
  Json parsed = Json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return invalid("fromJSON: its argument is not JSON");
  return parsed;
}

rt::Result<Json> hash_files(const Arguments& arguments, const Functions& functions) {
  std::vector<std::string> patterns;
  patterns.reserve(arguments.size());
  for (const Json* each : arguments) patterns.push_back(text_of(*each));
  auto hash = functions.hash_files(patterns);
  if (!hash) return hash.error();
  return Json(*std::move(hash));
}

}  // namespace

rt::Result<Json> call_function(Function function, const Arguments& arguments,
                               const Functions& functions) {
  switch (function) {
    case Function::kContains: return Json(contains(*arguments[0], *arguments[1]));
    case Function::kStartsWith: return Json(starts_with(*arguments[0], *arguments[1]));
    case Function::kEndsWith: return Json(ends_with(*arguments[0], *arguments[1]));
    case Function::kFormat: return format(arguments);
    case Function::kJoin: return join(arguments);
    case Function::kToJson: return to_json(*arguments[0]);
    case Function::kFromJson: return from_json(*arguments[0]);
    case Function::kAlways: return Json(functions.always());
    case Function::kSuccess: return Json(functions.success());
    case Function::kFailure: return Json(functions.failure());
    case Function::kCancelled: return Json(functions.cancelled());
    case Function::kHashFiles: return hash_files(arguments, functions);
  }
  FP_CHECK(false);
}

}  // namespace fieldpost::pipeline

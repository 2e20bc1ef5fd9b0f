#include "proto/pipeline/expression_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/pipeline/expression_value.h"

namespace fieldpost::pipeline {
namespace {

constexpr std::string_view kBegin = "${{";
constexpr std::string_view kEnd = "}}";

rt::Error in_text(const rt::Error& error, const TextPart& part) {
  return {error.code, fmt::format("`${{{{{}}}}}`: {}", part.text, error.message)};
}

/// Of the `}}` that is in no quoted text; npos when there is none.
std::size_t find_end(std::string_view text, std::size_t from) {
  bool in_quotes = false;
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\'') in_quotes = !in_quotes;
    if (!in_quotes && text.substr(i).starts_with(kEnd)) return i;
  }
  return std::string_view::npos;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

rt::Result<Json> evaluate_part(const TextPart& part, const Scope& scope) {
  const auto expression = Expression::parse(part.text);
  if (!expression) return in_text(expression.error(), part);
  auto value = expression->evaluate(scope);
  if (!value) return in_text(value.error(), part);
  return value;
}

}  // namespace

rt::Result<std::vector<TextPart>> split_text(std::string_view text) {
  std::vector<TextPart> parts;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = std::min(text.find(kBegin, at), text.size());
    if (begin > at) parts.push_back({false, std::string(text.substr(at, begin - at)), at});
    if (begin == text.size()) break;
    const std::size_t inside = begin + kBegin.size();
    const std::size_t end = find_end(text, inside);
    if (end == std::string_view::npos) {
      return rt::Error{rt::Errc::kInvalid, "a ${{ without its }}, expected ${{ EXPRESSION }}"};
    }
    parts.push_back({true, std::string(text.substr(inside, end - inside)), inside});
    at = end + kEnd.size();
  }
  return parts;
}

rt::Result<std::string> interpolate(std::string_view text, const Scope& scope) {
  const auto parts = split_text(text);
  if (!parts) return parts.error();
  std::string out;
  for (const TextPart& part : *parts) {
    if (!part.is_expression) {
      out += part.text;
      continue;
    }
    const auto value = evaluate_part(part, scope);
    if (!value) return value.error();
    out += text_of(*value);
    if (out.size() > kExpressionResultMax) {
      return rt::Error{rt::Errc::kFull,
                       fmt::format("the text is longer than {} bytes", kExpressionResultMax)};
    }
  }
  return out;
}

rt::Result<Json> evaluate_text(std::string_view text, const Scope& scope) {
  const auto parts = split_text(trimmed(text));
  if (!parts) return parts.error();
  if (parts->size() == 1 && parts->front().is_expression) {
    return evaluate_part(parts->front(), scope);
  }
  auto whole = interpolate(text, scope);
  if (!whole) return whole.error();
  return Json(*std::move(whole));
}

rt::Result<std::string> bare_condition(std::string_view condition) {
  const std::string_view whole = trimmed(condition);
  const auto parts = split_text(whole);
  if (!parts) return parts.error();
  if (parts->size() == 1 && parts->front().is_expression) return parts->front().text;
  if (whole.find(kBegin) == std::string_view::npos) return std::string(whole);
  return rt::Error{rt::Errc::kInvalid,
                   "a condition with ${{ }} in a part of it is a text, and always true, "
                   "expected one expression"};
}

rt::Result<bool> holds(std::string_view condition, const Scope& scope) {
  const auto bare = bare_condition(condition);
  if (!bare) return bare.error();
  if (trimmed(*bare).empty()) return scope.functions.success();
  const auto expression = Expression::parse(*bare);
  if (!expression) return expression.error();
  if (!expression->asks_status() && !scope.functions.success()) return false;
  const auto value = expression->evaluate(scope);
  if (!value) return value.error();
  return is_true(*value);
}

}  // namespace fieldpost::pipeline

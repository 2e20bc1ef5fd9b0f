#include "proto/pipeline/expression_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

namespace fieldpost::pipeline {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<double> parse_whole(std::string_view digits, int base) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
  if (digits.empty() || error != std::errc() || stopped != end) return std::nullopt;
  return static_cast<double>(value);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

bool is_container(const Json& value) {
  return value.is_array() || value.is_object();
}

/// Whether the two need no conversion.
bool same_type(const Json& a, const Json& b) {
  return a.type() == b.type() || (a.is_number() && b.is_number());
}

bool text_less(std::string_view a, std::string_view b) {
  return std::ranges::lexicographical_compare(a, b, {}, lower, lower);
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower);
  return out;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with("0x")) return parse_whole(text.substr(2), 16);
  if (text.starts_with("0o")) return parse_whole(text.substr(2), 8);
  if (text.starts_with('+')) text.remove_prefix(1);
  // Not inf and nan, which are numbers to from_chars, nor a second sign.
  const std::size_t first = text.starts_with('-') ? 1 : 0;
  constexpr std::string_view kStarts = "0123456789.";
  if (first >= text.size() || kStarts.find(text[first]) == std::string_view::npos) {
    return std::nullopt;
  }
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

bool is_true(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) {
    const double number = value.get<double>();
    return number < 0 || number > 0;
  }
  return !value.is_string() || !value.get_ref<const std::string&>().empty();
}

double number_of(const Json& value) {
  if (value.is_null()) return 0;
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return kNotANumber;
  const std::string_view text = trimmed(value.get_ref<const std::string&>());
  return text.empty() ? 0 : parse_number(text).value_or(kNotANumber);
}

std::string text_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number_unsigned()) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer()) return std::to_string(value.get<std::int64_t>());
  if (value.is_number()) return fmt::format("{:.15g}", value.get<double>());
  if (value.is_array()) return "Array";
  return value.is_object() ? "Object" : "";
}

bool loosely_equal(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string()) {
    return same_ignoring_case(a.get_ref<const std::string&>(), b.get_ref<const std::string&>());
  }
  if (same_type(a, b)) return a == b;
  if (is_container(a) || is_container(b)) return false;
  const double left = number_of(a);
  const double right = number_of(b);
  return left <= right && left >= right;
}

bool loosely_less(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string()) {
    return text_less(a.get_ref<const std::string&>(), b.get_ref<const std::string&>());
  }
  if (is_container(a) || is_container(b)) return false;
  return number_of(a) < number_of(b);
}

}  // namespace fieldpost::pipeline

#include "proto/mapping/plain_value.h"

#include <algorithm>
#include <charconv>

namespace fieldpost::mapping {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const std::size_t first = std::min(text.size(), text.find_first_not_of(kBlank));
  const std::size_t last = text.find_last_not_of(kBlank);
  return last == std::string_view::npos ? std::string_view{} : text.substr(first, last + 1 - first);
}

std::optional<double> parse_plain_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [at, code] = std::from_chars(text.data(), end, number);
  if (text.empty() || code != std::errc{} || at != end) return std::nullopt;
  return number;
}

}  // namespace fieldpost::mapping

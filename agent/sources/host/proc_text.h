#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

/// Words, lines and numbers of the files below /proc and /sys.
namespace fieldpost::agent {

/// Takes the next line off the front, without its line feed.
[[nodiscard]] inline std::string_view next_line(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
  return line;
}

/// Takes the next word (no blanks) off the front; empty when there is none.
[[nodiscard]] inline std::string_view next_word(std::string_view& text) {
  const std::size_t first = text.find_first_not_of(" \t");
  text.remove_prefix(first == std::string_view::npos ? text.size() : first);
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  text.remove_prefix(word.size());
  return word;
}

template <typename Number>
[[nodiscard]] std::optional<Number> to_number(std::string_view word) {
  Number value{};
  const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (code != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

[[nodiscard]] inline std::optional<std::uint64_t> next_u64(std::string_view& text) {
  return to_number<std::uint64_t>(next_word(text));
}

}  // namespace fieldpost::agent

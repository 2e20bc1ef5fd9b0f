#include "proto/pipeline/expression_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "proto/pipeline/expression_value.h"

namespace fieldpost::pipeline {
namespace {

/// The longer ones first.
constexpr std::array<std::string_view, 16> kSymbols = {
    "!=", "<=", ">=", "==", "&&", "||", "(", ")", "[", "]", ".", ",", "!", "<", ">", "*"};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool starts_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool continues_name(char c) {
  return starts_name(c) || is_digit(c) || c == '-';
}

std::size_t name_size(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, continues_name);
  return static_cast<std::size_t>(end - text.begin());
}

/// With everything that touches it, so that `1.2.3` is one wrong number.
std::size_t number_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size()) {
    const char before = text[size - 1];
    const bool is_sign =
        (text[size] == '+' || text[size] == '-') && (before == 'e' || before == 'E');
    if (!is_sign && !starts_name(text[size]) && !is_digit(text[size]) && text[size] != '.') break;
    ++size;
  }
  return size;
}

rt::Result<Token> read_text(std::string_view text, std::size_t offset) {
  Token token{.kind = TokenKind::kText, .offset = offset};
  for (std::size_t i = offset + 1; i < text.size(); ++i) {
    if (text[i] == '\'' && (i + 1 == text.size() || text[i + 1] != '\'')) {
      token.size = i + 1 - offset;
      return token;
    }
    if (text[i] == '\'') ++i;
    token.text += text[i];
  }
  return expression_error(offset, "a text without end", "a ' behind it");
}

rt::Result<Token> read_number(std::string_view text, std::size_t offset) {
  const std::size_t size = number_size(text.substr(offset));
  const std::string_view digits = text.substr(offset, size);
  const auto number = parse_number(digits);
  if (!number) {
    return expression_error(offset, fmt::format("`{}` is no number", digits),
                            "one such as 12, -1.5e3 or 0xff");
  }
  return Token{TokenKind::kNumber, std::string(digits), *number, offset, size};
}

rt::Result<Token> read_symbol(std::string_view text, std::size_t offset) {
  const std::string_view rest = text.substr(offset);
  const auto symbol =
      std::ranges::find_if(kSymbols, [&](std::string_view each) { return rest.starts_with(each); });
  if (symbol != kSymbols.end()) {
    return Token{TokenKind::kSymbol, std::string(*symbol), 0, offset, symbol->size()};
  }
  const char c = rest.front();
  if (c == '"') return expression_error(offset, "unexpected `\"`", "texts in single quotes");
  if (c == '=' || c == '&' || c == '|') {
    return expression_error(offset, fmt::format("unexpected `{}`", c), fmt::format("{0}{0}", c));
  }
  const std::string shown = c > ' ' && c <= '~' ? std::string(1, c) : std::string("byte");
  return expression_error(offset, fmt::format("unexpected `{}`", shown),
                          "a name, a value or an operator");
}

rt::Result<Token> read_token(std::string_view text, std::size_t offset) {
  const char c = text[offset];
  if (c == '\'') return read_text(text, offset);
  if (starts_name(c)) {
    const std::size_t size = name_size(text.substr(offset));
    return Token{TokenKind::kName, std::string(text.substr(offset, size)), 0, offset, size};
  }
  const bool is_signed = (c == '-' || c == '+') && offset + 1 < text.size();
  if (is_digit(c) || is_signed) return read_number(text, offset);
  return read_symbol(text, offset);
}

}  // namespace

rt::Error expression_error(std::size_t offset, std::string_view what, std::string_view expected) {
  return {rt::Errc::kInvalid,
          fmt::format("column {}: {}, expected {}", offset + 1, what, expected)};
}

rt::Result<std::vector<Token>> split_expression(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t offset = 0;
  while (true) {
    while (offset < text.size() && is_space(text[offset])) ++offset;
    if (offset == text.size()) break;
    auto token = read_token(text, offset);
    if (!token) return token.error();
    offset += token->size;
    tokens.push_back(*std::move(token));
  }
  tokens.push_back({.kind = TokenKind::kEnd, .offset = offset});
  return tokens;
}

}  // namespace fieldpost::pipeline

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::pipeline {

enum class TokenKind : std::uint8_t { kEnd, kName, kNumber, kText, kSymbol };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;  ///< of kText without quotes and with '' as one quote
  double number = 0;
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// "column 5: unexpected `=`, expected ==".
[[nodiscard]] rt::Error expression_error(std::size_t offset, std::string_view what,
                                         std::string_view expected);

/// The last one is kEnd.
rt::Result<std::vector<Token>> split_expression(std::string_view text);

}  // namespace fieldpost::pipeline

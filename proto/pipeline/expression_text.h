#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proto/pipeline/expression.h"

namespace fieldpost::pipeline {

/// A stretch of a text with `${{ … }}` in it.
struct TextPart {
  bool is_expression = false;
  std::string text;        ///< of an expression: what stands between the braces
  std::size_t offset = 0;  ///< of that in the whole
};

/// kInvalid: a `${{` without its `}}`.
rt::Result<std::vector<TextPart>> split_text(std::string_view text);

/// Each `${{ … }}` replaced by its value as text. Fails as parsing and evaluating do, kFull also
/// when the whole grows beyond kExpressionResultMax.
rt::Result<std::string> interpolate(std::string_view text, const Scope& scope);

/// The same, but a text that is one `${{ … }}` and nothing else gives its value as it is.
rt::Result<Json> evaluate_text(std::string_view text, const Scope& scope);

/// What an `if` says, without the `${{ }}` that may stand around all of it. kInvalid: there is
/// more around it, which would always be true.
rt::Result<std::string> bare_condition(std::string_view condition);

/// Whether an `if` holds. Without a function that asks for the status, `success()` has to hold as
/// well; an empty one is `success()`.
rt::Result<bool> holds(std::string_view condition, const Scope& scope);

}  // namespace fieldpost::pipeline

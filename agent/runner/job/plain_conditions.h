#pragma once

#include "agent/runner/job/conditions.h"

namespace fieldpost::agent::runner {

/// The small part of the expressions of GitHub workflows that jobs cannot do without: texts in
/// single quotes, true, false, names with dots, the four words on how things stand, ! == != && ||
/// and parentheses. Names that are not there are empty.
class PlainConditions final : public Conditions {
 public:
  [[nodiscard]] rt::Result<bool> is_true(std::string_view text,
                                         const ExpressionContext& context) const override;
  [[nodiscard]] rt::Result<std::string> interpolate(
      std::string_view text, const ExpressionContext& context) const override;
};

}  // namespace fieldpost::agent::runner

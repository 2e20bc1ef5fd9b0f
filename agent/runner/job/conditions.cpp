#include "agent/runner/job/conditions.h"

#include <algorithm>
#include <array>

namespace fieldpost::agent::runner {
namespace {

/// In a text of quotes as well: the expression itself then decides alone, as it should.
bool tells_of_status(std::string_view condition) {
  constexpr std::array<std::string_view, 4> kWords = {"success", "failure", "cancelled", "always"};
  return std::ranges::any_of(kWords, [&](std::string_view word) {
    return condition.find(word) != std::string_view::npos;
  });
}

}  // namespace

rt::Result<bool> is_wanted(const Conditions& conditions, std::string_view condition,
                           const ExpressionContext& context) {
  const bool goes_well = !context.failed && !context.cancelled;
  if (condition.find_first_not_of(" \t\r\n") == std::string_view::npos) return goes_well;
  if (!goes_well && !tells_of_status(condition)) return false;
  return conditions.is_true(condition, context);
}

}  // namespace fieldpost::agent::runner

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fieldpost::coordinator {

inline constexpr std::size_t kRetentionRulesMax = 64;

/// How long readings of some series are kept. Of several rules the first that matches counts;
/// series that none matches are kept for ever.
struct RetentionRule {
  std::string measurement = "*";  ///< as of `matches_pattern`
  std::string node = "*";
  std::int64_t keep_ns = 0;  ///< by the readings' own times; 0: for ever
  std::string text;          ///< for people: which rule it is
};
using RetentionRules = std::vector<RetentionRule>;

/// Whether a text is of a pattern: * stands for any characters, ? for one, all else for itself.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view text);

/// The rule of a series, unless it is kept for ever.
[[nodiscard]] const RetentionRule* rule_for(const RetentionRules& rules, const std::string& node,
                                            const std::string& measurement);

}  // namespace fieldpost::coordinator

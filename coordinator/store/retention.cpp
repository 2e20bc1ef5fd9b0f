#include "coordinator/store/retention.h"

#include <algorithm>

namespace fieldpost::coordinator {

bool matches_pattern(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  std::size_t in_text = 0;
  // The last * and the text behind what it stands for: taken back to when the rest does not match.
  std::size_t star = std::string_view::npos;
  std::size_t behind = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      behind = in_text;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in_text])) {
      ++at;
      ++in_text;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_text = ++behind;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

const RetentionRule* rule_for(const RetentionRules& rules, const std::string& node,
                              const std::string& measurement) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const RetentionRule& rule) {
    return matches_pattern(rule.node, node) && matches_pattern(rule.measurement, measurement);
  });
  return found == rules.end() || found->keep_ns == 0 ? nullptr : &*found;
}

}  // namespace fieldpost::coordinator

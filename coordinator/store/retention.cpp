#include "coordinator/store/retention.h"

#include <fnmatch.h>

#include <algorithm>

namespace fieldpost::coordinator {

const RetentionRule* rule_for(const RetentionRules& rules, const std::string& node,
                              const std::string& measurement) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const RetentionRule& rule) {
    return ::fnmatch(rule.node.c_str(), node.c_str(), 0) == 0 &&
           ::fnmatch(rule.measurement.c_str(), measurement.c_str(), 0) == 0;
  });
  return found == rules.end() || found->keep_ns == 0 ? nullptr : &*found;
}

}  // namespace fieldpost::coordinator

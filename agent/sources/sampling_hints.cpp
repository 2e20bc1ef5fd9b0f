#include "agent/sources/sampling_hints.h"

#include <algorithm>

namespace fieldpost::agent {

std::optional<rt::Nanos> SamplingHints::shortest_of(
    std::span<const std::string> measurements) const {
  std::optional<rt::Nanos> shortest;
  for (const std::string& measurement : measurements) {
    const auto hint = every.find(measurement);
    if (hint == every.end()) continue;
    shortest = std::min(shortest.value_or(hint->second), hint->second);
  }
  return shortest;
}

}  // namespace fieldpost::agent

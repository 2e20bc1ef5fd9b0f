#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>

#include "proto/rt/time.h"

namespace fieldpost::agent {

/// How often the coordinator wants measurements sampled. One without a hint is sampled as its
/// source is configured.
struct SamplingHints {
  static constexpr rt::Nanos kLeast = rt::Millis{100};  ///< shorter ones count as this
  static constexpr rt::Nanos kMost = rt::Seconds{86'400};

  std::map<std::string, rt::Nanos> every;  ///< by measurement; kLeast to kMost

  /// The shortest hint for any of these; nullopt: there is none.
  [[nodiscard]] std::optional<rt::Nanos> shortest_of(
      std::span<const std::string> measurements) const;
};

}  // namespace fieldpost::agent

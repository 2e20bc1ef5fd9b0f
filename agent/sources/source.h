#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/sources/sampling_hints.h"

namespace fieldpost::agent {

/// What a source tells of itself; shown in the node's state and in `fieldpost status`.
struct SourceHealth {
  std::string name;  ///< "host_metrics", "exec:/usr/bin/…", "file_tail:/var/log/…"
  std::uint64_t readings = 0;
  std::uint64_t errors = 0;
  std::string last_error;  ///< empty: none
};

/// One `[[source]]` of the configuration. Owned by the agent's loop; stops when destroyed.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual SourceHealth health() const = 0;

  /// Whether a hint for this measurement changes how often the source samples.
  [[nodiscard]] virtual bool obeys_hint_for(std::string_view /*measurement*/) const {
    return false;
  }
  /// All hints that hold from now on, in place of those before. What has none is sampled as it is
  /// configured.
  virtual void set_sampling(const SamplingHints& /*hints*/) {}
};

}  // namespace fieldpost::agent

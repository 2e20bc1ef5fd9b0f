#pragma once

#include <cstdint>
#include <string>

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
};

}  // namespace fieldpost::agent

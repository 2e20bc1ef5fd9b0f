#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "coordinator/artifacts/artifact.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// How long artifacts of one pipeline and name are kept. Pinned ones always are.
struct ArtifactRetention {
  std::uint64_t count_max = 0;  ///< of the latest, beside pinned ones; 0: any number
  std::int64_t age_max_ns = 0;  ///< since it was stored; 0: any age
  /// The latest stays whatever its age: it is the base of the next delta.
  bool keeps_latest = true;
};

/// Which artifacts of one key are to be removed by its rule, oldest first: their places in
/// `artifacts`. `now`: of a clock that is synchronised; an artifact from after it has no age.
[[nodiscard]] std::vector<std::size_t> expired_artifacts(std::span<const Artifact> artifacts,
                                                         const ArtifactRetention& rule,
                                                         rt::UnixTime now);

struct ArtifactRoom {
  std::vector<std::size_t> removed;  ///< places in what was given, in the order of removal
  std::uint64_t bytes_freed = 0;
  std::uint64_t bytes_left = 0;
  /// All that is not pinned would go and it is still too much.
  bool is_short = false;
};

/// Which artifacts, of all keys, are to be removed so that the bytes of the rest are at most
/// `bytes_max`. Bytes that several artifacts share count once, and are free when the last goes. The
/// oldest go first; the latest of each key only after all others; pinned ones, and those whose
/// bytes a pinned one has, never.
[[nodiscard]] ArtifactRoom make_artifact_room(std::span<const Artifact> artifacts,
                                              std::uint64_t bytes_max);

}  // namespace fieldpost::coordinator

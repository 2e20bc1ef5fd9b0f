#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "proto/rt/time.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

/// What artifacts of one kind share over all builds.
struct ArtifactKey {
  std::string pipeline;
  std::string name;
  auto operator<=>(const ArtifactKey&) const = default;
};

/// Why an artifact has to stay.
struct ArtifactPins {
  bool by_user = false;
  bool is_deployed = false;
  bool is_rollback_target = false;
  bool is_delta_base = false;  ///< of a delta that is under way
  [[nodiscard]] bool any() const {
    return by_user || is_deployed || is_rollback_target || is_delta_base;
  }
};

/// One artifact of one build. Its bytes are a body, known by their hash: artifacts of several
/// builds may have the same.
struct Artifact {
  std::int64_t no = 0;  ///< the store's
  ArtifactKey key;
  wire::Sha256Digest sha256;
  std::uint64_t size = 0;
  rt::UnixTime stored;
  ArtifactPins pins;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "coordinator/artifacts/artifact.h"

namespace fieldpost::coordinator {

/// What is to be transferred.
struct WantedArtifact {
  ArtifactKey key;
  wire::Sha256Digest sha256;
  std::uint64_t size = 0;
};

/// A base of a size further away than this factor has too little to copy to be worth its signature.
inline constexpr std::uint64_t kBaseSizeFactorMax = 4;

/// The artifact from which a delta is likely smallest: of the same pipeline and name, else of the
/// same name, else of a similar size; among equals of the first two the one stored last, of the
/// third the most similar size. One with the very bytes that are wanted comes before all: nothing
/// is to be transferred then. `holds`: whether both ends hold those bytes; null: all count.
/// nullptr: there is none, or nothing is wanted.
[[nodiscard]] const Artifact* nearest_base(
    std::span<const Artifact> artifacts, const WantedArtifact& wanted,
    const std::function<bool(const wire::Sha256Digest&)>& holds);

}  // namespace fieldpost::coordinator

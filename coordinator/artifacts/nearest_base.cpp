#include "coordinator/artifacts/nearest_base.h"

#include <algorithm>
#include <tuple>

namespace fieldpost::coordinator {
namespace {

/// The nearer the higher.
enum class Nearness : std::uint8_t { kFar, kSize, kName, kKey, kSame };

bool is_similar(std::uint64_t one, std::uint64_t other) {
  return std::max(one, other) / kBaseSizeFactorMax <= std::min(one, other);
}

Nearness nearness(const Artifact& artifact, const WantedArtifact& wanted) {
  if (artifact.sha256 == wanted.sha256) return Nearness::kSame;
  if (artifact.size == 0) return Nearness::kFar;
  if (artifact.key == wanted.key) return Nearness::kKey;
  if (artifact.key.name == wanted.key.name) return Nearness::kName;
  return is_similar(artifact.size, wanted.size) ? Nearness::kSize : Nearness::kFar;
}

/// Whether the first is the better base; both are of the same nearness.
bool is_better(const Artifact& one, const Artifact& other, Nearness near, std::uint64_t size) {
  const auto distance = [size](const Artifact& each) {
    return std::max(each.size, size) - std::min(each.size, size);
  };
  const auto rank = [&](const Artifact& each) {
    return std::tuple(near == Nearness::kSize ? distance(each) : 0, -each.stored.ns, -each.no);
  };
  return rank(one) < rank(other);
}

}  // namespace

const Artifact* nearest_base(std::span<const Artifact> artifacts, const WantedArtifact& wanted,
                             const std::function<bool(const wire::Sha256Digest&)>& holds) {
  if (wanted.size == 0) return nullptr;
  const Artifact* best = nullptr;
  Nearness best_is = Nearness::kFar;
  for (const Artifact& each : artifacts) {
    const Nearness is = nearness(each, wanted);
    if (is == Nearness::kFar || is < best_is) continue;
    if (best != nullptr && is == best_is && !is_better(each, *best, is, wanted.size)) continue;
    if (holds != nullptr && !holds(each.sha256)) continue;
    best = &each;
    best_is = is;
  }
  return best;
}

}  // namespace fieldpost::coordinator

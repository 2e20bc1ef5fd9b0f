#include "coordinator/artifacts/artifact_retention.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace fieldpost::coordinator {
namespace {

/// Places of all, the oldest first.
std::vector<std::size_t> by_age(std::span<const Artifact> artifacts) {
  std::vector<std::size_t> out(artifacts.size());
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::sort(out.begin(), out.end(), [&](std::size_t one, std::size_t other) {
    const auto rank = [&](std::size_t place) {
      return std::tuple(artifacts[place].stored.ns, artifacts[place].no);
    };
    return rank(one) < rank(other);
  });
  return out;
}

/// What is stored, each content once.
class HeldBytes {
 public:
  explicit HeldBytes(std::span<const Artifact> artifacts) {
    for (const Artifact& each : artifacts) {
      if (users_[each.sha256]++ == 0) bytes_ += each.size;
    }
  }
  void remove(const Artifact& artifact) {
    if (--users_[artifact.sha256] == 0) bytes_ -= artifact.size;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::map<wire::Sha256Digest, std::uint64_t> users_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::vector<std::size_t> expired_artifacts(std::span<const Artifact> artifacts,
                                           const ArtifactRetention& rule, rt::UnixTime now) {
  std::vector<std::size_t> out;
  const std::vector<std::size_t> places = by_age(artifacts);
  std::uint64_t newer = 0;  // that are not pinned
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    const Artifact& each = artifacts[*place];
    if (each.pins.any()) continue;
    const bool is_over = rule.count_max > 0 && newer >= rule.count_max;
    const bool is_old = rule.age_max_ns > 0 && now.ns - each.stored.ns > rule.age_max_ns;
    const bool is_kept = rule.keeps_latest && place == places.rbegin();
    if (!is_kept && (is_over || is_old)) out.push_back(*place);
    newer += 1;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

ArtifactRoom make_artifact_room(std::span<const Artifact> artifacts, std::uint64_t bytes_max) {
  const std::vector<std::size_t> places = by_age(artifacts);
  std::map<ArtifactKey, std::size_t> latest;
  for (const std::size_t place : places) latest[artifacts[place].key] = place;
  std::set<wire::Sha256Digest> pinned;
  for (const Artifact& each : artifacts) {
    if (each.pins.any()) pinned.insert(each.sha256);
  }
  HeldBytes held(artifacts);
  const std::uint64_t before = held.bytes();
  ArtifactRoom out;
  for (const bool takes_latest : {false, true}) {
    for (const std::size_t place : places) {
      if (held.bytes() <= bytes_max) break;
      const Artifact& each = artifacts[place];
      if (pinned.contains(each.sha256) || (latest[each.key] == place) != takes_latest) continue;
      held.remove(each);
      out.removed.push_back(place);
    }
  }
  out.bytes_left = held.bytes();
  out.bytes_freed = before - held.bytes();
  out.is_short = held.bytes() > bytes_max;
  return out;
}

}  // namespace fieldpost::coordinator

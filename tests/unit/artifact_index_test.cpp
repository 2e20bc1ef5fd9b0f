// Which base a delta has, which artifacts are kept, and what deltas saved.
#include <doctest/doctest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "coordinator/artifacts/artifact_retention.h"
#include "coordinator/artifacts/nearest_base.h"
#include "coordinator/artifacts/transfer_bytes.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT

constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr rt::UnixTime kNow{1'000'000 * kHourNs};
const ArtifactKey kImage{"nightly", "image"};

/// Stored so many hours ago; its bytes are those of `content`.
Artifact artifact(std::int64_t no, const ArtifactKey& key, const std::string& content,
                  std::uint64_t size, std::int64_t age_hours) {
  return {no, key, wire::sha256(content), size, {kNow.ns - age_hours * kHourNs}, {}};
}

WantedArtifact wanted(std::uint64_t size = 1000) {
  return {kImage, wire::sha256("wanted"), size};
}

std::int64_t base_of(const std::vector<Artifact>& artifacts, std::uint64_t size = 1000) {
  const Artifact* base = nearest_base(artifacts, wanted(size), nullptr);
  return base == nullptr ? 0 : base->no;
}

std::vector<std::int64_t> numbers(const std::vector<Artifact>& artifacts,
                                  const std::vector<std::size_t>& places) {
  std::vector<std::int64_t> out;
  for (const std::size_t place : places) out.push_back(artifacts.at(place).no);
  return out;
}

/// Five of one key and 100 bytes each; the first is the oldest, each an hour older than the next.
std::vector<Artifact> five() {
  std::vector<Artifact> out;
  for (std::int64_t no = 1; no <= 5; ++no) {
    out.push_back(artifact(no, kImage, std::to_string(no), 100, 6 - no));
  }
  return out;
}

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("the base is of the same pipeline and name, the latest first") {
  CHECK(base_of({artifact(1, kImage, "a", 1000, 3), artifact(2, kImage, "b", 10, 1),
                 artifact(3, kImage, "c", 1000, 2), artifact(4, {"other", "image"}, "d", 1000, 0),
                 artifact(5, {"nightly", "log"}, "e", 1000, 0)}) == 2);
}

TEST_CASE("else of the same name, else of the most similar size, else there is none") {
  const std::vector<Artifact> artifacts = {
      artifact(1, {"a", "image"}, "a", 9, 2), artifact(2, {"b", "image"}, "b", 9, 1),
      artifact(3, {"a", "log"}, "c", 1000, 0), artifact(4, {"a", "map"}, "d", 1200, 0),
      artifact(5, {"a", "map"}, "e", 5000, 0)};
  CHECK(base_of(artifacts) == 2);
  const std::vector<Artifact> others(artifacts.begin() + 2, artifacts.end());
  CHECK(base_of(others) == 3);
  CHECK(base_of(others, 1150) == 4);
  CHECK(base_of(others, 20'000) == 5);
  CHECK(base_of(others, 25'000) == 0);
  CHECK(base_of(others, 100) == 0);
  CHECK(base_of({}) == 0);
}

TEST_CASE("the very bytes come before every base, and an empty artifact is none") {
  CHECK(base_of({artifact(1, {"x", "y"}, "wanted", 1000, 9), artifact(2, kImage, "b", 1000, 0)}) ==
        1);
  CHECK(base_of({artifact(1, kImage, "empty", 0, 0)}) == 0);
  CHECK(base_of({artifact(1, kImage, "a", 1000, 0)}, 0) == 0);
}

TEST_CASE("where both ends must hold the base, others are passed over") {
  const std::vector<Artifact> artifacts = {artifact(1, kImage, "a", 1000, 2),
                                           artifact(2, kImage, "b", 1000, 1),
                                           artifact(3, {"x", "image"}, "c", 1000, 0)};
  const auto base_held = [&](const std::set<std::string>& held) {
    const Artifact* base = nearest_base(artifacts, wanted(), [&](const wire::Sha256Digest& hash) {
      for (const std::string& each : held) {
        if (wire::sha256(each) == hash) return true;
      }
      return false;
    });
    return base == nullptr ? 0 : base->no;
  };
  CHECK(base_held({"a", "b", "c"}) == 2);
  CHECK(base_held({"a", "c"}) == 1);
  CHECK(base_held({"c"}) == 3);
  CHECK(base_held({}) == 0);
}

TEST_CASE("by number the latest stay, by age the young ones") {
  const auto artifacts = five();
  const auto expired = [&](const ArtifactRetention& rule) {
    return numbers(artifacts, expired_artifacts(artifacts, rule, kNow));
  };
  CHECK(expired({}).empty());
  CHECK(expired({.count_max = 2}) == Numbers{1, 2, 3});
  CHECK(expired({.age_max_ns = 3 * kHourNs}) == Numbers{1, 2});
  CHECK(expired({.count_max = 4, .age_max_ns = 3 * kHourNs}) == Numbers{1, 2});
  CHECK(expired({.age_max_ns = 1}) == Numbers{1, 2, 3, 4});
  CHECK(expired({.age_max_ns = 1, .keeps_latest = false}) == Numbers{1, 2, 3, 4, 5});
}

TEST_CASE("pinned artifacts stay, and take no place of others") {
  auto artifacts = five();
  artifacts[0].pins.is_rollback_target = true;
  artifacts[3].pins.is_deployed = true;
  CHECK(numbers(artifacts, expired_artifacts(artifacts, {.count_max = 2}, kNow)) == Numbers{2});
  CHECK(numbers(artifacts, expired_artifacts(artifacts, {.age_max_ns = 1}, kNow)) == Numbers{2, 3});
}

TEST_CASE("an artifact from after now has no age") {
  const std::vector<Artifact> artifacts = {artifact(1, kImage, "a", 10, -5),
                                           artifact(2, kImage, "b", 10, -6)};
  CHECK(expired_artifacts(artifacts, {.age_max_ns = 1}, kNow).empty());
}

TEST_CASE("room is made by the oldest first, the latest of each key last") {
  auto artifacts = five();
  artifacts.push_back(artifact(6, {"nightly", "log"}, "log", 100, 9));
  const auto enough = make_artifact_room(artifacts, 600);
  CHECK(enough.removed.empty());
  CHECK(enough.bytes_left == 600);
  const auto some = make_artifact_room(artifacts, 350);
  CHECK(numbers(artifacts, some.removed) == Numbers{1, 2, 3});
  CHECK(some.bytes_freed == 300);
  CHECK(some.bytes_left == 300);
  CHECK(!some.is_short);
  const auto few = make_artifact_room(artifacts, 100);
  CHECK(numbers(artifacts, few.removed) == Numbers{1, 2, 3, 4, 6});
}

TEST_CASE("no budget takes what is pinned") {
  auto artifacts = five();
  artifacts[0].pins.by_user = true;
  artifacts[4].pins.is_delta_base = true;
  const auto room = make_artifact_room(artifacts, 0);
  CHECK(numbers(artifacts, room.removed) == Numbers{2, 3, 4});
  CHECK(room.bytes_left == 200);
  CHECK(room.is_short);
}

TEST_CASE("bytes that artifacts share count once, and go with the last of them") {
  std::vector<Artifact> artifacts = {
      artifact(1, kImage, "same", 100, 4), artifact(2, kImage, "same", 100, 3),
      artifact(3, kImage, "other", 100, 2), artifact(4, kImage, "last", 100, 1)};
  const auto room = make_artifact_room(artifacts, 200);
  CHECK(numbers(artifacts, room.removed) == Numbers{1, 2});
  CHECK(room.bytes_freed == 100);
  artifacts[1].pins.by_user = true;
  const auto pinned = make_artifact_room(artifacts, 200);
  CHECK(numbers(artifacts, pinned.removed) == Numbers{3});
}

TEST_CASE("what deltas saved is what did not move, without the signatures") {
  TransferBytes bytes;
  CHECK(!bytes.moved_part());
  bytes.add({.size = 1000, .bytes_moved = 20, .bytes_signature = 6, .is_delta = true});
  bytes.add({.size = 1000, .bytes_moved = 1000});
  bytes.add({.size = 2000});
  CHECK(bytes == TransferBytes{.artifacts = 3,
                               .by_delta = 1,
                               .present = 1,
                               .bytes = 4000,
                               .bytes_moved = 1020,
                               .bytes_signatures = 6});
  CHECK(bytes.saved() == 2974);
  CHECK(bytes.moved_part().value() == doctest::Approx(0.255));
}

TEST_CASE("sums of bytes stop where a store's integers end, and may show a loss") {
  TransferBytes bytes;
  bytes.add({.size = 10, .bytes_moved = 30});
  CHECK(bytes.saved() == -20);
  const std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  bytes.add({.size = most, .bytes_moved = most, .bytes_signature = most});
  CHECK(bytes.bytes == most);
  CHECK(bytes.saved() == 0);
}

}  // namespace fieldpost::test

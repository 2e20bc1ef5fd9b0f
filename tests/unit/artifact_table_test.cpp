// What jobs made, and where the bytes of it are.
#include "coordinator/store/artifact_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/sample_builds.h"
#include "tests/support/store_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using rt::Errc;

struct World : StoreWorld {
  World() {
    add_build(*this, 1);
    add_build(*this, 2, "weekly");
  }
  ArtifactTable artifacts{store().database()};

  rt::Result<std::optional<std::int64_t>> add(std::uint64_t job, const std::string& name,
                                              const std::string& bytes) {
    return artifacts.add({job_id(job), 1}, {name, "out/" + name, bytes.size(), wire::sha256(bytes)},
                         kStoreNow);
  }
  std::vector<std::int64_t> list(const ArtifactFilter& filter) {
    std::vector<std::int64_t> out;
    const auto found = artifacts.list(filter, 0, 100).value();
    for (const auto& each : found) out.push_back(each.no);
    return out;
  }
};

template <typename T>
void check_refused(const rt::Result<T>& result, Errc code) {
  REQUIRE(!result.has_value());
  INFO(result.error().message);
  CHECK(result.error().code == code);
}

using Numbers = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("an artifact is added once, and no other one of its name") {
  World world;
  CHECK(world.add(1, "app", "one").value() == 1);
  CHECK(!world.add(1, "app", "one").value());
  check_refused(world.add(1, "app", "two"), Errc::kInvalid);
  CHECK(world.add(2, "app", "two").value().has_value());
  const auto found = world.artifacts.find({job_id(1), 1}, "app");
  REQUIRE_MESSAGE(found, found.error().message);
  CHECK(found->no == 1);
  CHECK(found->path == "out/app");
  CHECK(found->size == 3);
  CHECK(found->sha256 == wire::sha256("one"));
  CHECK(found->state == ArtifactState::kKnown);
  CHECK(found->created == kStoreNow.ns);
  CHECK(found->build == 1);
  CHECK(found->pipeline == "nightly");
  check_refused(world.artifacts.find({job_id(1), 2}, "app"), Errc::kNotFound);
  check_refused(world.artifacts.find(9), Errc::kNotFound);
}

TEST_CASE("artifacts are listed by build, pipeline, name and state") {
  World world;
  REQUIRE(world.add(1, "app", "a").has_value());
  REQUIRE(world.add(1, "doc", "b").has_value());
  REQUIRE(world.add(2, "app", "c").has_value());
  REQUIRE(world.artifacts.set_here(3, 5).has_value());
  CHECK(world.list({}) == Numbers{1, 2, 3});
  CHECK(world.list({.build = 1}) == Numbers{1, 2});
  CHECK(world.list({.build = 0, .pipeline = "weekly"}) == Numbers{3});
  CHECK(world.list({.build = 0, .pipeline = "", .name = "app"}) == Numbers{1, 3});
  CHECK(world.list({.build = 0, .pipeline = "", .name = "", .state = ArtifactState::kHere}) ==
        Numbers{3});
  CHECK(world.artifacts.list({}, 1, 1)->at(0).no == 2);
}

TEST_CASE("an artifact is asked for, by a delta or whole, until it is here [build-7]") {
  World world;
  REQUIRE(world.add(1, "app", "one").has_value());
  CHECK(!world.artifacts.is_wanted(wire::sha256("one")).value());
  REQUIRE(world.artifacts.set_asked(1, 42, wire::sha256("base")).has_value());
  CHECK(world.artifacts.is_wanted(wire::sha256("one")).value());
  auto found = world.artifacts.find(1);
  CHECK(found->state == ArtifactState::kAsked);
  CHECK(found->command == 42);
  CHECK(found->base == wire::sha256("base"));
  REQUIRE(world.artifacts.set_asked(1, 43, {}).has_value());  // the base was gone
  found = world.artifacts.find(1);
  CHECK(found->command == 43);
  CHECK(!found->base);
  REQUIRE(world.artifacts.set_known(1).has_value());
  check_refused(world.artifacts.set_known(1), Errc::kDenied);
  REQUIRE(world.artifacts.set_asked(1, 44, {}).has_value());
  REQUIRE(world.artifacts.set_here(1, 1234).has_value());
  found = world.artifacts.find(1);
  CHECK(found->state == ArtifactState::kHere);
  CHECK(found->wire_bytes == 1234);
  check_refused(world.artifacts.set_here(1, 1), Errc::kDenied);
  check_refused(world.artifacts.set_asked(1, 45, {}), Errc::kDenied);
}

TEST_CASE("a pinned artifact stays, and one that is gone is not pinned") {
  World world;
  REQUIRE(world.add(1, "app", "one").has_value());
  REQUIRE(world.artifacts.set_pins(1, 3).has_value());
  CHECK(world.artifacts.find(1)->pins == 3);
  check_refused(world.artifacts.set_gone(1), Errc::kDenied);
  REQUIRE(world.artifacts.set_pins(1, 0).has_value());
  REQUIRE(world.artifacts.set_gone(1).has_value());
  CHECK(world.artifacts.find(1)->state == ArtifactState::kGone);
  check_refused(world.artifacts.set_gone(1), Errc::kDenied);
  check_refused(world.artifacts.set_pins(1, 1), Errc::kDenied);
  check_refused(world.artifacts.set_here(1, 1), Errc::kDenied);
  check_refused(world.artifacts.set_pins(9, 1), Errc::kNotFound);
  check_refused(world.artifacts.set_known(9), Errc::kNotFound);
  check_refused(world.artifacts.set_asked(9, 1, {}), Errc::kNotFound);
  check_refused(world.artifacts.set_here(9, 1), Errc::kNotFound);
  check_refused(world.artifacts.set_gone(9), Errc::kNotFound);
}

}  // namespace fieldpost::test

// The directory of uploads and its bounds.
#include "coordinator/http/upload_room.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/fakes/fake_files.h"
#include "tests/support/sim/sim_log.h"

namespace fieldpost::test {
namespace {

using coordinator::kUploadBytesMax;
using coordinator::kUploadStalled;
using coordinator::UploadRoom;

constexpr rt::UnixTime kNow{1'767'225'600'000'000'000};
constexpr rt::Nanos kSecond = rt::Seconds{1};

struct Room {
  sim::FakeFiles files;
  sim::SimWorld sim{1};
  sim::SimLog log{sim, "centre"};
  UploadRoom room{files, log, "/uploads"};

  rt::Status reserve(const std::string& name, std::uint64_t size, rt::UnixTime now = kNow) {
    return room.reserve(name, size, now);
  }
};

}  // namespace

TEST_CASE("what an earlier process left counts as what it will have") {
  Room world;
  const std::string name = coordinator::upload_name(wire::sha256("x"), kUploadBytesMax - 10);
  world.files.put("/uploads/" + name, "x", kNow);
  world.files.put("/uploads/other", "1234", kNow);
  CHECK(world.reserve("a-7", 7).error().code == rt::Errc::kFull);
  CHECK(world.reserve("a-6", 6));
  CHECK(world.reserve("a-6", 6));
  CHECK(world.reserve(name, kUploadBytesMax - 10));
  CHECK_FALSE(world.reserve("b-1", 1).has_value());
  world.room.release(name);
  world.room.release(name);
  CHECK(world.reserve("b-1", 1));
}

TEST_CASE("old files go but those that are held, and one that went meanwhile is no trouble") {
  Room world;
  for (const char* name : {"held-1", "old-1", "renamed-1"}) {
    world.files.put("/uploads/" + std::string(name), "x");
  }
  world.files.errors.emplace("/uploads/renamed-1", rt::Error{rt::Errc::kNotFound, "no such file"});
  CHECK(world.room.sweep({"held-1"}, {1}));
  CHECK(world.files.files().contains("/uploads/held-1"));
  CHECK_FALSE(world.files.files().contains("/uploads/old-1"));
}

TEST_CASE("so many uploads are begun at most") {
  Room world;
  world.files.put("/uploads/a-1", "x", kNow);
  for (std::size_t i = 1; i < coordinator::kUploadFilesMax; ++i) {
    REQUIRE(world.reserve("b" + std::to_string(i), 1));
  }
  CHECK(world.reserve("c", 1).error().code == rt::Errc::kFull);
  CHECK(world.reserve("c", 1, kNow + (kUploadStalled + kSecond)));
}

TEST_CASE("for a new upload those that stand still longest give way, no more than it takes") {
  Room world;
  constexpr std::uint64_t kQuarter = kUploadBytesMax / 4;
  const auto name = [](const std::string& of) { return of + "-" + std::to_string(kQuarter); };
  const auto begin = [&](const std::string& of, rt::UnixTime now) {
    world.files.put("/uploads/" + name(of), "x", now);
    return world.reserve(name(of), kQuarter, now);
  };
  const auto is_there = [&](const std::string& of) {
    return world.files.files().contains("/uploads/" + name(of));
  };
  CHECK(begin("a", kNow));
  CHECK(begin("b", kNow + kSecond));
  CHECK(begin("c", kNow + kSecond * 2));
  CHECK(begin("d", kNow + kSecond * 3));
  CHECK(world.reserve("new", 1, kNow + kUploadStalled).error().code == rt::Errc::kFull);
  const rt::UnixTime later = kNow + (kUploadStalled + kSecond * 10);
  SUBCASE("as they were touched") {
    world.room.touch(name("a"), later);
  }
  SUBCASE("also after a sweep, whenever their files changed last") {
    world.room.touch(name("a"), later);
    CHECK(world.room.sweep({}, {}));
  }
  CHECK(world.reserve("new", kQuarter + 1, later));
  CHECK(is_there("a"));
  CHECK_FALSE(is_there("b"));
  CHECK_FALSE(is_there("c"));
  CHECK(is_there("d"));
  CHECK(world.log.count_containing("upload b-") == 1);
  CHECK(world.log.count_containing("upload c-") == 1);
  CHECK(world.reserve("more", kUploadBytesMax, later).error().code == rt::Errc::kFull);
  CHECK(is_there("a"));
}

TEST_CASE("what an earlier process left gives way by when its file changed last") {
  Room world;
  const auto name = [](const char* of) {
    return coordinator::upload_name(wire::sha256(of), kUploadBytesMax / 2);
  };
  world.files.put("/uploads/" + name("old"), "x", kNow);
  world.files.put("/uploads/" + name("young"), "x", kNow + kSecond);
  CHECK(world.reserve("new", 1, kNow + (kUploadStalled + kSecond)));
  CHECK_FALSE(world.files.files().contains("/uploads/" + name("old")));
  CHECK(world.files.files().contains("/uploads/" + name("young")));
}

}  // namespace fieldpost::test

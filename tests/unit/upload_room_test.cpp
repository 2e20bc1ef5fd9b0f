// The directory of uploads and its bounds.
#include "coordinator/http/upload_room.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/fakes/fake_files.h"

namespace fieldpost::test {
namespace {

using coordinator::kUploadBytesMax;
using coordinator::UploadRoom;

}  // namespace

TEST_CASE("what an earlier process left counts as what it will have") {
  sim::FakeFiles files;
  const std::string name = coordinator::upload_name(wire::sha256("x"), kUploadBytesMax - 10);
  files.put("/uploads/" + name, "x");
  files.put("/uploads/other", "1234");
  UploadRoom room(files, "/uploads");
  CHECK(room.reserve("a-7", 7).error().code == rt::Errc::kFull);
  CHECK(room.reserve("a-6", 6));
  CHECK(room.reserve("a-6", 6));
  CHECK(room.reserve(name, kUploadBytesMax - 10));
  CHECK_FALSE(room.reserve("b-1", 1).has_value());
  room.release(name);
  room.release(name);
  CHECK(room.reserve("b-1", 1));
}

TEST_CASE("old files go but those that are held, and one that went meanwhile is no trouble") {
  sim::FakeFiles files;
  for (const char* name : {"held-1", "old-1", "renamed-1"}) {
    files.put("/uploads/" + std::string(name), "x");
  }
  files.errors.emplace("/uploads/renamed-1", rt::Error{rt::Errc::kNotFound, "no such file"});
  UploadRoom room(files, "/uploads");
  CHECK(room.sweep({"held-1"}, {1}));
  CHECK(files.files().contains("/uploads/held-1"));
  CHECK_FALSE(files.files().contains("/uploads/old-1"));
}

TEST_CASE("so many uploads are begun at most") {
  sim::FakeFiles files;
  files.put("/uploads/a-1", "x");
  UploadRoom room(files, "/uploads");
  for (std::size_t i = 1; i < coordinator::kUploadFilesMax; ++i) {
    REQUIRE(room.reserve("b" + std::to_string(i), 1));
  }
  CHECK(room.reserve("c", 1).error().code == rt::Errc::kFull);
}

}  // namespace fieldpost::test

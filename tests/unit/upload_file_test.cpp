// Files of uploads: what is on the disk counts.
#include "coordinator/http/upload_file.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::test {
namespace {

using coordinator::UploadFile;

constexpr std::size_t kMiB = 1 << 20;

struct World {
  World() { REQUIRE(files.make_directories("/uploads")); }
  /// Calls until it has caught up.
  int catch_up(UploadFile& file) {
    for (int calls = 1;; ++calls) {
      const auto done = file.catch_up(files);
      REQUIRE(done.has_value());
      if (*done) return calls;
    }
  }
  sim::SimDisk disk;
  sim::SimFiles files{disk};
};

}  // namespace

TEST_CASE("what an earlier process left is hashed in pieces, and no more while it is there") {
  World world;
  const std::string bytes = body_bytes(9 * kMiB, 1);
  UploadFile before("/uploads/x", bytes.size());
  REQUIRE(before.write(world.files, 0, bytes.substr(0, bytes.size() - 1)));
  UploadFile file("/uploads/x", bytes.size());
  CHECK(world.catch_up(file) == 3);
  CHECK(file.received() == bytes.size() - 1);
  world.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRead), .for_ever = true});
  CHECK(world.catch_up(file) == 1);
  world.disk.heal();
  REQUIRE(file.write(world.files, 0, bytes));
  CHECK(file.is_whole());
  CHECK(file.hash() == wire::sha256(bytes));
}

TEST_CASE("an upload is synced as it grows, and at its end") {
  World world;
  const std::string piece = body_bytes(4 * kMiB, 2);
  UploadFile file("/uploads/x", 5 * piece.size() + 1);
  const std::uint64_t before = world.disk.syncs();
  for (int i = 0; i < 5; ++i) {
    REQUIRE(file.write(world.files, file.received(), piece));
    CHECK(world.disk.syncs() - before == (i < 3 ? 0 : 1));
  }
  REQUIRE(file.write(world.files, file.received(), "x"));
  CHECK(world.disk.syncs() - before == 2);
  REQUIRE(file.write(world.files, 0, ""));
  CHECK(world.disk.syncs() - before == 2);
}

TEST_CASE("after a sync that failed an upload begins again") {
  World world;
  UploadFile file("/uploads/x", 5);
  world.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  CHECK_FALSE(file.write(world.files, 0, "bytes").has_value());
  world.disk.heal();
  CHECK(world.catch_up(file) == 1);
  CHECK(file.received() == 0);
  CHECK_FALSE(world.files.info("/uploads/x").has_value());
  REQUIRE(file.write(world.files, 0, "bytes"));
  CHECK(file.hash() == wire::sha256("bytes"));
}

TEST_CASE("a file that cannot be taken away is not gone on with") {
  World world;
  UploadFile file("/uploads/x", 5);
  REQUIRE(file.write(world.files, 0, "wrong"));
  world.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRemove)});
  CHECK_FALSE(file.discard(world.files).has_value());
  CHECK_FALSE(file.is_blank());
  world.disk.heal();
  CHECK(world.catch_up(file) == 1);
  CHECK(file.is_blank());
}

}  // namespace fieldpost::test

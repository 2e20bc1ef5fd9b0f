// Deltas that are made and applied again.
#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/delta_world.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using rt::Errc;

struct Pair {
  const char* name;
  std::string base, target;
};

std::string edited(std::string bytes, int edits, std::size_t size, std::uint64_t seed) {
  sim::Dice dice(seed);
  for (int i = 0; i < edits; ++i) {
    const auto at = static_cast<std::size_t>(dice.below(bytes.size() - size));
    bytes.replace(at, size, body_bytes(size, seed + static_cast<std::uint64_t>(i) + 1));
  }
  return bytes;
}

std::vector<Pair> pairs() {
  const std::string base = body_bytes(300'000, 1);
  const std::string half = base.substr(0, 150'000);
  return {{"nothing from nothing", "", ""},
          {"something from nothing", "", base},
          {"nothing from something", base, ""},
          {"the same", base, base},
          {"one byte", "a", "b"},
          {"something else", base, body_bytes(250'000, 2)},
          {"edits", base, edited(base, 20, 100, 3)},
          {"a byte in front", base, "x" + base},
          {"some inserted", base, half + "inserted" + base.substr(150'000)},
          {"some taken out", base, base.substr(0, 100'000) + base.substr(100'777)},
          {"halves the other way round", base, base.substr(150'000) + half},
          {"zeros", std::string(200'000, '\0'), std::string(200'001, '\0')},
          {"shorter by less than a block", base, base.substr(0, 299'900)},
          {"twice", half, half + half}};
}

}  // namespace

TEST_CASE("what a delta makes of its base is its target") {
  for (const Pair& pair : pairs()) {
    INFO(std::string(pair.name));
    DeltaWorld world(pair.base, pair.target);
    const auto encoded = world.encode_delta();
    REQUIRE_MESSAGE(encoded, encoded.error().message);
    const auto patched = world.patch();
    REQUIRE_MESSAGE(patched, patched.error().message);
    const bool same = world.file("/made") == pair.target;
    CHECK(same);
    CHECK(!world.has("/made.part"));
    CHECK(!world.has("/delta.part"));
  }
}

TEST_CASE("a delta that is made of the signature alone makes the same") {
  for (const Pair& pair : pairs()) {
    INFO(std::string(pair.name));
    DeltaWorld world(pair.base, pair.target);
    std::string bytes;
    REQUIRE(world.sign(delta::choose_signature(pair.base.size(), delta::SignatureUse::kTravels),
                       bytes));
    const auto signature = load_signature(bytes, 1000);
    REQUIRE(signature);
    const auto encoded = world.encode_afar(*signature);
    REQUIRE_MESSAGE(encoded, encoded.error().message);
    REQUIRE(world.patch());
    const bool same = world.file("/made") == pair.target;
    CHECK(same);
  }
}

TEST_CASE("edits all over a file cost little more than their bytes") {
  const std::string base = body_bytes(4 << 20, 1);
  constexpr int kEdits = 40;
  DeltaWorld world(base, edited(base, kEdits, 1024, 7));
  REQUIRE(world.encode_delta());
  // Where two are close to each other, what is between them is no whole block.
  CHECK(world.file("/delta").size() < kEdits * 1024 + 8192);
}

TEST_CASE("the same files give the same delta") {
  const std::string base = body_bytes(300'000, 1);
  DeltaWorld world(base, edited(base, 10, 500, 2));
  REQUIRE(world.encode_delta());
  const std::string first = world.file("/delta");
  REQUIRE(world.encode_delta());
  const bool same = world.file("/delta") == first;
  CHECK(same);
}

TEST_CASE("the writer tells size and hash of the delta") {
  DeltaWorld world("base", "target");
  delta::DeltaEncoder encoder(world.files, world.paths, world.change, DeltaWorld::kAny);
  REQUIRE(DeltaWorld::run(encoder));
  const std::string bytes = world.file("/delta");
  CHECK(encoder.written().size == bytes.size());
  CHECK(encoder.written().sha256 == wire::sha256(bytes));
}

TEST_CASE("a delta that is not worth it is given up, and leaves nothing") {
  DeltaWorld world(body_bytes(200'000, 1), body_bytes(200'000, 2));
  const auto done = world.encode_delta(100'000);
  REQUIRE(!done);
  CHECK(done.error().code == Errc::kFull);
  CHECK(!world.has("/delta"));
  CHECK(!world.has("/delta.part"));
}

TEST_CASE("a target that is not what it should be ends the delta") {
  DeltaWorld world(body_bytes(200'000, 1), body_bytes(200'000, 2));
  SUBCASE("other bytes") {
    world.files.put("/target", body_bytes(200'000, 3));
  }
  SUBCASE("longer") {
    world.files.append("/target", "x");
  }
  SUBCASE("shorter") {
    world.files.put("/target", body_bytes(199'999, 2));
  }
  const auto done = world.encode_delta();
  REQUIRE(!done);
  CHECK(done.error().code == Errc::kInvalid);
  CHECK(!world.has("/delta.part"));
}

TEST_CASE("a base that is not what it should be ends the delta") {
  DeltaWorld world(body_bytes(200'000, 1), body_bytes(200'000, 2));
  world.files.put("/base", "other");
  CHECK(world.encode_delta().error().code == Errc::kCorrupt);
}

TEST_CASE("a base that is cut while the delta is made ends it") {
  const std::string base = body_bytes(200'000, 1);
  DeltaWorld world(base, edited(base, 5, 100, 2));
  std::string bytes;
  REQUIRE(world.sign({512, 8}, bytes));
  const auto signature = load_signature(bytes, 1000);
  REQUIRE(signature);
  world.files.put("/base", "short");
  delta::DeltaWriter writer(world.files, *signature, world.paths, world.change, DeltaWorld::kAny);
  CHECK(DeltaWorld::run(writer).error().code == Errc::kCorrupt);
}

TEST_CASE("a file that cannot be read or written ends the delta with that error") {
  for (const char* path : {"/base", "/target", "/delta.part"}) {
    INFO(std::string(path));
    DeltaWorld world(body_bytes(200'000, 1), body_bytes(200'000, 2));
    world.files.errors.insert_or_assign(path, rt::Error{Errc::kIo, "broken"});
    CHECK(world.encode_delta().error().code == Errc::kIo);
  }
}

}  // namespace fieldpost::test

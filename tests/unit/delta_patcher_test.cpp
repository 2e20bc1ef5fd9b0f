// Deltas that others made: whatever they are, nothing but the target gets its name.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "proto/delta/patcher.h"
#include "tests/support/delta_world.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::test {
namespace {

using delta::CommandWriter;
using rt::Errc;

/// A world whose delta has these commands.
struct Crafted : DeltaWorld {
  Crafted(const std::string& base, const std::string& target,
          const std::function<void(CommandWriter&)>& write)
      : DeltaWorld(base, target) {
    std::string commands;
    CommandWriter writer(commands);
    write(writer);
    files.put("/delta", delta_file({.change = change}, commands));
  }

  /// What the patch fails with; nothing is left of it.
  Errc refusal() {
    const auto done = patch();
    REQUIRE(!done);
    CHECK(!has("/made"));
    CHECK(!has("/made.part"));
    return done.error().code;
  }
};

}  // namespace

TEST_CASE("commands that make the target are done") {
  Crafted world("0123456789", "789+012", [](CommandWriter& writer) {
    writer.copy(7, 3);
    writer.literal("+");
    writer.copy(0, 3);
    writer.end();
  });
  REQUIRE(world.patch());
  CHECK(world.file("/made") == "789+012");
}

TEST_CASE("a copy that lies outside of the base is refused") {
  const std::uint64_t huge = std::uint64_t{1} << 61;
  const std::vector<std::pair<std::uint64_t, std::uint64_t>> copies = {
      {8, 3}, {10, 1}, {11, 1}, {0, 11}, {huge, 1}, {1, huge}, {huge, huge}};
  for (const auto& [offset, size] : copies) {
    INFO(offset, ":", size);
    Crafted world("0123456789", "012", [&](CommandWriter& writer) {
      writer.copy(offset, size);
      writer.end();
    });
    CHECK(world.refusal() == Errc::kInvalid);
  }
}

TEST_CASE("a delta that makes more than it says is refused before more is written") {
  Crafted copying("0123456789", "0123", [](CommandWriter& writer) {
    for (int i = 0; i < 1000; ++i) writer.copy(0, 10);
    writer.end();
  });
  CHECK(copying.refusal() == Errc::kInvalid);
  Crafted saying("0123456789", "0123", [](CommandWriter& writer) {
    writer.literal(std::string(1 << 20, 'x'));
    writer.end();
  });
  CHECK(saying.refusal() == Errc::kInvalid);
}

TEST_CASE("a delta that makes less, or something else, is no target") {
  Crafted less("0123456789", "0123", [](CommandWriter& writer) {
    writer.copy(0, 3);
    writer.end();
  });
  CHECK(less.refusal() == Errc::kCorrupt);
  Crafted other("0123456789", "0123", [](CommandWriter& writer) {
    writer.copy(1, 4);
    writer.end();
  });
  CHECK(other.refusal() == Errc::kCorrupt);
}

TEST_CASE("commands without an end, and bytes behind it, are refused") {
  Crafted endless("0123456789", "0123", [](CommandWriter& writer) { writer.copy(0, 4); });
  CHECK(endless.refusal() == Errc::kInvalid);
  Crafted twice("0123456789", "0123", [](CommandWriter& writer) {
    writer.copy(0, 4);
    writer.end();
    writer.literal("x");
  });
  CHECK(twice.refusal() == Errc::kInvalid);
  Crafted long_after("0123456789", "0123", [](CommandWriter& writer) {
    writer.copy(0, 4);
    writer.end();
    writer.literal(body_bytes(1 << 20, 1));
  });
  CHECK(long_after.refusal() == Errc::kInvalid);
  Crafted behind("0123456789", "0123", [](CommandWriter& writer) {
    writer.copy(0, 4);
    writer.end();
  });
  behind.files.append("/delta", "x");
  CHECK(behind.refusal() == Errc::kInvalid);
  behind.files.append("/delta", std::string(100'000, 'x'));
  CHECK(behind.refusal() == Errc::kInvalid);
}

TEST_CASE("a delta of which a byte is wrong, or the end is missing, makes no other target") {
  const std::string base = body_bytes(3000, 1);
  const std::string target = base.substr(100) + "and more " + base.substr(0, 600);
  DeltaWorld world(base, target);
  REQUIRE(world.encode_delta());
  const std::string good = world.file("/delta");
  for (std::size_t at = 0; at < good.size(); ++at) {
    INFO("byte ", at);
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x11);
    world.files.put("/delta", damaged);
    // A bit that zstd does not look at may be wrong; the target may not.
    const bool is_made = world.patch().has_value();
    const bool is_right = is_made ? world.file("/made") == target : !world.has("/made");
    CHECK(is_right);
    CHECK(!world.has("/made.part"));
    REQUIRE(world.files.remove("/made"));
    world.files.put("/delta", good.substr(0, at));
    CHECK(!world.patch());
  }
}

TEST_CASE("a delta between other files, or of a form that is not known, is refused") {
  DeltaWorld world("base", "target");
  REQUIRE(world.encode_delta());
  const std::string good = world.file("/delta");
  const auto other_target = world.change;
  world.change.target = content_of("other");
  CHECK(world.patch().error().code == Errc::kInvalid);
  world.change = other_target;
  world.change.base.size += 1;
  CHECK(world.patch().error().code == Errc::kInvalid);
  world.change = other_target;
  for (const std::size_t at : {0U, 8U, 9U, 15U}) {
    INFO("byte ", at);
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] + 1);
    world.files.put("/delta", changed);
    CHECK(world.patch().error().code == Errc::kInvalid);
  }
}

TEST_CASE("a header says no size that no body has") {
  delta::DeltaHeader header{.change = {content_of("base"), content_of("target")}};
  CHECK(delta::decode_delta_header(encode(header)).value() == header);
  CHECK(encode(header).size() == delta::kDeltaHeaderBytes);
  header.change.target.size = (std::uint64_t{4} << 30) + 1;
  CHECK(delta::decode_delta_header(encode(header)).error().code == Errc::kInvalid);
}

TEST_CASE("a base of another size, or with other bytes, is told") {
  const std::string base = body_bytes(5000, 1);
  DeltaWorld world(base, base + "more");
  REQUIRE(world.encode_delta());
  world.files.put("/base", base.substr(1));
  CHECK(world.patch().error().code == Errc::kCorrupt);
  world.files.put("/base", body_bytes(5000, 2));
  CHECK(world.patch().error().code == Errc::kCorrupt);
  CHECK(!world.has("/made"));
  REQUIRE(world.files.remove("/base"));
  CHECK(world.patch().error().code == Errc::kNotFound);
}

TEST_CASE("a base that is cut while the delta is applied is told") {
  const std::string base = body_bytes(600'000, 1);
  DeltaWorld world(base, base + "more");
  REQUIRE(world.encode_delta());
  delta::Patcher patcher(world.files, {"/base", "/made", "/delta"}, world.change);
  REQUIRE(patcher.step().value());
  world.files.put("/base", base.substr(0, 1000));
  CHECK(DeltaWorld::run(patcher).error().code == Errc::kCorrupt);
}

TEST_CASE("a frame that wants a large window is refused") {
  // Magic, a descriptor without sizes or a checksum, and a window of 128 MiB (RFC 8878, 3.1.1.1.2).
  std::string bytes("\x28\xb5\x2f\xfd\x00\x88", 6);
  DeltaWorld world("base", "target");
  world.files.put("/delta", encode(delta::DeltaHeader{.change = world.change}) + bytes);
  CHECK(world.patch().error().code == Errc::kInvalid);
}

TEST_CASE("a file that cannot be read or written ends the patch with that error") {
  for (const char* path : {"/base", "/delta", "/made.part"}) {
    INFO(std::string(path));
    DeltaWorld world("base", "target");
    REQUIRE(world.encode_delta());
    world.files.errors.insert_or_assign(path, rt::Error{Errc::kIo, "broken"});
    CHECK(world.patch().error().code == Errc::kIo);
    CHECK(!world.has("/made"));
  }
}

}  // namespace fieldpost::test

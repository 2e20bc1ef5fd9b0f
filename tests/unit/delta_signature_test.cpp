// Signatures of bases: how they are chosen, made, and read again from wherever they come.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/delta/signature.h"
#include "tests/support/delta_world.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::test {
namespace {

using delta::choose_signature;
using delta::SignatureLoader;
using delta::SignatureOptions;
using delta::SignatureUse;
using rt::Errc;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr SignatureOptions kSmall{512, 8};

std::string number(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
  return out;
}

std::string head(std::uint32_t magic, std::uint32_t block, std::uint32_t strong) {
  return number(magic) + number(block) + number(strong);
}

constexpr std::uint32_t kMagic = 0x72730147;

Errc refusal_of(const std::string& bytes) {
  const auto loaded = load_signature(bytes, 64 * 1024);
  REQUIRE(!loaded);
  return loaded.error().code;
}

}  // namespace

TEST_CASE("blocks are small where a signature stays, and larger where it travels") {
  CHECK(choose_signature(0, SignatureUse::kStays) == SignatureOptions{512, 8});
  CHECK(choose_signature(256 * kMiB, SignatureUse::kStays) == SignatureOptions{512, 8});
  CHECK(choose_signature(512 * kMiB, SignatureUse::kStays) == SignatureOptions{512, 8});
  CHECK(choose_signature(512 * kMiB + 1, SignatureUse::kStays) == SignatureOptions{1024, 8});
  CHECK(choose_signature(4096 * kMiB, SignatureUse::kStays) == SignatureOptions{4096, 10});
  CHECK(choose_signature(256 * kMiB, SignatureUse::kTravels) == SignatureOptions{2048, 8});
  CHECK(choose_signature(1024 * kMiB, SignatureUse::kTravels) == SignatureOptions{8192, 8});
  const auto travels = choose_signature(256 * kMiB, SignatureUse::kTravels);
  CHECK(delta::signature_bytes(256 * kMiB, travels) == 12 + 131'072 * 12);
}

TEST_CASE("a signature's memory is within its bound for every size of a body") {
  for (std::uint64_t size = 1; size <= 4096 * kMiB; size *= 2) {
    INFO("size ", size);
    for (const SignatureUse use : {SignatureUse::kStays, SignatureUse::kTravels}) {
      const auto options = choose_signature(size, use);
      const std::uint64_t blocks = delta::signature_blocks(size, options);
      CHECK(blocks <= delta::kBlocksMax);
      CHECK(delta::signature_memory(blocks, options.strong_bytes) <= delta::kSignatureMemoryMax);
    }
  }
  CHECK(delta::signature_memory(1 << 19, 8) == (1U << 19U) * 12 + (1U << 20U) * 12 + (1U << 17U));
}

TEST_CASE("a signature is as large as it is said to be, and is read in pieces of any size") {
  for (const std::size_t size : {0U, 1U, 511U, 512U, 513U, 300'000U}) {
    INFO("size ", size);
    DeltaWorld world(body_bytes(size, 1), "");
    std::string bytes;
    REQUIRE(world.sign(kSmall, bytes));
    CHECK(bytes.size() == delta::signature_bytes(size, kSmall));
    for (const std::size_t piece : {1U, 5U, 12U, 13U, 65'536U}) {
      const auto loaded = load_signature(bytes, piece);
      REQUIRE_MESSAGE(loaded, loaded.error().message);
      CHECK(loaded->blocks() == delta::signature_blocks(size, kSmall));
      CHECK(loaded->options() == kSmall);
    }
  }
}

TEST_CASE("no signature is made of a file that is not the base") {
  DeltaWorld world(body_bytes(200'000, 1), "");
  std::string bytes;
  SUBCASE("other bytes") {
    world.files.put("/base", body_bytes(200'000, 2));
  }
  SUBCASE("longer") {
    world.files.put("/base", body_bytes(200'000, 1) + "x");
  }
  SUBCASE("shorter") {
    world.files.put("/base", body_bytes(199'999, 1));
  }
  const auto done = world.sign(kSmall, bytes);
  REQUIRE(!done);
  CHECK(done.error().code == Errc::kCorrupt);
}

TEST_CASE("a base that cannot be read, or a sink that fails, ends the signature") {
  DeltaWorld world(body_bytes(200'000, 1), "");
  delta::SignatureWriter writer(world.files, "/base", world.change.base, kSmall,
                                [](std::string_view) -> rt::Status {
                                  return rt::Error{Errc::kFull, "no room"};
                                });
  CHECK(DeltaWorld::run(writer).error().code == Errc::kFull);
  world.files.errors.insert_or_assign("/base", rt::Error{Errc::kIo, "broken"});
  std::string bytes;
  CHECK(world.sign(kSmall, bytes).error().code == Errc::kIo);
}

TEST_CASE("what is no signature that is taken is refused before librsync sees it") {
  CHECK(refusal_of("") == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 512, 8).substr(0, 11)) == Errc::kInvalid);
  CHECK(refusal_of(head(0x72730137, 512, 8)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 0, 8)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 511, 8)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 1 << 30, 8)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 512, 7)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 512, 33)) == Errc::kInvalid);
  CHECK(refusal_of(head(kMagic, 512, 8) + std::string(13, 'x')) == Errc::kInvalid);
  CHECK(load_signature(head(kMagic, 512, 8), 4).has_value());
}

TEST_CASE("a signature that needs more memory than it may is refused while it comes") {
  SignatureLoader loader(delta::signature_memory(1000, 8));
  REQUIRE(loader.add(head(kMagic, 512, 8)));
  REQUIRE(loader.add(std::string(12 * 1000, '\0')));
  const auto refused = loader.add(std::string(12 * 1000, '\0'));
  REQUIRE(!refused);
  CHECK(refused.error().code == Errc::kFull);
  CHECK(loader.add("x").error().code == Errc::kFull);
  CHECK(loader.finish().error().code == Errc::kFull);
}

TEST_CASE("a signature whose lookups would take for ever is refused, one of equal blocks is not") {
  std::string forged = head(kMagic, 512, 8);
  std::string equal = forged;
  for (std::uint32_t i = 0; i <= SignatureLoader::kSameWeakMax; ++i) {
    forged += number(7) + number(0) + number(i);
    equal += number(7) + number(0) + number(0);
  }
  CHECK(refusal_of(forged) == Errc::kInvalid);
  CHECK(load_signature(equal, 100).has_value());
  forged.resize(forged.size() - 12);
  CHECK(load_signature(forged, 100).has_value());
}

}  // namespace fieldpost::test

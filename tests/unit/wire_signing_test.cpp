#include <doctest/doctest.h>

#include <algorithm>

#include "proto/schema/wire_generated.h"
#include "proto/wire/signing.h"
#include "tests/support/sample_messages.h"

using namespace fieldpost;  // NOLINT: a test

namespace {

constexpr std::string_view kTopic = "fieldpost/v1/lab/a/receipt";

struct CountingRandom : rt::Random {
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = next++;
  }
  std::uint8_t next = 0;
};

std::string hex_of(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : bytes) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

rt::Errc code_of(const rt::Result<std::string>& result) {
  REQUIRE(!result);
  return result.error().code;
}

}  // namespace

TEST_CASE("public keys are those of RFC 8032") {
  // Section 7.1, tests 1 and 2.
  const auto first = wire::SigningKey::from_seed_hex(
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  CHECK(hex_of(first->public_key()) ==
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const auto second = wire::SigningKey::from_seed_hex(
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  CHECK(hex_of(second->public_key()) ==
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
}

TEST_CASE("a signed message gives its body to whoever has the key and the topic [topic-2]") {
  const wire::SigningKey key = test::sample_key();
  for (const std::string& body : {std::string(), std::string("b\0dy", 4), std::string(9999, 'x')}) {
    CHECK(*wire::open_signed(kTopic, key.seal(kTopic, body), key.public_key()) == body);
  }
}

TEST_CASE("a signed message for another topic or of another key is denied") {
  const wire::SigningKey key = test::sample_key();
  CountingRandom random;
  random.next = 77;
  const wire::SigningKey other = wire::SigningKey::make(random);
  const std::string message = key.seal(kTopic, "body");
  CHECK(code_of(wire::open_signed("fieldpost/v1/lab/b/receipt", message, key.public_key())) ==
        rt::Errc::kDenied);
  CHECK(code_of(wire::open_signed(kTopic, message, other.public_key())) == rt::Errc::kDenied);
  CHECK(wire::open_signed(kTopic, message, other.public_key()).error().message ==
        "opening a signed message: not signed by this key");
}

TEST_CASE("topic and body cannot be cut differently under one signature") {
  const wire::SigningKey key = test::sample_key();
  const std::string sealed = key.seal("a", std::string("b\0c", 3));
  const auto body = wire::open_signed(std::string_view("a\0b", 3), sealed, key.public_key());
  CHECK(code_of(body) == rt::Errc::kDenied);
}

TEST_CASE("no flipped bit of a signed message passes with another body") {
  const wire::SigningKey key = test::sample_key();
  const std::string good = key.seal(kTopic, "all the body");
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    INFO("bit ", bit);
    const auto body = wire::open_signed(kTopic, bad, key.public_key());
    if (body) CHECK(*body == "all the body");  // an unused byte of the FlatBuffer
  }
}

TEST_CASE("a signature with one wrong bit is denied") {
  const wire::SigningKey key = test::sample_key();
  std::string message = key.seal(kTopic, "body");
  const auto* flat = flatbuffers::GetRoot<wire::fb::Signed>(message.data());
  const auto at = reinterpret_cast<const char*>(flat->signature()->data()) - message.data();
  message[static_cast<std::size_t>(at)] ^= 1;
  CHECK(code_of(wire::open_signed(kTopic, message, key.public_key())) == rt::Errc::kDenied);
}

TEST_CASE("what is cut off or has no whole signature is corrupt") {
  const wire::SigningKey key = test::sample_key();
  const std::string good = key.seal(kTopic, "body");
  for (std::size_t size = 0; size + 4 < good.size(); ++size) {
    INFO("cut to ", size);
    CHECK(!wire::open_signed(kTopic, good.substr(0, size), key.public_key()).has_value());
  }
  CHECK(code_of(wire::open_signed(kTopic, good.substr(0, 60), key.public_key())) ==
        rt::Errc::kCorrupt);
  flatbuffers::FlatBufferBuilder builder;
  const auto body = builder.CreateVector(std::vector<std::uint8_t>(4));
  builder.Finish(
      wire::fb::CreateSigned(builder, body, builder.CreateVector(std::vector<std::uint8_t>(63))));
  const std::string_view short_one(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                                   builder.GetSize());
  const auto opened = wire::open_signed(kTopic, short_one, key.public_key());
  CHECK(code_of(opened) == rt::Errc::kCorrupt);
  CHECK(opened.error().message == "decoding signed message: its signature is not 64 bytes");
}

TEST_CASE("a key comes back from its seed, and from nothing else") {
  CountingRandom random;
  const wire::SigningKey made = wire::SigningKey::make(random);
  const std::string seed = made.seed_hex();
  CHECK(seed == "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  CHECK(wire::SigningKey::from_seed_hex(seed)->public_key() == made.public_key());
  std::string upper = seed;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  for (const std::string& bad :
       {std::string(), seed + "0", seed.substr(1), seed + "\n", upper, "g" + seed.substr(1)}) {
    const auto key = wire::SigningKey::from_seed_hex(bad);
    REQUIRE(!key);
    CHECK(key.error().code == rt::Errc::kInvalid);
  }
}

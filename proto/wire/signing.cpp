#include "proto/wire/signing.h"

#include <sodium.h>

#include <algorithm>

#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/limits.h"

namespace fieldpost::wire {
namespace {

constexpr std::string_view kContext = "fieldpost/v1";
using Seed = std::array<std::uint8_t, crypto_sign_SEEDBYTES>;
using Signature = std::array<std::uint8_t, crypto_sign_BYTES>;

static_assert(std::tuple_size_v<PublicKey> == crypto_sign_PUBLICKEYBYTES);

/// What is signed, [topic-2].
std::string signed_text(std::string_view topic, std::string_view body) {
  std::string text(kContext);
  text.append(1, '\0').append(topic).append(1, '\0').append(body);
  return text;
}

const std::uint8_t* unsigned_bytes(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

/// 0 to 15 for a lower-case hex digit, -1 for anything else.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct Parts {
  std::string body;
  Signature signature{};
};

rt::Result<Parts> take_apart(std::string_view message) {
  FlatReader in("signed message", message);
  const auto* flat = in.root<fb::Signed>();
  if (flat == nullptr) return in.error();
  const auto* signature = flat->signature();
  Parts parts{.body = in.bytes(flat->body(), kEnvelopeBytesMax, "")};
  if (in.require(signature != nullptr && signature->size() == parts.signature.size(),
                 "its signature is not 64 bytes")) {
    std::copy(signature->begin(), signature->end(), parts.signature.begin());
  }
  return in.finish(std::move(parts));
}

}  // namespace

SigningKey SigningKey::make(rt::Random& random) {
  Seed seed{};
  random.fill(seed);
  SigningKey key;
  crypto_sign_seed_keypair(key.public_.data(), key.secret_.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  return key;
}

rt::Result<SigningKey> SigningKey::from_seed_hex(std::string_view hex) {
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) { return digit_of(c) >= 0; });
  Seed seed{};
  if (hex.size() != 2 * seed.size() || !digits) {
    return rt::Error{rt::Errc::kInvalid, "reading a signing key: not 64 lower-case hex digits"};
  }
  for (std::size_t i = 0; i < seed.size(); ++i) {
    seed[i] = static_cast<std::uint8_t>(digit_of(hex[2 * i]) * 16 + digit_of(hex[2 * i + 1]));
  }
  SigningKey key;
  crypto_sign_seed_keypair(key.public_.data(), key.secret_.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
  return key;
}

std::string SigningKey::seed_hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (std::size_t i = 0; i < std::tuple_size_v<Seed>; ++i) {
    hex += kDigits[secret_[i] >> 4];
    hex += kDigits[secret_[i] & 0xf];
  }
  return hex;
}

std::string SigningKey::seal(std::string_view topic, std::string_view body) const {
  const std::string text = signed_text(topic, body);
  Signature signature{};
  crypto_sign_detached(signature.data(), nullptr, unsigned_bytes(text), text.size(),
                       secret_.data());
  flatbuffers::FlatBufferBuilder builder(body.size() + 256);
  const auto flat_body = builder.CreateVector(unsigned_bytes(body), body.size());
  const auto flat_signature = builder.CreateVector(signature.data(), signature.size());
  return finish(builder, fb::CreateSigned(builder, flat_body, flat_signature));
}

rt::Result<std::string> open_signed(std::string_view topic, std::string_view message,
                                    const PublicKey& key) {
  const auto parts = take_apart(message);
  if (!parts) return parts.error();
  const std::string text = signed_text(topic, parts->body);
  if (crypto_sign_verify_detached(parts->signature.data(), unsigned_bytes(text), text.size(),
                                  key.data()) != 0) {
    return rt::Error{rt::Errc::kDenied, "opening a signed message: not signed by this key"};
  }
  return parts->body;
}

rt::Result<std::string> peek_signed_body(std::string_view message) {
  auto parts = take_apart(message);
  if (!parts) return parts.error();
  return std::move(parts->body);
}

}  // namespace fieldpost::wire

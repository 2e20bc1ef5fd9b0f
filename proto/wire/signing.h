#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/random.h"
#include "proto/rt/result.h"

/// Ed25519 (RFC 8032) by libsodium over what the coordinator sends to nodes.
namespace fieldpost::wire {

using PublicKey = std::array<std::uint8_t, 32>;

/// The coordinator's key. Never printed.
class SigningKey {
 public:
  static SigningKey make(rt::Random& random);
  /// kInvalid unless it is what `seed_hex` returned.
  static rt::Result<SigningKey> from_seed_hex(std::string_view hex);
  [[nodiscard]] std::string seed_hex() const;  ///< 64 hex digits, secret
  [[nodiscard]] const PublicKey& public_key() const { return public_; }
  /// The bytes of a `Signed` message for `topic`.
  [[nodiscard]] std::string seal(std::string_view topic, std::string_view body) const;

 private:
  std::array<std::uint8_t, 64> secret_{};
  PublicKey public_{};
};

/// The body of a `Signed` message. kCorrupt: not such a message; kDenied: not signed by `key` for
/// this topic.
rt::Result<std::string> open_signed(std::string_view topic, std::string_view message,
                                    const PublicKey& key);

/// The body without a look at the signature: to show it, never to act on it.
rt::Result<std::string> peek_signed_body(std::string_view message);

}  // namespace fieldpost::wire

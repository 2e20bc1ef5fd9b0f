#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fieldpost::wire {

/// SHA-256 (FIPS 180-4): what a body is known by.
struct Sha256Digest {
  std::array<std::uint8_t, 32> value{};
  auto operator<=>(const Sha256Digest&) const = default;
  [[nodiscard]] std::string hex() const;    ///< 64 lower-case digits
  [[nodiscard]] std::string bytes() const;  ///< 32 bytes
  /// nullopt unless there are 32 bytes, or 64 lower-case hex digits.
  static std::optional<Sha256Digest> from_bytes(std::string_view bytes);
  static std::optional<Sha256Digest> from_hex(std::string_view hex);
};

[[nodiscard]] Sha256Digest sha256(std::string_view bytes);

/// The same of what comes in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(std::string_view bytes);
  /// Of all that was added; more may be added afterwards.
  [[nodiscard]] Sha256Digest digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fieldpost::wire

#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// The bytes of the readings codec: little-endian words, LEB128 varints, zig-zag.
namespace fieldpost::wire::codec {

static_assert(std::endian::native == std::endian::little);

[[nodiscard]] constexpr std::uint64_t zigzag(std::uint64_t value) {
  return (value << 1) ^ (~(value >> 63) + 1);
}
[[nodiscard]] constexpr std::uint64_t unzigzag(std::uint64_t value) {
  return (value >> 1) ^ (~(value & 1) + 1);
}

inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

inline void put_u64(std::string& out, std::uint64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// What a column's encoding goes into: few bytes that look alike from column to column, and many
/// that do not.
struct Sinks {
  std::string heads;
  std::string bodies;
};

/// Reads until it fails; from then on everything is zero and `ok()` is false.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

  std::uint8_t byte() {
    const std::string_view one = take(1);
    return one.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(one[0]);
  }

  std::uint64_t u64() {
    std::uint64_t value = 0;
    const std::string_view bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  /// Fails on more than ten bytes and on bits beyond the 64th.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < rest_.size() && i < 10; ++i) {
      const auto byte = static_cast<std::uint8_t>(rest_[i]);
      if (i == 9 && byte > 1) break;
      value |= std::uint64_t{byte & 0x7fu} << (7 * i);
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return value;
      }
    }
    fail();
    return 0;
  }

  /// A count of things; fails above `most`.
  std::size_t count(std::size_t most) {
    const std::uint64_t value = varint();
    if (value > most) fail();
    return ok_ ? static_cast<std::size_t>(value) : 0;
  }

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) fail();
    if (!ok_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace fieldpost::wire::codec

#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

/// Bits from the least significant upwards, as the Rice blocks use them.
namespace fieldpost::wire::codec {

[[nodiscard]] constexpr std::uint64_t low_bits(std::uint64_t value, unsigned count) {
  return count >= 64 ? value : value & ((std::uint64_t{1} << count) - 1);
}

class BitWriter {
 public:
  static constexpr unsigned kPutMax = 56;

  explicit BitWriter(std::string& out) : out_(&out) {}
  /// The last byte's unused bits are zero.
  ~BitWriter() {
    if (held_ > 0) gathered_[size_++] = static_cast<char>(bits_);
    out_->append(gathered_, size_);
  }
  BitWriter(const BitWriter&) = delete;
  BitWriter& operator=(const BitWriter&) = delete;

  /// `value` has no bits beyond `count`, which is at most kPutMax.
  void put(std::uint64_t value, unsigned count) {
    bits_ |= value << held_;
    held_ += count;
    if (held_ < 8) return;
    std::memcpy(gathered_ + size_, &bits_, sizeof bits_);
    size_ += held_ / 8;
    bits_ >>= held_ & ~7u;
    held_ &= 7;
    if (size_ > kGatheredMax) flush();
  }

  void put_wide(std::uint64_t value, unsigned count) {
    const unsigned low = count < 32 ? count : 32;
    put(low_bits(value, low), low);
    if (count > 32) put(value >> 32, count - 32);
  }

 private:
  static constexpr std::size_t kGatheredMax = 512;

  void flush() {
    out_->append(gathered_, size_);
    size_ = 0;
  }

  std::string* out_;
  std::uint64_t bits_ = 0;
  unsigned held_ = 0;
  std::size_t size_ = 0;
  char gathered_[kGatheredMax + 2 * sizeof(std::uint64_t)];  ///< the first size_ bytes
};

/// Beyond the end bits are zero and `overrun` is true.
class BitReader {
 public:
  static constexpr unsigned kPeekBits = 57;  ///< that `peek` surely holds

  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  [[nodiscard]] std::uint64_t peek() const {
    const std::size_t at = position_ / 8;
    std::uint64_t word = 0;
    if (at + sizeof word <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + at, sizeof word);
    } else if (at < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + at, bytes_.size() - at);
    }
    return word >> (position_ % 8);
  }
  void skip(unsigned count) { position_ += count; }

  std::uint64_t take(unsigned count) {  ///< at most kPeekBits
    const std::uint64_t value = low_bits(peek(), count);
    skip(count);
    return value;
  }
  std::uint64_t take_wide(unsigned count) {
    const unsigned low = count < 32 ? count : 32;
    const std::uint64_t value = take(low);
    return count > 32 ? value | take(count - 32) << 32 : value;
  }

  [[nodiscard]] bool overrun() const { return bytes_used() > bytes_.size(); }
  [[nodiscard]] std::size_t bytes_used() const { return (position_ + 7) / 8; }

 private:
  std::string_view bytes_;
  std::size_t position_ = 0;
};

}  // namespace fieldpost::wire::codec

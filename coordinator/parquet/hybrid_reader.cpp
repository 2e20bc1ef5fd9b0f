#include "coordinator/parquet/hybrid_reader.h"

#include <algorithm>

#include "proto/wire/codec_bits.h"
#include "proto/wire/codec_bytes.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr unsigned kBitWidthMax = 32;
constexpr std::size_t kGroup = 8;  // values that are packed together

template <typename T>
void unpack(std::string_view bytes, unsigned bit_width, std::span<T> out) {
  wire::codec::BitReader bits(bytes);
  for (T& value : out) value = static_cast<T>(bits.take(bit_width));
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= std::uint64_t{static_cast<std::uint8_t>(bytes[i])} << (8 * i);
  }
  return value;
}

}  // namespace

template <typename T>
bool read_hybrid(std::string_view bytes, unsigned bit_width, std::span<T> out) {
  if (bit_width > kBitWidthMax) return false;
  wire::codec::ByteReader reader(bytes);
  while (!out.empty()) {
    const std::uint64_t head = reader.varint();
    const std::uint64_t length = head >> 1;
    if (!reader.ok() || length == 0 || length > UINT32_MAX) return false;
    const bool is_packed = (head & 1) != 0;
    const std::uint64_t values = is_packed ? length * kGroup : length;
    const auto now = out.first(std::min<std::uint64_t>(values, out.size()));
    if (is_packed) {
      unpack(reader.take(length * bit_width), bit_width, now);
    } else {
      const std::uint64_t value = little_endian(reader.take((bit_width + 7) / 8));
      if (value >> bit_width != 0) return false;
      std::ranges::fill(now, static_cast<T>(value));
    }
    if (!reader.ok()) return false;
    out = out.subspan(now.size());
  }
  return true;
}

template bool read_hybrid(std::string_view, unsigned, std::span<std::uint8_t>);
template bool read_hybrid(std::string_view, unsigned, std::span<std::uint64_t>);

bool read_bits(std::string_view bytes, std::span<std::uint64_t> out) {
  if (out.size() > bytes.size() * 8) return false;
  unpack(bytes, 1, out);
  return true;
}

}  // namespace fieldpost::coordinator::parquet

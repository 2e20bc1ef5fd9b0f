#include "proto/wire/codec_rice.h"

#include <algorithm>

#include "proto/wire/codec_bits.h"

namespace fieldpost::wire::codec {
namespace {

using Block = std::span<const std::uint64_t>;

constexpr unsigned kCodeBits = 8;      ///< before each block
constexpr unsigned kRiceMax = 48;      ///< codes 0 … 48: that many low bits
constexpr unsigned kCodeWide = 64;     ///< all 64 bits of each value
constexpr unsigned kCodeZero = 255;    ///< nothing but zeros
constexpr unsigned kEscapeZeros = 16;  ///< so many zeros announce a value in 64 bits

struct BlockPlan {
  unsigned code = kCodeZero;
  std::size_t bits = 0;
};

std::size_t rice_bits(Block block, unsigned low) {
  std::size_t bits = block.size() * (1 + low);
  for (const std::uint64_t value : block) {
    const std::uint64_t high = value >> low;
    bits += high < kEscapeZeros ? static_cast<std::size_t>(high)
                                : std::size_t{kEscapeZeros + 64 - 1 - low};
  }
  return bits;
}

/// A parameter near the best: from the mean downwards while it helps.
BlockPlan plan(Block block) {
  constexpr std::uint64_t kTermMax = ~std::uint64_t{0} / kBlockValues;
  std::uint64_t sum = 0;
  for (const std::uint64_t value : block) sum += std::min(value, kTermMax);
  if (sum == 0) return {};
  const std::uint64_t mean = sum / block.size();
  unsigned low = std::min(static_cast<unsigned>(std::bit_width(mean)), kRiceMax);
  BlockPlan best{low, rice_bits(block, low)};
  while (low > 0) {
    const BlockPlan next{low - 1, rice_bits(block, low - 1)};
    if (next.bits >= best.bits) break;
    best = next;
    --low;
  }
  return best.bits < block.size() * 64 ? best : BlockPlan{kCodeWide, block.size() * 64};
}

void put_one(BitWriter& out, std::uint64_t value, unsigned low) {
  const std::uint64_t high = value >> low;
  if (high >= kEscapeZeros) {
    out.put(0, kEscapeZeros);
    return out.put_wide(value, 64);
  }
  const auto zeros = static_cast<unsigned>(high);
  if (zeros + 1 + low <= BitWriter::kPutMax) {
    return out.put((std::uint64_t{1} | low_bits(value, low) << 1) << zeros, zeros + 1 + low);
  }
  out.put(std::uint64_t{1} << zeros, zeros + 1);
  out.put(low_bits(value, low), low);
}

void put_block(BitWriter& out, Block block) {
  const unsigned code = plan(block).code;
  out.put(code, kCodeBits);
  if (code == kCodeZero) return;
  for (const std::uint64_t value : block) {
    if (code == kCodeWide) {
      out.put_wide(value, 64);
    } else {
      put_one(out, value, code);
    }
  }
}

/// The first values of `block`, as far as one look ahead has them whole. 0: the next one is escaped
/// or too wide for that.
std::size_t take_some(BitReader& in, unsigned low, std::span<std::uint64_t> block) {
  const unsigned longest = kEscapeZeros + low;  // the longest that is not escaped
  std::uint64_t ahead = in.peek();
  unsigned left = BitReader::kPeekBits;
  std::size_t count = 0;
  for (; count < block.size() && left >= longest; ++count) {
    const auto zeros = static_cast<unsigned>(std::countr_zero(ahead));
    if (zeros >= kEscapeZeros) break;
    ahead >>= zeros + 1;
    block[count] = std::uint64_t{zeros} << low | low_bits(ahead, low);
    ahead >>= low;
    left -= zeros + 1 + low;
  }
  in.skip(BitReader::kPeekBits - left);
  return count;
}

std::uint64_t take_one(BitReader& in, unsigned low) {
  const auto zeros = static_cast<unsigned>(std::countr_zero(in.peek()));
  if (zeros >= kEscapeZeros) {
    in.skip(kEscapeZeros);
    return in.take_wide(64);
  }
  in.skip(zeros + 1);
  return std::uint64_t{zeros} << low | in.take(low);
}

bool take_block(BitReader& in, std::span<std::uint64_t> block) {
  const auto code = static_cast<unsigned>(in.take(kCodeBits));
  if (code == kCodeZero) {
    std::fill(block.begin(), block.end(), 0);
    return true;
  }
  if (code == kCodeWide) {
    for (std::uint64_t& value : block) value = in.take_wide(64);
    return !in.overrun();
  }
  if (code > kRiceMax) return false;
  while (!block.empty()) {
    block = block.subspan(take_some(in, code, block));
    if (block.empty()) break;
    block.front() = take_one(in, code);
    block = block.subspan(1);
  }
  return !in.overrun();
}

}  // namespace

void put_rice(std::string& out, std::span<const std::uint64_t> values) {
  BitWriter bits(out);
  for (std::size_t at = 0; at < values.size(); at += kBlockValues) {
    put_block(bits, values.subspan(at, std::min(kBlockValues, values.size() - at)));
  }
}

void take_rice(ByteReader& in, std::span<std::uint64_t> values) {
  BitReader bits(in.rest());
  for (std::size_t at = 0; at < values.size(); at += kBlockValues) {
    const auto block = values.subspan(at, std::min(kBlockValues, values.size() - at));
    if (!take_block(bits, block)) return in.fail();
  }
  static_cast<void>(in.take(bits.bytes_used()));
}

}  // namespace fieldpost::wire::codec

#include "coordinator/parquet/delta.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "proto/rt/result.h"
#include "proto/wire/codec_bits.h"
#include "proto/wire/codec_bytes.h"

namespace fieldpost::coordinator::parquet {
namespace {

constexpr std::size_t kBlock = 128;
constexpr std::size_t kMiniblocks = 4;
constexpr std::size_t kMiniblock = kBlock / kMiniblocks;

using Block = std::array<std::uint64_t, kBlock>;

std::uint64_t less(std::int64_t a, std::int64_t b) {
  return static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b);
}

unsigned width_of(std::span<const std::uint64_t> values) {
  std::uint64_t bits = 0;
  for (const std::uint64_t value : values) bits |= value;
  return static_cast<unsigned>(std::bit_width(bits));
}

void put_packed(std::string& out, std::span<const std::uint64_t> values, unsigned width) {
  wire::codec::BitWriter bits(out);
  for (const std::uint64_t value : values) bits.put_wide(value, width);
}

/// The first `count` of the block are differences less `least`, the rest zero. Miniblocks without
/// any have a width but no bytes.
void put_block(std::string& out, const Block& block, std::size_t count, std::int64_t least) {
  wire::codec::put_varint(out, wire::codec::zigzag(static_cast<std::uint64_t>(least)));
  const std::span all(block);
  std::array<unsigned, kMiniblocks> widths{};
  for (std::size_t i = 0; i < kMiniblocks; ++i) {
    widths[i] = width_of(all.subspan(i * kMiniblock, kMiniblock));
    out += static_cast<char>(widths[i]);
  }
  for (std::size_t i = 0; i * kMiniblock < count; ++i) {
    put_packed(out, all.subspan(i * kMiniblock, kMiniblock), widths[i]);
  }
}

}  // namespace

void put_delta(std::string& out, std::span<const std::int64_t> values) {
  FP_CHECK(!values.empty());
  wire::codec::put_varint(out, kBlock);
  wire::codec::put_varint(out, kMiniblocks);
  wire::codec::put_varint(out, values.size());
  wire::codec::put_varint(out, wire::codec::zigzag(static_cast<std::uint64_t>(values[0])));
  for (std::size_t at = 1; at < values.size(); at += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - at);
    Block block{};
    std::int64_t least = INT64_MAX;
    for (std::size_t i = 0; i < count; ++i) {
      block[i] = less(values[at + i], values[at + i - 1]);
      least = std::min(least, static_cast<std::int64_t>(block[i]));
    }
    for (std::size_t i = 0; i < count; ++i) block[i] -= static_cast<std::uint64_t>(least);
    put_block(out, block, count, least);
  }
}

}  // namespace fieldpost::coordinator::parquet

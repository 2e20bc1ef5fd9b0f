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
constexpr std::size_t kBlockMax = 1 << 16;  // of other writers
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

class DeltaReader {
 public:
  explicit DeltaReader(wire::codec::ByteReader& reader) : reader_(&reader) {}

  void read(std::span<std::uint64_t> out) {
    const std::size_t block = reader_->count(kBlockMax);
    const std::size_t miniblocks = reader_->count(block / kMiniblock);
    const bool is_sound = block > 0 && block % kBlock == 0 && miniblocks > 0 &&
                          block % (miniblocks * kMiniblock) == 0;
    if (!is_sound || reader_->varint() != out.size()) return reader_->fail();
    const std::uint64_t first = wire::codec::unzigzag(reader_->varint());
    if (out.empty()) return;
    out[0] = last_ = first;
    for (out = out.subspan(1); !out.empty() && reader_->ok();) {
      out = read_block(out, miniblocks, block / miniblocks);
    }
  }

 private:
  /// What of `out` is left.
  std::span<std::uint64_t> read_block(std::span<std::uint64_t> out, std::size_t miniblocks,
                                      std::size_t size) {
    const std::uint64_t least = wire::codec::unzigzag(reader_->varint());
    const std::string_view widths = reader_->take(miniblocks);
    for (std::size_t i = 0; i < widths.size() && !out.empty(); ++i) {
      const auto now = out.first(std::min(size, out.size()));
      const auto width = static_cast<std::uint8_t>(widths[i]);
      if (width > 64) reader_->fail();
      unpack(reader_->take(size / 8 * width), width, least, now);
      out = out.subspan(now.size());
    }
    return out;
  }

  void unpack(std::string_view bytes, unsigned width, std::uint64_t least,
              std::span<std::uint64_t> out) {
    wire::codec::BitReader bits(bytes);
    for (std::uint64_t& value : out) value = last_ += bits.take_wide(width) + least;
  }

  wire::codec::ByteReader* reader_;
  std::uint64_t last_ = 0;
};

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

void read_delta(wire::codec::ByteReader& reader, std::span<std::uint64_t> out) {
  DeltaReader(reader).read(out);
}

}  // namespace fieldpost::coordinator::parquet

#include "proto/wire/codec_floats.h"

#include <algorithm>
#include <array>
#include <bit>

namespace fieldpost::wire::codec {
namespace {

constexpr std::array<double, kScaleMax + 1> kPowersOfTen = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr double kWholeMax = 9007199254740992.0;  // 2^53
constexpr std::size_t kSampleValues = 32;
constexpr unsigned kExceptionBits = 28;  ///< what one costs, roughly
constexpr unsigned kNoScale = kScaleMax + 1;

constexpr std::uint8_t kSameAsBefore = 0x40;

bool fits(std::uint64_t bits, unsigned scale) {
  const auto whole = scale_up(bits, scale);
  return whole && scale_down(*whole, scale) == bits;
}

/// The smallest scale that gives the same bits, looked for from `hint`; kNoScale for none.
unsigned scale_of(std::uint64_t bits, unsigned hint) {
  if (!fits(bits, hint)) {
    for (unsigned scale = 0; scale <= kScaleMax; ++scale) {
      if (fits(bits, scale)) return scale;
    }
    return kNoScale;
  }
  while (hint > 0 && fits(bits, hint - 1)) --hint;
  return hint;
}

/// So that the sample does not beat with a period in the values.
std::size_t jitter(unsigned sample) {
  return (std::uint64_t{sample} * 0x9e3779b97f4a7c15) >> 40;
}

}  // namespace

std::optional<std::uint64_t> scale_up(std::uint64_t bits, unsigned scale) {
  const double scaled = std::bit_cast<double>(bits) * kPowersOfTen[scale];
  if (!(scaled > -kWholeMax && scaled < kWholeMax)) return std::nullopt;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5)));
}

std::uint64_t scale_down(std::uint64_t whole, unsigned scale) {
  const auto value = static_cast<double>(static_cast<std::int64_t>(whole));
  return std::bit_cast<std::uint64_t>(value / kPowersOfTen[scale]);
}

void scale_down(std::span<std::uint64_t> wholes, unsigned scale) {
  for (std::uint64_t& whole : wholes) whole = scale_down(whole, scale);
}

std::optional<unsigned> common_scale(std::span<const std::uint64_t> values) {
  std::array<unsigned, kNoScale + 1> seen = {};
  const std::size_t stride = (values.size() + kSampleValues - 1) / kSampleValues;
  unsigned hint = 0;
  unsigned sampled = 0;
  for (std::size_t at = 0; at < values.size(); at += stride, ++sampled) {
    const std::size_t index = at + jitter(sampled) % stride;
    const unsigned scale = scale_of(values[std::min(index, values.size() - 1)], hint);
    seen[scale] += 1;
    if (scale != kNoScale) hint = scale;
  }
  unsigned best = kNoScale;
  unsigned best_tenth_bits = 0;
  unsigned below = 0;
  for (unsigned scale = 0; scale <= kScaleMax; ++scale) {
    below += seen[scale];
    if (seen[scale] == 0) continue;
    const unsigned tenth_bits = below * scale * 33 + (sampled - below) * kExceptionBits * 10;
    if (best != kNoScale && tenth_bits >= best_tenth_bits) continue;
    best = scale;
    best_tenth_bits = tenth_bits;
  }
  if (best == kNoScale) return std::nullopt;
  return best;
}

/// One byte a value: leading zero bytes × 8 + trailing zero bytes, or kSameAsBefore; then the bytes
/// between.
void put_xor(std::string& out, std::span<const std::uint64_t> values) {
  std::string middle;
  std::uint64_t last = 0;
  for (const std::uint64_t value : values) {
    const std::uint64_t change = value ^ last;
    last = value;
    if (change == 0) {
      out += static_cast<char>(kSameAsBefore);
      continue;
    }
    const auto leading = static_cast<unsigned>(std::countl_zero(change)) / 8;
    const auto trailing = static_cast<unsigned>(std::countr_zero(change)) / 8;
    out += static_cast<char>(leading * 8 + trailing);
    const std::uint64_t kept = change >> (trailing * 8);
    char bytes[sizeof kept];
    std::memcpy(bytes, &kept, sizeof kept);
    middle.append(bytes, 8 - leading - trailing);
  }
  out += middle;
}

void take_xor(ByteReader& in, std::span<std::uint64_t> values) {
  const std::string_view controls = in.take(values.size());
  if (!in.ok()) return;
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto control = static_cast<std::uint8_t>(controls[i]);
    const unsigned leading = control / 8;
    const unsigned trailing = control % 8;
    if (control > kSameAsBefore || (control < kSameAsBefore && leading + trailing > 7)) {
      return in.fail();
    }
    if (control < kSameAsBefore) {
      std::uint64_t kept = 0;
      const std::string_view bytes = in.take(8 - leading - trailing);
      if (!in.ok()) return;
      std::memcpy(&kept, bytes.data(), bytes.size());
      last ^= kept << (trailing * 8);
    }
    values[i] = last;
  }
}

}  // namespace fieldpost::wire::codec

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "proto/wire/codec_bytes.h"

/// Doubles as whole numbers over a power of ten where that gives the same bits, and as XOR with the
/// value before where it does not ([codec-8]).
namespace fieldpost::wire::codec {

inline constexpr unsigned kScaleMax = 15;

/// The whole number nearest to value × 10^scale; none when a double would not hold it exactly.
[[nodiscard]] std::optional<std::uint64_t> scale_up(std::uint64_t bits, unsigned scale);
/// The bits of whole / 10^scale: what a reader computes.
[[nodiscard]] std::uint64_t scale_down(std::uint64_t whole, unsigned scale);
void scale_down(std::span<std::uint64_t> wholes, unsigned scale);  ///< each, in place
/// The scale that most of the values need, judged by a sample; none when most are no decimals.
[[nodiscard]] std::optional<unsigned> common_scale(std::span<const std::uint64_t> values);

void put_xor(std::string& out, std::span<const std::uint64_t> values);
void take_xor(ByteReader& in, std::span<std::uint64_t> values);

}  // namespace fieldpost::wire::codec

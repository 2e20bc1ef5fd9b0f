#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "proto/wire/codec_bytes.h"

/// Zig-zagged residuals as Rice codes in blocks of 128, each block with the parameter that suits it
/// ([codec-6]). Close to the entropy of what sensors' noise and random walks leave.
namespace fieldpost::wire::codec {

inline constexpr std::size_t kBlockValues = 128;

void put_rice(std::string& out, std::span<const std::uint64_t> values);
/// Fails `in` when it ends too soon or a block has no known code.
void take_rice(ByteReader& in, std::span<std::uint64_t> values);

}  // namespace fieldpost::wire::codec

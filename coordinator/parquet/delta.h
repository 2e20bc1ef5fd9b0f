#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "proto/wire/codec_bytes.h"

/// DELTA_BINARY_PACKED (Encodings.md of parquet-format): the first value, then blocks of
/// differences less the block's smallest, each 32 of them packed with as many bits as they need.
/// Differences wrap around, so that any 64 bits survive.
namespace fieldpost::coordinator::parquet {

/// Appends the values, at least one.
void put_delta(std::string& out, std::span<const std::int64_t> values);

/// Fills `out`; the reader has failed when the bytes hold anything but as many values. Blocks of
/// any size that the format allows.
void read_delta(wire::codec::ByteReader& reader, std::span<std::uint64_t> out);

}  // namespace fieldpost::coordinator::parquet

#pragma once

#include <cstdint>
#include <span>
#include <string>

/// DELTA_BINARY_PACKED (Encodings.md of parquet-format): the first value, then blocks of
/// differences less the block's smallest, each 32 of them packed with as many bits as they need.
/// Differences wrap around, so that any 64 bits survive.
namespace fieldpost::coordinator::parquet {

/// Appends the values, at least one.
void put_delta(std::string& out, std::span<const std::int64_t> values);

}  // namespace fieldpost::coordinator::parquet

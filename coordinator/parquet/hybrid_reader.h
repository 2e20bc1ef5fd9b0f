#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace fieldpost::coordinator::parquet {

/// Fills `out` with what put_hybrid wrote, of `bit_width` bits each (0 to 32). False when the bytes
/// end before, or a value has more bits; bytes that are left over do not matter.
template <typename T>
[[nodiscard]] bool read_hybrid(std::string_view bytes, unsigned bit_width, std::span<T> out);

/// PLAIN booleans, one bit each.
[[nodiscard]] bool read_bits(std::string_view bytes, std::span<std::uint64_t> out);

}  // namespace fieldpost::coordinator::parquet

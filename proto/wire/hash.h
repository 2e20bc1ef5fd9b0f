#pragma once

#include <cstdint>
#include <string_view>

#include "proto/wire/ids.h"

namespace fieldpost::wire {

/// BLAKE2b with 16 bytes of output (RFC 7693). Thread-safe.
[[nodiscard]] Hash128 hash128(std::string_view bytes);

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4), with the CPU's instruction where there is one.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

/// The same without the instruction: what a CPU that lacks it runs.
[[nodiscard]] std::uint32_t crc32c_by_table(std::string_view bytes);

}  // namespace fieldpost::wire

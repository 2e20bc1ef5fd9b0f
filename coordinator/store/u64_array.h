#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace fieldpost::coordinator {

/// Numbers in a BLOB: 8 bytes each, little endian.
inline void append_u64(std::string& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) out.push_back(static_cast<char>(value >> shift));
}

/// `index` counts numbers, not bytes; it must be inside.
[[nodiscard]] inline std::uint64_t u64_at(std::string_view bytes, std::size_t index) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[index * 8 + i]))
             << (8 * i);
  }
  return value;
}

}  // namespace fieldpost::coordinator

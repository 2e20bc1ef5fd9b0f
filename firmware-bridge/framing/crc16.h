#pragma once

#include <cstdint>
#include <string_view>

namespace fieldpost::bridge {

/// CRC-16/MCRF4XX: reflected polynomial 0x8408, initial value 0xffff, nothing xored at the end; of
/// "123456789" 0x6f91.
[[nodiscard]] std::uint16_t crc16(std::string_view bytes);

}  // namespace fieldpost::bridge

#include "firmware-bridge/framing/crc16.h"

#include <array>

namespace fieldpost::bridge {
namespace {

constexpr std::array<std::uint16_t, 256> make_table() {
  std::array<std::uint16_t, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    unsigned crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0x8408U : crc >> 1U;
    table[i] = static_cast<std::uint16_t>(crc);
  }
  return table;
}

constexpr auto kTable = make_table();

}  // namespace

std::uint16_t crc16(std::string_view bytes) {
  std::uint16_t crc = 0xffff;
  for (const char c : bytes) {
    const auto index = static_cast<std::uint8_t>(crc ^ static_cast<unsigned char>(c));
    crc = static_cast<std::uint16_t>((crc >> 8U) ^ kTable[index]);
  }
  return crc;
}

}  // namespace fieldpost::bridge

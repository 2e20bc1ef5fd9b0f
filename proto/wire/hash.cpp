#include "proto/wire/hash.h"

#include <sodium.h>

#include <array>
#include <cstring>

#include "proto/rt/result.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace fieldpost::wire {
namespace {

constexpr std::uint32_t kCastagnoliReflected = 0x82f63b78;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? (crc >> 1) ^ kCastagnoliReflected : crc >> 1;
    }
    table[byte] = crc;
  }
  return table;
}

constexpr auto kTable = make_table();

std::uint64_t load_u64(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

#if defined(__x86_64__)

bool has_instruction() {
  return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::uint32_t crc,
                                                               std::string_view bytes) {
  std::uint64_t wide = crc;
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    wide = _mm_crc32_u64(wide, load_u64(bytes.data()));
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const char byte : bytes) crc = _mm_crc32_u8(crc, static_cast<std::uint8_t>(byte));
  return crc;
}

#elif defined(__aarch64__)

bool has_instruction() {
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
}

__attribute__((target("+crc"))) std::uint32_t by_instruction(std::uint32_t crc,
                                                             std::string_view bytes) {
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) crc = __crc32cd(crc, load_u64(bytes.data()));
  for (const char byte : bytes) crc = __crc32cb(crc, static_cast<std::uint8_t>(byte));
  return crc;
}

#else

bool has_instruction() {
  return false;
}

std::uint32_t by_instruction(std::uint32_t crc, std::string_view) {
  return crc;
}

#endif

}  // namespace

Hash128 hash128(std::string_view bytes) {
  std::array<char, 16> out{};
  const int failed = crypto_generichash_blake2b(
      reinterpret_cast<unsigned char*>(out.data()), out.size(),
      reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr, 0);
  FP_CHECK(failed == 0);
  return Hash128::from_bytes({out.data(), out.size()});
}

std::uint32_t crc32c_by_table(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  }
  return ~crc;
}

std::uint32_t crc32c(std::string_view bytes) {
  if (!has_instruction()) return crc32c_by_table(bytes);
  return ~by_instruction(~std::uint32_t{0}, bytes);
}

}  // namespace fieldpost::wire

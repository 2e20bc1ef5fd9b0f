#include <doctest/doctest.h>

#include <numeric>
#include <string>

#include "proto/wire/hash.h"
#include "proto/wire/ids.h"

namespace fieldpost::wire {
namespace {

std::string counting(char first, int step) {
  std::string out(32, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(first + step * static_cast<int>(i));
  }
  return out;
}

std::uint32_t both(std::string_view bytes) {
  CHECK(crc32c(bytes) == crc32c_by_table(bytes));
  return crc32c(bytes);
}

}  // namespace

TEST_CASE("CRC-32C agrees with RFC 3720 appendix B.4, by instruction and by table") {
  CHECK(both(std::string(32, '\0')) == 0x8a9136aa);
  CHECK(both(std::string(32, '\xff')) == 0x62a8ab43);
  CHECK(both(counting(0, 1)) == 0x46dd794e);
  CHECK(both(counting(31, -1)) == 0x113fdb5c);
  CHECK(both("123456789") == 0xe3069283);
  CHECK(both("") == 0);
}

TEST_CASE("CRC-32C by instruction and by table agree at every length and alignment") {
  std::string bytes(200, '\0');
  std::iota(bytes.begin(), bytes.end(), '\x07');
  for (std::size_t from = 0; from < 9; ++from) {
    for (std::size_t size = 0; size + from <= bytes.size(); ++size) {
      const auto part = std::string_view(bytes).substr(from, size);
      REQUIRE(crc32c(part) == crc32c_by_table(part));
    }
  }
}

TEST_CASE("hash128 is BLAKE2b with 16 bytes of output") {
  CHECK(hash128("").hex() == "cae66941d9efbd404e4d88758ea67670");
  CHECK(hash128("abc").hex() == "cf4ab791c62b8d2b2109c90275287816");
}

TEST_CASE("ids are read as they are written, and nothing else is one") {
  const Id128 id{0x0123456789abcdef, 0xfedcba9876543210};
  CHECK(Id128::from_hex(id.hex()) == id);
  CHECK_FALSE(Id128::from_hex(id.hex() + "0").has_value());
  CHECK_FALSE(Id128::from_hex(id.hex().substr(1)).has_value());
  CHECK_FALSE(Id128::from_hex(std::string(32, 'A')).has_value());
}

}  // namespace fieldpost::wire

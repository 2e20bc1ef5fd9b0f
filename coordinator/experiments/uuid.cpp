#include "coordinator/experiments/uuid.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::coordinator {
namespace {

std::string uuid_text(wire::Id128 bits, std::uint64_t version) {
  bits.hi = (bits.hi & ~0xf000ULL) | (version << 12U);
  bits.lo = (bits.lo & ~(3ULL << 62U)) | (2ULL << 62U);
  const std::string hex = bits.hex();
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace

std::string make_uuid(rt::Random& random) {
  return uuid_text({random.next_id(), random.next_id()}, 4);
}

std::string uuid_of(const wire::Hash128& hash) {
  return uuid_text(hash, 8);
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "00000000-0000-0000-0000-000000000000";
  const auto fits = [](char shape, char c) {
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    return shape == '-' ? c == '-' : is_digit;
  };
  return std::equal(kShape.begin(), kShape.end(), text.begin(), text.end(), fits);
}

}  // namespace fieldpost::coordinator

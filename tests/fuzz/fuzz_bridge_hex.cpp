// What is parsed, written as Intel HEX again, parses to the same, and its pages hold it.
#include <cstdint>
#include <string>
#include <string_view>

#include "firmware-bridge/flash/avr_parts.h"
#include "firmware-bridge/flash/intel_hex.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fieldpost::bridge;  // NOLINT: what is tested
  constexpr std::uint32_t kPageBytes = 128;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto image = parse_intel_hex(text);
  if (!image) {
    FP_CHECK(!image.error().message.empty());
    return 0;
  }
  FP_CHECK(image->end() <= FlashImage::kBytesMax && image->size() <= image->end());
  const auto again = parse_intel_hex(format_intel_hex(*image));
  FP_CHECK(again.has_value());
  FP_CHECK(again->ranges() == image->ranges() && again->sha256() == image->sha256());
  const FlashImage pages = pages_to_write(*image, FlashImage(), kPageBytes);
  FP_CHECK(!first_difference(*image, pages));
  FP_CHECK(pages_to_write(*image, pages, kPageBytes).size() == 0);
  FP_CHECK(same_pages(pages, FlashImage(), kPageBytes).is_blank());
  const auto part = find_avr_part("atmega2560");
  FP_CHECK(part.has_value());
  if (check_image(*image, *part, "wiring")) FP_CHECK(!image->is_blank());
  return 0;
}

#include "firmware-bridge/flash/board_content.h"

#include <cstddef>
#include <string>

namespace fieldpost::bridge {
namespace {

/// One page may always be torn, and of those that are known one more for each so many.
constexpr std::size_t kKnownForEachTorn = 4;

std::string bytes_below(const FlashImage& image, std::uint32_t end) {
  std::string bytes = image.below(end).flat();
  bytes.resize(end, static_cast<char>(kErased));
  return bytes;
}

}  // namespace

BoardContent judge_content(const FlashImage& found, const FlashImage& old, const FlashImage& write,
                           const AvrPart& part, std::string_view programmer) {
  const std::uint32_t end = application_end(part, programmer);
  const FlashImage there = found.below(end);
  if (!first_difference(old, there) && !first_difference(there, old)) return BoardContent::kOld;
  const std::string is = bytes_below(there, end);
  const std::string was = bytes_below(old, end);
  const std::string will = bytes_below(write, end);
  const std::string erased(part.page_bytes, static_cast<char>(kErased));
  std::size_t known = 0;
  std::size_t torn = 0;
  for (std::uint32_t begin = 0; begin < end; begin += part.page_bytes) {
    const std::string_view page = std::string_view(is).substr(begin, part.page_bytes);
    const bool is_old = was.compare(begin, part.page_bytes, page) == 0;
    // A bootloader touches no page but those that are written.
    if (!is_old && is_bootloader(programmer) && !write.has(begin)) return BoardContent::kForeign;
    if (page == erased) continue;  // any board may have some
    if (is_old || will.compare(begin, part.page_bytes, page) == 0) {
      known += 1;
    } else {
      torn += 1;
    }
  }
  return torn > 1 + known / kKnownForEachTorn ? BoardContent::kForeign : BoardContent::kMixture;
}

}  // namespace fieldpost::bridge

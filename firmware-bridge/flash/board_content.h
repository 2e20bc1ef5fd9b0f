#pragma once

#include <cstdint>
#include <string_view>

#include "firmware-bridge/flash/avr_parts.h"
#include "firmware-bridge/flash/intel_hex.h"

namespace fieldpost::bridge {

/// What a board holds, seen from a flash of it that is not over.
enum class BoardContent : std::uint8_t {
  kOld,      ///< the old image, in every byte
  kMixture,  ///< pages of the old image, of the new one, and erased ones
  kForeign,  ///< neither: another board, or somebody else wrote to it
};

/// `found` was read from the board, `old` is what it held before, `write` what the flash writes.
/// Few pages may be anything: a cut tears the page that is being written, noise damages some.
/// Boards that are all erased, or hold the new image, are told from the flashed one by nothing:
/// kMixture.
[[nodiscard]] BoardContent judge_content(const FlashImage& found, const FlashImage& old,
                                         const FlashImage& write, const AvrPart& part,
                                         std::string_view programmer);

}  // namespace fieldpost::bridge

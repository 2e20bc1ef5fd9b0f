#pragma once

#include <cstdint>
#include <string_view>

#include "firmware-bridge/flash/intel_hex.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// A microcontroller that the bridge can flash.
struct AvrPart {
  std::string_view name;        ///< as avrdude calls it at length: "atmega328p"
  std::string_view short_name;  ///< and in short: "m328p"
  std::uint32_t flash_bytes = 0;
  std::uint32_t page_bytes = 0;
  std::uint32_t boot_bytes = 0;  ///< at the end, of the usual bootloader
};

/// By either name, in either case. kNotFound names those that there are.
rt::Result<AvrPart> find_avr_part(std::string_view name);

/// A programmer as avrdude calls it, in either case. kInvalid: it is none that is known to be a
/// bootloader or an ISP programmer; those that may be both are called by what they are.
rt::Status check_programmer(std::string_view name);
/// Whether this programmer is a bootloader in the flash it writes: it erases page by page, and must
/// not be written over. The others erase the whole chip first.
[[nodiscard]] bool is_bootloader(std::string_view programmer);
/// Where an image must end.
[[nodiscard]] std::uint32_t application_end(const AvrPart& part, std::string_view programmer);

/// Whether a board of that part would start with it. kInvalid: it is empty, too large or has
/// nothing at the reset vector.
rt::Status check_image(const FlashImage& image, const AvrPart& part, std::string_view programmer);

}  // namespace fieldpost::bridge

#include "firmware-bridge/flash/avr_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace fieldpost::bridge {
namespace {

constexpr std::uint32_t kKi = 1024;

// Sizes are those of the data sheets, bootloaders those of Arduino's boards and of Optiboot.
constexpr AvrPart kParts[] = {
    {"atmega8", "m8", 8 * kKi, 64, 1 * kKi},
    {"atmega168", "m168", 16 * kKi, 128, 2 * kKi},
    {"atmega168p", "m168p", 16 * kKi, 128, 2 * kKi},
    {"atmega328", "m328", 32 * kKi, 128, 512},
    {"atmega328p", "m328p", 32 * kKi, 128, 512},
    {"atmega328pb", "m328pb", 32 * kKi, 128, 512},
    {"atmega32u4", "m32u4", 32 * kKi, 128, 4 * kKi},
    {"atmega644p", "m644p", 64 * kKi, 256, 1 * kKi},
    {"atmega1280", "m1280", 128 * kKi, 256, 4 * kKi},
    {"atmega1284p", "m1284p", 128 * kKi, 256, 1 * kKi},
    {"atmega2560", "m2560", 256 * kKi, 256, 8 * kKi},
};

constexpr std::string_view kBootloaders[] = {"arduino", "avr109",       "avr911", "butterfly",
                                             "urclock", "butterfly_mk", "wiring", "xbee"};

constexpr std::uint32_t kVectorBytes = 2;  // the least: an instruction

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string all_names() {
  std::string out;
  for (const AvrPart& part : kParts) {
    if (!out.empty()) out += ", ";
    out += part.name;
  }
  return out;
}

}  // namespace

rt::Result<AvrPart> find_avr_part(std::string_view name) {
  const std::string wanted = lower(name);
  const auto* found = std::ranges::find_if(kParts, [&](const AvrPart& part) {
    return part.name == wanted || part.short_name == wanted;
  });
  if (found != std::end(kParts)) return *found;
  return rt::Error{rt::Errc::kNotFound,
                   fmt::format("part \"{}\" is not known; there are {}", name, all_names())};
}

bool is_bootloader(std::string_view programmer) {
  return std::ranges::find(kBootloaders, programmer) != std::end(kBootloaders);
}

std::uint32_t application_end(const AvrPart& part, std::string_view programmer) {
  return part.flash_bytes - (is_bootloader(programmer) ? part.boot_bytes : 0);
}

rt::Status check_image(const FlashImage& image, const AvrPart& part, std::string_view programmer) {
  if (image.is_blank()) return rt::Error{rt::Errc::kInvalid, "the image is empty"};
  const std::uint32_t end = application_end(part, programmer);
  if (image.end() > end) {
    return rt::Error{
        rt::Errc::kInvalid,
        fmt::format("the image ends at {} bytes, and {} has {} for it{}", image.end(), part.name,
                    end, is_bootloader(programmer) ? " beside its bootloader" : "")};
  }
  bool starts = false;
  for (std::uint32_t i = 0; i < kVectorBytes; ++i) starts = starts || image.at(i) != kErased;
  if (!starts) {
    return rt::Error{rt::Errc::kInvalid,
                     "the image has nothing at address 0, where the board starts: it was built for "
                     "another part or is a piece of one"};
  }
  return rt::ok();
}

}  // namespace fieldpost::bridge

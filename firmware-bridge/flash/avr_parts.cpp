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

constexpr std::string_view kBootloaders[] = {"arduino",     "avr109",  "avr911",
                                             "butterfly",   "urclock", "butterfly_mk",
                                             "mkbutterfly", "wiring",  "xbee"};
constexpr std::string_view kIspProgrammers[] = {
    "arduino_as_isp",    "arduinoisp", "arduinoisporg", "atmelice_isp", "avr910",      "avrisp",
    "avrisp2",           "avrispmkii", "avrispv2",      "buspirate",    "dragon_isp",  "jtag2isp",
    "jtag3isp",          "pavr",       "pickit2",       "pickit4_isp",  "snap_isp",    "stk600",
    "powerdebugger_isp", "usbasp",     "usbasp-clone",  "usbtiny",      "xplainedmini"};

/// Protocols that a bootloader speaks as well as a programmer: taken for the wrong one, the board's
/// bootloader is lost, or pages are written that were not erased.
struct Ambiguous {
  std::string_view name, bootloader, isp;
};
constexpr Ambiguous kAmbiguous[] = {{"stk500", "arduino", "avrisp"},
                                    {"stk500v1", "arduino", "avrisp"},
                                    {"stk500v2", "wiring", "avrispv2"}};

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

template <typename Names>
bool is_among(const Names& names, std::string_view name) {
  return std::ranges::find(names, lower(name)) != std::end(names);
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

rt::Status check_programmer(std::string_view name) {
  if (is_among(kBootloaders, name) || is_among(kIspProgrammers, name)) return rt::ok();
  const auto* both = std::ranges::find(kAmbiguous, lower(name), &Ambiguous::name);
  if (both != std::end(kAmbiguous)) {
    return rt::Error{
        rt::Errc::kInvalid,
        fmt::format("\"{}\" may be a bootloader or a programmer: expected \"{}\" for a "
                    "bootloader, \"{}\" for an ISP programmer",
                    name, both->bootloader, both->isp)};
  }
  return rt::Error{
      rt::Errc::kInvalid,
      fmt::format("\"{}\" is not known; there are the bootloaders {}, and the ISP programmers {}",
                  name, fmt::join(kBootloaders, ", "), fmt::join(kIspProgrammers, ", "))};
}

bool is_bootloader(std::string_view programmer) {
  return is_among(kBootloaders, programmer);
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

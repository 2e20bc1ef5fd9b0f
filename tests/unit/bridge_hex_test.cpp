// Intel HEX as its specification (revision A, 1988) has it, what is none, and what fits which part.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "firmware-bridge/flash/avr_parts.h"
#include "firmware-bridge/flash/intel_hex.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested
using namespace std::string_literals;

const std::string kEnd = ":00000001FF\n";

/// "address:bytes in hex;" of each range; what is wrong.
std::string shown(const rt::Result<FlashImage>& image) {
  if (!image) return image.error().message;
  std::string out;
  for (const auto& [address, bytes] : image->ranges()) {
    out += fmt::format("{:x}:", address);
    for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    out += ";";
  }
  return out;
}

std::string parsed(const std::string& text) {
  return shown(parse_intel_hex(text));
}

FlashImage image_of(std::uint32_t address, const std::string& bytes) {
  FlashImage image;
  REQUIRE(image.put(address, bytes).has_value());
  return image;
}

TEST_CASE("records become ranges, in whatever order they stand") {
  CHECK(parsed(":0400000001020304F2\n" + kEnd) == "0:01020304;");
  CHECK(parsed(":020004000506EF\n:0400000001020304F2\n" + kEnd) == "0:010203040506;");
  CHECK(parsed(":01001000AA45\n:01000000BB44\n" + kEnd) == "0:bb;10:aa;");
  CHECK(parsed(kEnd).empty());
}

TEST_CASE("lines may end as they like, and letters may be small") {
  CHECK(parsed(":01000000bb44\r\n\r\n:00000001ff\r\n") == "0:bb;");
  CHECK(parsed(":01000000BB44 \t\n:00000001FF") == "0:bb;");
}

TEST_CASE("extended addresses move what follows") {
  CHECK(parsed(":020000021000EC\n:01000000BB44\n" + kEnd) == "10000:bb;");
  CHECK(parsed(":020000040001F9\n:01000000BB44\n" + kEnd) == "10000:bb;");
  // A linear address goes on over the end of its 64 KiB, a segment does not.
  CHECK(parsed(":020000040001F9\n:02FFFF00AABB9B\n" + kEnd) == "1ffff:aabb;");
  CHECK(parsed(":02FFFF00AABB9B\n" + kEnd) ==
        "line 1: the record runs over the end of its segment");
}

TEST_CASE("start addresses are passed over") {
  CHECK(parsed(":0400000300003800C1\n:01000000BB44\n" + kEnd) == "0:bb;");
  CHECK(parsed(":04000005000000CD2A\n:01000000BB44\n" + kEnd) == "0:bb;");
}

TEST_CASE("what is wrong is said with its line") {
  CHECK(parsed("") == "there is no end record: the file is cut off");
  CHECK(parsed(":01000000BB44\n") == "there is no end record: the file is cut off");
  CHECK(parsed(":01000000BB45\n" + kEnd) == "line 1: the checksum is wrong: the file is damaged");
  CHECK(parsed("\n01000000BB44\n" + kEnd) == "line 2: a record of Intel HEX begins with ':'");
  CHECK(parsed(":01000000BB4\n" + kEnd) == "line 1: an odd number of digits");
  CHECK(parsed(":01000000BBG4\n" + kEnd) == "line 1: something else than hexadecimal digits");
  CHECK(parsed(":000000\n" + kEnd) == "line 1: the record is cut off");
  CHECK(parsed(":02000000BB43\n" + kEnd) == "line 1: the record says 2 bytes of data and has 1");
  CHECK(parsed(":00000006FA\n" + kEnd) == "line 1: records of type 06 are not known");
  CHECK(parsed(":0100000400FB\n" + kEnd) == "line 1: a record of type 04 has 2 bytes, not 1");
  CHECK(parsed(":00000003FD\n" + kEnd) == "line 1: a record of type 03 has 4 bytes, not 0");
  CHECK(parsed(kEnd + ":01000000BB44\n") == "line 2: there is something behind the end record");
  CHECK(parsed(":01000000BB44\n:01000000BB44\n" + kEnd) ==
        "line 2: two records say what is at 0x0");
  CHECK(parsed("\0"s + kEnd) == "line 1: a record of Intel HEX begins with ':'");
}

TEST_CASE("an image ends at 256 KiB") {
  CHECK(parsed(":020000040003F7\n:01FFFF00AA57\n" + kEnd) == "3ffff:aa;");
  const std::string above =
      "line 2: address 0x40000 is above 256 KiB: is there more than flash in it?";
  CHECK(parsed(":020000040003F7\n:02FFFF00AABB9B\n" + kEnd) == above);
  CHECK(parsed(":020000040004F6\n:01000000AA55\n" + kEnd) == above);
  // Where avr-gcc puts the EEPROM.
  CHECK(parsed(":02000004008179\n:01000000AA55\n" + kEnd) ==
        "line 2: address 0x810000 is above 256 KiB: is there more than flash in it?");
  CHECK(parsed(std::string(kHexBytesMax + 1, '\n')) ==
        "an image has at most 1048576 bytes of Intel HEX");
}

TEST_CASE("ranges that meet are one, and none lies over another") {
  FlashImage image = image_of(4, "bb");
  REQUIRE(image.put(0, "aaaa"));
  REQUIRE(image.put(8, "d"));
  REQUIRE(image.put(6, "cc"));
  CHECK(image.ranges().size() == 1);
  CHECK(image.ranges().begin()->second == "aaaabbccd");
  CHECK(image.size() == 9);
  CHECK(image.end() == 9);
  CHECK_FALSE(image.put(8, "x").has_value());
  CHECK_FALSE(image_of(4, "bb").put(2, "xxx").has_value());
  CHECK_FALSE(image_of(4, "bb").put(3, "xxxx").has_value());
  CHECK_FALSE(image_of(4, "bb").put(5, "x").has_value());
  CHECK(image_of(4, "bb").at(5) == 'b');
  CHECK(image_of(4, "bb").at(6) == kErased);
  CHECK(image_of(4, "bb").at(3) == kErased);
}

TEST_CASE("an image is the same whatever its records were") {
  FlashImage cut = image_of(0, "abc");
  REQUIRE(cut.put(16, "d"));
  FlashImage whole = image_of(0, "abc" + std::string(13, '\xff') + "d\xff\xff");
  CHECK(cut.sha256() == whole.sha256());
  CHECK(cut.sha256() != image_of(0, "abd").sha256());
  CHECK(image_of(5, "\xff").is_blank());
  CHECK(FlashImage().sha256() == image_of(5, "\xff").sha256());
  CHECK_FALSE(cut.is_blank());
  CHECK_FALSE(first_difference(cut, whole).has_value());
  CHECK_FALSE(first_difference(whole, cut).has_value());
  // Only over the ranges of the first.
  CHECK_FALSE(first_difference(image_of(0, "abc"), cut).has_value());
  CHECK(first_difference(cut, image_of(0, "abc")) == 16U);
  CHECK(first_difference(image_of(0, "axx"), cut) == 1U);
}

TEST_CASE("what is written is read again") {
  FlashImage image = image_of(0, std::string(1000, 'a'));
  REQUIRE(image.put(0xfff8, std::string(100, 'b')));
  REQUIRE(image.put(0x2ffff, std::string(3, 'c')));
  const std::string text = format_intel_hex(image);
  const auto again = parse_intel_hex(text);
  REQUIRE(again.has_value());
  CHECK(again->ranges() == image.ranges());
  CHECK(text.find(":020000040001F9\n") != std::string::npos);
  CHECK(format_intel_hex(FlashImage()) == kEnd);
  CHECK(format_intel_hex(image_of(0, "\x01\x02\x03\x04")) == ":0400000001020304F2\n" + kEnd);
}

TEST_CASE("pages are written whole where they differ, and taken back as they were") {
  const FlashImage old = image_of(0, std::string(20, 'o'));
  FlashImage fresh = image_of(2, "oo");
  REQUIRE(fresh.put(9, "nn"));
  REQUIRE(fresh.put(31, "nn"));
  const FlashImage pages = pages_to_write(fresh, old, 8);
  const std::string e = "\xff";
  // 2 to 3 are so already, but the rest of their page is not what erased flash is.
  CHECK(pages.at(0) == kErased);
  CHECK(pages.has(0));
  CHECK(pages.page(8, 8) == e + "nn" + e + e + e + e + e);
  CHECK(pages.page(24, 8) == e + e + e + e + e + e + e + "n");
  CHECK(pages.page(32, 8) == "n" + e + e + e + e + e + e + e);
  CHECK_FALSE(pages.has(16));
  CHECK(pages.size() == 32);
  const FlashImage back = same_pages(pages, old, 8);
  CHECK(back.size() == 32);
  CHECK(back.page(8, 8) == "oooooooo");
  CHECK(back.page(24, 8) == std::string(8, '\xff'));
  CHECK(pages_to_write(old, old, 8).size() == 0);
  CHECK(old.below(5).end() == 5);
  CHECK(old.below(0).size() == 0);
}

TEST_CASE("a page that several ranges touch is written once") {
  const FlashImage old = image_of(0, std::string(16, 'o'));
  FlashImage fresh = image_of(0, "n");
  REQUIRE(fresh.put(5, "nnnn"));
  REQUIRE(fresh.put(10, "n"));
  const FlashImage pages = pages_to_write(fresh, old, 8);
  const std::string e = "\xff";
  CHECK(pages.size() == 16);
  CHECK(pages.page(0, 8) == "n" + e + e + e + e + "nnn");
  CHECK(pages.page(8, 8) == "n" + e + "n" + e + e + e + e + e);
  CHECK(same_pages(fresh, old, 8).ranges() == old.ranges());
}

TEST_CASE("an image must fit its part, beside a bootloader, and start at the reset vector") {
  const auto part = find_avr_part("atmega328p");
  REQUIRE(part.has_value());
  CHECK(find_avr_part("m328p").has_value());
  CHECK(find_avr_part("ATmega328P").has_value());
  const auto unknown = find_avr_part("stm32f103");
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().code == rt::Errc::kNotFound);
  CHECK(unknown.error().message.find("atmega2560") != std::string::npos);

  const auto why = [&](const FlashImage& image, const std::string& programmer) {
    const auto fits = check_image(image, *part, programmer);
    return fits ? std::string() : fits.error().message;
  };
  CHECK(why(image_of(0, std::string(32'256, 'a')), "arduino").empty());
  CHECK(why(image_of(0, std::string(32'257, 'a')), "arduino") ==
        "the image ends at 32257 bytes, and atmega328p has 32256 for it beside its bootloader");
  CHECK(why(image_of(0, std::string(32'768, 'a')), "usbasp").empty());
  CHECK(why(image_of(0, std::string(32'769, 'a')), "usbasp") ==
        "the image ends at 32769 bytes, and atmega328p has 32768 for it");
  CHECK(why(FlashImage(), "arduino") == "the image is empty");
  CHECK(why(image_of(0, "\xff\xff"), "arduino") == "the image is empty");
  CHECK(why(image_of(2, "abcd"), "arduino").starts_with("the image has nothing at address 0"));
}

TEST_CASE("a bootloader is protected however it is spelled, and what may be one is asked for") {
  const auto part = find_avr_part("atmega328p");
  REQUIRE(part.has_value());
  for (const char* each : {"arduino", "Arduino", "ARDUINO", "mkbutterfly", "butterfly_mk", "Wiring",
                           "urclock", "avr109", "avr911", "butterfly", "xbee"}) {
    const std::string name = each;
    INFO(name);
    CHECK(is_bootloader(name));
    CHECK(check_programmer(name).has_value());
    CHECK(application_end(*part, name) == 32'256);
  }
  for (const char* each : {"usbasp", "USBasp", "avrispmkII", "avr910"}) {
    const std::string name = each;
    INFO(name);
    CHECK_FALSE(is_bootloader(name));
    CHECK(check_programmer(name).has_value());
  }
  for (const char* each : {"", "arduin", "jtag1", "stk500", "stk500v1", "STK500v2"}) {
    const std::string name = each;
    INFO(name);
    const auto known = check_programmer(name);
    REQUIRE_FALSE(known.has_value());
    CHECK(known.error().code == rt::Errc::kInvalid);
  }
  CHECK(check_programmer("STK500v1").error().message ==
        "\"STK500v1\" may be a bootloader or a programmer: expected \"arduino\" for a bootloader, "
        "\"avrisp\" for an ISP programmer");
}

TEST_CASE("every part has whole pages, and a bootloader that ends where the flash does") {
  for (const char* each :
       {"atmega8", "atmega168", "atmega168p", "atmega328", "atmega328p", "atmega328pb",
        "atmega32u4", "atmega644p", "atmega1280", "atmega1284p", "atmega2560"}) {
    const std::string name = each;
    INFO(name);
    const auto part = find_avr_part(name);
    REQUIRE(part.has_value());
    CHECK(part->flash_bytes <= FlashImage::kBytesMax);
    CHECK(part->flash_bytes % part->page_bytes == 0);
    CHECK(part->boot_bytes % part->page_bytes == 0);
    CHECK(application_end(*part, "arduino") == part->flash_bytes - part->boot_bytes);
    CHECK(application_end(*part, "usbasp") == part->flash_bytes);
  }
}

}  // namespace
}  // namespace fieldpost::test

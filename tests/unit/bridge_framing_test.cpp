// COBS frames with a checksum: what is found in a stream of bytes, and what is not.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "firmware-bridge/framing/cobs.h"
#include "firmware-bridge/framing/crc16.h"
#include "firmware-bridge/framing/frame_reader.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using namespace bridge;  // NOLINT: what is tested
using namespace std::string_literals;

std::string decoded(std::string_view frame) {
  std::string out;
  return decode_cobs(frame, out) ? out : "refused";
}

std::string random_bytes(sim::Dice& dice, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(dice.below(256));
  return out;
}

/// What it found, in order.
struct Found {
  std::vector<std::string> frames;
  FrameReader reader{[this](std::string_view frame) { frames.emplace_back(frame); }};
};

TEST_CASE("COBS is as it was published") {
  // Examples of the paper and of its encyclopaedia article.
  const std::pair<std::string, std::string> examples[] = {
      {"\0"s, "\1\1"s},
      {"\0\0"s, "\1\1\1"s},
      {"\0\x11\0"s, "\1\2\x11\1"s},
      {"\x11\x22\0\x33"s, "\3\x11\x22\2\x33"s},
      {"\x11\x22\x33\x44"s, "\5\x11\x22\x33\x44"s},
      {"\x11\0\0\0"s, "\2\x11\1\1\1"s},
      {""s, "\1"s},
      {std::string(254, 'x'), "\xff"s + std::string(254, 'x')},
      {std::string(255, 'x'), "\xff"s + std::string(254, 'x') + "\2x"s},
      {std::string(254, 'x') + "\0"s, "\xff"s + std::string(254, 'x') + "\1\1"s}};
  for (const auto& [bytes, frame] : examples) {
    CHECK(encode_cobs(bytes) == frame);
    CHECK(decoded(frame) == bytes);
  }
}

TEST_CASE("COBS gives back what it was given, and has no zero") {
  sim::Dice dice(1);
  for (int round = 0; round < 500; ++round) {
    std::string bytes = random_bytes(dice, dice.below(1000));
    if (round % 2 == 0) {
      for (char& c : bytes) c = c < 0 ? '\0' : c;
    }
    const std::string frame = encode_cobs(bytes);
    REQUIRE(frame.find('\0') == std::string::npos);
    REQUIRE(decoded(frame) == bytes);
  }
}

TEST_CASE("what no encoder made is refused") {
  CHECK(decoded("") == "refused");
  CHECK(decoded("\5abc") == "refused");   // a block longer than what is there
  CHECK(decoded("\2a\3b") == "refused");  // the second one
}

TEST_CASE("the checksum is CRC-16/MCRF4XX") {
  CHECK(crc16("123456789") == 0x6f91);
  CHECK(crc16("") == 0xffff);
}

TEST_CASE("frames are found in pieces of any size") {
  std::string stream = "noise before the first";
  std::vector<std::string> sent;
  for (int i = 0; i < 50; ++i) {
    sent.push_back("frame " + std::string(static_cast<std::size_t>(i * 7), '\0') + "!");
    stream += make_frame(sent.back());
  }
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{13}, stream.size()}) {
    Found found;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      found.reader.feed(std::string_view(stream).substr(at, step));
    }
    CHECK(found.frames == sent);
    CHECK(found.reader.counts().good == sent.size());
    CHECK(found.reader.counts().bad_stuffing == 1);
    CHECK(found.reader.counts().bytes == stream.size());
  }
}

TEST_CASE("each bad frame is counted by what is wrong with it, and the next one is found") {
  Found found;
  std::string broken = make_frame("a reading of 21.5");
  broken[5] = static_cast<char>(broken[5] ^ 1);
  found.reader.feed(broken);
  CHECK(found.reader.counts().bad_checksum == 1);
  found.reader.feed("\5abc\0"s);
  CHECK(found.reader.counts().bad_stuffing == 1);
  found.reader.feed("\3ab\0"s);  // room for the checksum alone
  CHECK(found.reader.counts().bad_stuffing == 2);
  for (int i = 0; i < 10; ++i) found.reader.feed(std::string(kFrameBytesMax / 8, 'x'));
  found.reader.feed(make_frame("good"));
  CHECK(found.reader.counts().too_long == 1);
  CHECK(found.frames == std::vector<std::string>{"good"});
  CHECK(found.reader.counts().bad() == 4);
}

TEST_CASE("in noise no false frame is found, and every good one behind it is") {
  sim::Dice dice(3);
  Found found;
  std::size_t sent = 0;
  for (int round = 0; round < 2000; ++round) {
    found.reader.feed(random_bytes(dice, 1 + dice.below(300)));
    const std::string frame = make_frame("reading " + std::to_string(sent));
    if (dice.below(3) == 0) {
      std::string hit = frame;
      for (char& c : hit) {
        for (unsigned bit = 0; bit < 8; ++bit) {
          if (dice.below(100) == 0) c = static_cast<char>(c ^ (1 << bit));
        }
      }
      found.reader.feed(hit.substr(0, dice.below(hit.size() + 1)));
      continue;
    }
    found.reader.feed(frame);
    sent += 1;
  }
  std::size_t next = 0;
  for (const std::string& each : found.frames) {
    if (each == "reading " + std::to_string(next)) next += 1;
  }
  CHECK(next == sent);
}

}  // namespace
}  // namespace fieldpost::test

// However a stream of frames is cut, the same comes of it, and all of it can be stored.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "firmware-bridge/framing/frame_reader.h"
#include "firmware-bridge/protocols/frames_protocol.h"
#include "proto/rt/result.h"
#include "tests/support/board_frames.h"

namespace {

namespace bridge = fieldpost::bridge;
using bridge::FrameKind;
using fieldpost::test::board_frame;

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;

void check_storable(const bridge::Heard& heard) {
  for (const bridge::Measured& each : heard.readings) {
    fieldpost::wire::SeriesKey key = each.key;
    key.measurement = "m";
    FP_CHECK(each.age >= 0 && (each.age == 0 || !each.time));
    FP_CHECK(fieldpost::mapping::ReadingsBuilder().add(std::move(key), 0, each.value));
  }
  for (const char c : heard.why_bad) FP_CHECK(c >= ' ' && c <= '~');
}

/// A board that has declared "a" and "b", and what was heard of it.
struct Board {
  Board() {
    feed(board_frame(FrameKind::kBoot, 0, fieldpost::test::hello_body("uno", "1")));
    feed(board_frame(FrameKind::kSeries, 1,
                     fieldpost::test::series_body({{"a", "Cel"}, {"b", ""}})));
  }
  void feed(std::string_view bytes) { protocol.feed(bytes, kNow, heard); }
  [[nodiscard]] bool is_like(const Board& other) const {
    const bridge::ProtocolCounts& mine = protocol.counts();
    const bridge::ProtocolCounts& theirs = other.protocol.counts();
    return mine.bytes == theirs.bytes && mine.good == theirs.good && mine.bad == theirs.bad &&
           mine.bad_checksum == theirs.bad_checksum && mine.undeclared == theirs.undeclared &&
           mine.other_version == theirs.other_version && heard.lost == other.heard.lost &&
           heard.readings.size() == other.heard.readings.size();
  }

  bridge::FramesProtocol protocol{bridge::Units{{"b", "V"}}};
  bridge::Heard heard;
};

void check_stream(std::string_view stream, std::size_t step) {
  Board whole, cut;
  whole.feed(stream);
  for (std::size_t at = 0; at < stream.size(); at += step) cut.feed(stream.substr(at, step));
  FP_CHECK(whole.is_like(cut));
  check_storable(whole.heard);
  // Nothing hides a good frame behind it; what has no end yet may be one itself.
  whole.feed(std::string_view("\0", 1));
  const std::uint64_t good = whole.protocol.counts().good;
  whole.feed(board_frame(FrameKind::kBoot, 0, fieldpost::test::hello_body("uno", "2")));
  FP_CHECK(whole.protocol.counts().good == good + 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// The first byte says how long the pieces are. The rest comes as it is, as the inside of a frame
/// whose checksum is right, and as a message.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t step = std::size_t{1} + data[0];
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_stream(rest, step);
  check_stream(bridge::make_frame(rest), step);
  Board board;
  bridge::Heard heard;
  board.protocol.take_message(rest, kNow, heard);
  check_storable(heard);
  return 0;
}

// However lines are cut, the same comes of them, and all of it can be stored.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "firmware-bridge/protocols/make_protocol.h"
#include "proto/rt/result.h"

namespace {

namespace bridge = fieldpost::bridge;
using Kind = bridge::ProtocolOptions::Kind;

constexpr std::int64_t kNow = 1'700'000'000'000'000'000;
constexpr std::array kKinds{Kind::kLineProtocol, Kind::kJson, Kind::kNmea, Kind::kPattern};

struct Board {
  explicit Board(Kind kind) {
    bridge::ProtocolOptions options;
    options.kind = kind;
    options.pattern = R"((?P<a>[-+.\w]*)(?:[ ,;](?P<b>[^,;]*))?(?:[,;](?P<c>.*))?)";
    options.units = {{"a", "V"}};
    auto made = bridge::make_protocol(options);
    FP_CHECK(made.has_value());
    protocol = *std::move(made);
  }
  void feed(std::string_view bytes) { protocol->feed(bytes, kNow, heard); }
  [[nodiscard]] bool is_like(const Board& other) const {
    const bridge::ProtocolCounts& mine = protocol->counts();
    const bridge::ProtocolCounts& theirs = other.protocol->counts();
    return mine.bytes == theirs.bytes && mine.good == theirs.good && mine.bad == theirs.bad &&
           mine.bad_checksum == theirs.bad_checksum && heard.clock == other.heard.clock &&
           heard.readings.size() == other.heard.readings.size();
  }
  void check_storable() const {
    for (const bridge::Measured& each : heard.readings) {
      fieldpost::wire::SeriesKey key = each.key;
      if (key.measurement.empty()) key.measurement = "m";
      FP_CHECK(fieldpost::mapping::ReadingsBuilder().add(std::move(key), 0, each.value));
    }
    for (const char c : heard.why_bad) FP_CHECK(c >= ' ' && c <= '~');
  }

  std::unique_ptr<bridge::Protocol> protocol;
  bridge::Heard heard;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// The first byte chooses the kind, the second how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Kind kind = kKinds.at(data[0] % kKinds.size());
  const std::size_t step = std::size_t{1} + data[1];
  const std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  Board whole(kind), cut(kind), message(kind);
  whole.feed(rest);
  for (std::size_t at = 0; at < rest.size(); at += step) cut.feed(rest.substr(at, step));
  FP_CHECK(whole.is_like(cut));
  whole.check_storable();
  message.protocol->take_message(rest, kNow, message.heard);
  message.check_storable();
  return 0;
}

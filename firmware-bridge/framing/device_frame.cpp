#include "firmware-bridge/framing/device_frame.h"

#include <fmt/format.h>

#include "firmware-bridge/protocols/cbor_reader.h"
#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::size_t kHeadBytes = 3;
constexpr unsigned kKindBits = 4;
constexpr unsigned kKindMask = 0x0f;
constexpr std::size_t kTextBytesMax = 120;
constexpr std::size_t kSeriesMax = 256;  ///< of one frame

Error broken(std::string_view what) {
  return {Errc::kInvalid, std::string(what)};
}

bool is_kind(unsigned kind) {
  return kind <= static_cast<unsigned>(FrameKind::kReadingsJson) ||
         kind == static_cast<unsigned>(FrameKind::kQuestion);
}

Result<std::string> name_in(CborReader& reader) {
  const auto text = reader.text();
  if (!text) return text.error();
  if (text->size() > kTextBytesMax || !wire::is_name(*text)) {
    return broken(fmt::format("expected a name of at most {} bytes", kTextBytesMax));
  }
  return std::string(*text);
}

}  // namespace

Result<DeviceFrame> parse_device_frame(std::string_view frame) {
  const auto sequence = sequence_in(frame);
  if (!sequence) return broken("a frame of fewer than 3 bytes");
  const auto first = static_cast<unsigned char>(frame[0]);
  DeviceFrame out;
  out.version = static_cast<std::uint8_t>(first >> kKindBits);
  const unsigned kind = first & kKindMask;
  if (out.version == kFrameVersion && !is_kind(kind)) {
    return broken(fmt::format("a frame of kind {}, which there is not", kind));
  }
  out.kind = static_cast<FrameKind>(kind);
  out.sequence = *sequence;
  out.body = frame.substr(kHeadBytes);
  return out;
}

std::optional<std::uint16_t> sequence_in(std::string_view frame) {
  if (frame.size() < kHeadBytes) return std::nullopt;
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(frame[i]); };
  return static_cast<std::uint16_t>(byte_at(1) | byte_at(2) << 8U);
}

std::string encode_device_frame(FrameKind kind, std::uint16_t sequence, std::string_view body) {
  std::string out;
  out += static_cast<char>(kFrameVersion << kKindBits | static_cast<unsigned>(kind));
  out += static_cast<char>(sequence & 0xffU);
  out += static_cast<char>(sequence >> 8U);
  return out.append(body);
}

std::string_view to_string(BootReason reason) {
  switch (reason) {
    case BootReason::kUnknown: return "unknown";
    case BootReason::kPower: return "power";
    case BootReason::kResetPin: return "reset_pin";
    case BootReason::kBrownOut: return "brown_out";
    case BootReason::kWatchdog: return "watchdog";
    case BootReason::kSoftware: return "software";
  }
  return "unknown";
}

Result<Hello> parse_hello(std::string_view body) {
  CborReader reader(body);
  Hello out;
  auto array = reader.begin_array();
  if (!array) return array.error();
  for (std::string* each : {&out.name, &out.firmware}) {
    const auto more = reader.has_more(*array);
    if (!more) return more.error();
    if (!*more) return broken("a hello without name or firmware version");
    auto text = name_in(reader);
    if (!text) return text.error();
    *each = *std::move(text);
  }
  auto more = reader.has_more(*array);
  if (!more) return more.error();
  if (*more) {
    const auto boot = reader.next();
    if (!boot) return boot.error();
    if (boot->kind != CborItem::Kind::kUnsigned) return broken("a boot reason that is no number");
    if (boot->number <= static_cast<std::uint64_t>(BootReason::kSoftware)) {
      out.boot = static_cast<BootReason>(boot->number);
    }
    more = reader.has_more(*array);
    if (!more) return more.error();
  }
  if (*more || !reader.at_end()) return broken("a hello with more than is understood");
  return out;
}

Result<DeclaredSeries> parse_series(std::string_view body) {
  CborReader reader(body);
  DeclaredSeries out;
  auto array = reader.begin_array();
  if (!array) return array.error();
  for (;;) {
    auto more = reader.has_more(*array);
    if (!more) return more.error();
    if (!*more) break;
    auto name = name_in(reader);
    if (!name) return name.error();
    more = reader.has_more(*array);
    if (!more) return more.error();
    if (!*more) return broken("a series without a unit");
    auto unit = name_in(reader);
    if (!unit) return unit.error();
    if (name->empty()) return broken("a series without a name");
    if (out.size() == kSeriesMax) return broken(fmt::format("more than {} series", kSeriesMax));
    out.emplace_back(*std::move(name), *std::move(unit));
  }
  if (!reader.at_end()) return broken("more than a list of series");
  return out;
}

}  // namespace fieldpost::bridge

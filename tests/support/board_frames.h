#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firmware-bridge/framing/device_frame.h"
#include "firmware-bridge/framing/frame_reader.h"

/// Frames as boards send them (firmware-bridge/README.md, "The frame").
namespace fieldpost::test {

/// CBOR of a text of at most 255 bytes.
inline std::string cbor_text(std::string_view text) {
  constexpr std::size_t kShortMax = 23;
  std::string out;
  if (text.size() <= kShortMax) {
    out += static_cast<char>(0x60 + text.size());
  } else {
    out += '\x78';
    out += static_cast<char>(text.size());
  }
  return out.append(text);
}

inline std::string cbor_number(double value) {
  std::string out = "\xfb";
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bits >> shift & 0xffU);
  return out;
}

inline std::string hello_body(std::string_view name, std::string_view firmware, char reason = 1) {
  return "\x83" + cbor_text(name) + cbor_text(firmware) + reason;
}

/// Names and units.
inline std::string series_body(const bridge::DeclaredSeries& series) {
  std::string out = "\x9f";
  for (const auto& [name, unit] : series) out += cbor_text(name) + cbor_text(unit);
  return out + "\xff";
}

/// SenML of numbers by name.
inline std::string readings_body(const std::vector<std::pair<std::string, double>>& readings) {
  std::string out = "\x9f";
  for (const auto& [name, value] : readings) {
    out += "\xa2";
    out += '\0';
    out += cbor_text(name) + "\x02" + cbor_number(value);
  }
  return out + "\xff";
}

/// As it goes over the wire.
inline std::string board_frame(bridge::FrameKind kind, unsigned sequence, std::string_view body) {
  const auto number = static_cast<std::uint16_t>(sequence);
  return bridge::make_frame(bridge::encode_device_frame(kind, number, body));
}

}  // namespace fieldpost::test

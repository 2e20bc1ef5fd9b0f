#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/board_frames.h"

namespace fieldpost::test {

using NamedValues = std::vector<std::pair<std::string, double>>;

/// SenML of numbers by name, all of one time: seconds since 1970.
inline std::string readings_body_at(double time_s, const NamedValues& values) {
  constexpr char kBaseTime = '\x22';  // -3, RFC 8428 table 4
  std::string out = "\x9f";
  for (const auto& [name, value] : values) {
    const bool is_first = out.size() == 1;
    out += is_first ? '\xa3' : '\xa2';
    if (is_first) out += kBaseTime + cbor_number(time_s);
    out += '\0';
    out += cbor_text(name) + "\x02" + cbor_number(value);
  }
  return out + "\xff";
}

/// A board's frames with their numbers, as they go over the wire.
class FrameSender {
 public:
  [[nodiscard]] std::string boot(std::string_view name, std::string_view firmware) {
    sequence_ = 0;
    return next(bridge::FrameKind::kBoot, hello_body(name, firmware));
  }
  [[nodiscard]] std::string hello(std::string_view name, std::string_view firmware) {
    return next(bridge::FrameKind::kHello, hello_body(name, firmware));
  }
  [[nodiscard]] std::string series(const bridge::DeclaredSeries& series) {
    return next(bridge::FrameKind::kSeries, series_body(series));
  }
  [[nodiscard]] std::string readings(const NamedValues& values) {
    return next(bridge::FrameKind::kReadings, readings_body(values));
  }
  [[nodiscard]] std::string readings_at(double time_s, const NamedValues& values) {
    return next(bridge::FrameKind::kReadings, readings_body_at(time_s, values));
  }
  /// Frames that never arrive.
  void lose(unsigned count) { sequence_ += count; }

 private:
  [[nodiscard]] std::string next(bridge::FrameKind kind, std::string_view body) {
    return board_frame(kind, sequence_++, body);
  }

  unsigned sequence_ = 0;
};

}  // namespace fieldpost::test

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/framing/device_frame.h"
#include "proto/mapping/readings_builder.h"
#include "proto/wire/readings.h"

namespace fieldpost::bridge {

/// A reading as a board gave it.
struct Measured {
  /// The measurement is empty where the board does not name one; the type follows from the value.
  wire::SeriesKey key;
  mapping::DeviceValue value;
  std::optional<std::int64_t> time;  ///< ns since 1970, UTC; absent: `age` before it arrived
  std::int64_t age = 0;              ///< ns; not negative
};

/// What was found in a stream of bytes so far. Every byte lies in a good message, a bad one, or
/// neither.
struct ProtocolCounts {
  std::uint64_t bytes = 0;
  std::uint64_t good = 0;          ///< frames, sentences or lines that were understood
  std::uint64_t bad_checksum = 0;  ///< whole, but damaged
  std::uint64_t bad = 0;           ///< others that were not understood, damaged ones not among them
  std::uint64_t other_version = 0;  ///< whole frames of a version that nobody here knows
  std::uint64_t undeclared = 0;     ///< readings of series that the board did not declare
};

/// What came of some bytes.
struct Heard {
  std::vector<Measured> readings;
  std::optional<Hello> hello;  ///< the board said who it is
  bool booted = false;         ///< and that it has just started
  bool declared = false;       ///< it said what it measures
  std::uint64_t lost = 0;      ///< messages that the sequence numbers show to be lost
  /// They began anew, and no boot frame was seen: ask who it is; what was lost is not known.
  bool restart_unseen = false;
  std::optional<std::int64_t> clock;  ///< ns: the time that the board knows from satellites
  /// Of the last message that was not understood, printable ASCII; empty: there was none.
  std::string why_bad;
};

/// Turns what a board sends into readings. Whatever comes, nothing fails but the message it is in;
/// the first good message after it is found.
class Protocol {
 public:
  virtual ~Protocol() = default;
  /// Bytes of a stream, cut anywhere. `arrived`: ns since 1970, by our clock.
  virtual void feed(std::string_view bytes, std::int64_t arrived, Heard& heard) = 0;
  /// Of a datagram or request: whatever is open is at an end with its last byte. Beside what a
  /// stream has it may be SenML without a frame (kFrames), or one object over many lines (kJson).
  /// It may come again, or later than the one behind it.
  virtual void take_message(std::string_view bytes, std::int64_t arrived, Heard& heard) = 0;
  /// What makes the board say who it is; empty: it cannot be asked.
  [[nodiscard]] virtual std::string question() const { return {}; }
  /// The port was opened anew: what was begun is forgotten, what is counted and declared stays.
  virtual void restart() = 0;
  [[nodiscard]] virtual const ProtocolCounts& counts() const = 0;
};

}  // namespace fieldpost::bridge

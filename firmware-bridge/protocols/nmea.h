#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/mapping/readings_builder.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kNmeaLineBytesMax =
    120;  ///< the standard says 82; receivers exceed it

/// What one sentence says.
struct NmeaFound {
  struct Value {
    std::string_view field;  ///< a literal
    std::string_view unit;   ///< of SenML; a literal
    mapping::DeviceValue value;
  };
  std::vector<Value> values;
  /// ns since 1970, UTC, as the satellites have it; absent: the sentence has no time, or no date is
  /// known yet.
  std::optional<std::int64_t> time;
};

/// Sentences of a receiver for satellite positions (NMEA 0183, version 4): GGA, RMC, VTG, GSA, GSV
/// and ZDA of any talker. Positions are degrees, north and east positive; speeds m/s; altitudes m
/// above the geoid. Without a fix there is no position.
class Nmea {
 public:
  /// A line without its end. kCorrupt: its checksum is wrong; kInvalid: it is no sentence, has no
  /// checksum, or a field is not what it must be. Sentences of other kinds say nothing.
  rt::Result<NmeaFound> take(std::string_view line);

 private:
  std::optional<std::int64_t> midnight_;  ///< ns: of the newest date that was told
  std::int64_t newest_ = 0;               ///< ns: the newest whole time
};

}  // namespace fieldpost::bridge

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/mapping/readings_builder.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kNmeaLineBytesMax =
    120;  ///< the standard says 82; receivers exceed it

/// For so long a receiver that has no fix any more is believed to count its days. (Nanoseconds in
/// 64 bits tell no more behind the last year that a date may have.)
inline constexpr std::chrono::days kNmeaDateHolds{100};

/// What one sentence says.
struct NmeaFound {
  struct Value {
    std::string_view field;  ///< a literal
    std::string_view unit;   ///< of SenML; a literal
    mapping::DeviceValue value;
    /// "GP", "GL"…: whose satellites it counts, where each talker has a number of its own; else
    /// empty.
    std::string talker;
  };
  std::vector<Value> values;
  /// ns since 1970, UTC, as the satellites have it; absent: the sentence has no time, or no date is
  /// known yet.
  std::optional<std::int64_t> time;
};

/// Sentences of a receiver for satellite positions (NMEA 0183, version 4): GGA, RMC, VTG, GSA, GSV
/// and ZDA of any talker. Positions are degrees, north and east positive; speeds m/s; altitudes m
/// above the geoid. Without a fix there is no position, and before the first one no date is
/// believed. A date holds over midnights, for `kNmeaDateHolds`.
class Nmea {
 public:
  /// A line without its end. kCorrupt: its checksum is wrong; kInvalid: it is no sentence, has no
  /// checksum, or a field is not what it must be. Sentences of other kinds say nothing.
  rt::Result<NmeaFound> take(std::string_view line);

 private:
  /// Of a time of day, ns, by the newest date.
  std::optional<std::int64_t> time_at(std::int64_t of_day);

  bool had_fix_ = false;
  std::optional<std::int64_t> midnight_;  ///< ns: of the newest date that was told
  std::optional<std::int64_t> newest_;    ///< ns: the newest whole time, since that date was told
};

}  // namespace fieldpost::bridge

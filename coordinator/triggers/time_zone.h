#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace date {
class time_zone;
}  // namespace date

namespace fieldpost::coordinator {

/// A stretch of time in which the clocks of a zone differ from UTC by one amount.
struct ZoneSpan {
  rt::UnixTime begin;     ///< its first moment
  rt::UnixTime end;       ///< the first moment after it
  rt::Seconds offset{0};  ///< local time minus UTC
};

/// A zone of the IANA database as the operating system has it. A value; any thread. What the
/// database says of a year is all that is known: Debian's ends with 2037, and no clock is changed
/// after that.
class TimeZone {
 public:
  static constexpr std::size_t kNameBytesMax = 64;

  /// UTC, which needs no database.
  TimeZone() = default;
  /// Reads the database when it is asked for the first time. kNotFound: there is no such zone, or
  /// no database; kInvalid: no name of a zone.
  static rt::Result<TimeZone> find(std::string_view name);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// The span that `time` lies in. The first and the last one end where UnixTime ends.
  [[nodiscard]] ZoneSpan span_at(rt::UnixTime time) const;

 private:
  std::string name_ = "UTC";
  const date::time_zone* zone_ = nullptr;  ///< the library's, which keeps it; null: UTC
};

}  // namespace fieldpost::coordinator

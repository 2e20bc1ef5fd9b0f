#pragma once

#include "firmware-bridge/protocols/line_format.h"
#include "firmware-bridge/protocols/nmea.h"

namespace fieldpost::bridge {

/// Sentences of NMEA 0183. A sentence begins at the last "$" of its line: what stands before it has
/// lost its end.
class NmeaLines : public LineFormat {
 public:
  rt::Result<bool> take(std::string_view line, std::int64_t arrived, LineFound& found) override;
  /// Dates are to be told anew.
  void restart() override { nmea_ = {}; }

 private:
  Nmea nmea_;
};

}  // namespace fieldpost::bridge

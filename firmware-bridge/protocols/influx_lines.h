#pragma once

#include "firmware-bridge/protocols/line_format.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::bridge {

/// InfluxDB line protocol. Keys keep measurement and tags; times are nanoseconds.
class InfluxLines : public LineFormat {
 public:
  rt::Result<bool> take(std::string_view line, std::int64_t arrived, LineFound& found) override;

 private:
  wire::LineParser parser_;
};

}  // namespace fieldpost::bridge

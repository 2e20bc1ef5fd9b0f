#include "firmware-bridge/protocols/make_protocol.h"

#include <utility>

#include "firmware-bridge/protocols/frames_protocol.h"
#include "firmware-bridge/protocols/influx_lines.h"
#include "firmware-bridge/protocols/json_lines.h"
#include "firmware-bridge/protocols/lines_protocol.h"
#include "firmware-bridge/protocols/nmea_lines.h"
#include "firmware-bridge/protocols/pattern_lines.h"

namespace fieldpost::bridge {
namespace {

using Kind = ProtocolOptions::Kind;
using rt::Errc;
using rt::Error;
using rt::Result;

Result<std::unique_ptr<LineFormat>> make_format(const ProtocolOptions& options) {
  switch (options.kind) {
    case Kind::kLineProtocol: return std::unique_ptr<LineFormat>(std::make_unique<InfluxLines>());
    case Kind::kJson: return std::unique_ptr<LineFormat>(std::make_unique<JsonLines>());
    case Kind::kNmea: return std::unique_ptr<LineFormat>(std::make_unique<NmeaLines>());
    case Kind::kPattern: {
      auto pattern = PatternLines::make(options.pattern);
      if (!pattern) return pattern.error();
      return std::unique_ptr<LineFormat>(*std::move(pattern));
    }
    case Kind::kFrames:
    case Kind::kModbus: break;
  }
  return Error{Errc::kInvalid, "protocol: Modbus is asked for its values, it sends no stream"};
}

}  // namespace

Result<std::unique_ptr<Protocol>> make_protocol(const ProtocolOptions& options) {
  if (options.kind == Kind::kFrames) {
    return std::unique_ptr<Protocol>(std::make_unique<FramesProtocol>(options.units));
  }
  auto format = make_format(options);
  if (!format) return format.error();
  return std::unique_ptr<Protocol>(
      std::make_unique<LinesProtocol>(*std::move(format), options.units));
}

}  // namespace fieldpost::bridge

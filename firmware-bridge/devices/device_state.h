#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "firmware-bridge/devices/diagnosis.h"
#include "firmware-bridge/protocols/protocol.h"

namespace fieldpost::bridge {

/// A board as others see it. Counts are since the bridge began.
struct DeviceState {
  std::string name;
  std::string port;  ///< "/dev/ttyUSB0" while it is open or suspended; else as configured
  ProtocolCounts counts;
  std::uint64_t readings = 0;  ///< that were offered
  std::uint64_t unfit = 0;     ///< that were not: with what is added to it, its key is none
  std::uint64_t lost = 0;      ///< messages
  std::uint64_t boots = 0;
  std::optional<Hello> hello;  ///< the newest; of whatever was at the port then
  Diagnosis diagnosis;         ///< that stood for a while
};

inline constexpr std::string_view kMetricsMeasurement = "fieldpost_bridge";
/// `state` as readings without a time.
[[nodiscard]] std::vector<Measured> metrics_of(const DeviceState& state);

}  // namespace fieldpost::bridge

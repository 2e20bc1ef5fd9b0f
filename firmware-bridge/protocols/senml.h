#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/mapping/readings_builder.h"
#include "proto/rt/result.h"

/// Sensor Measurement Lists (RFC 8428), as JSON and as CBOR.
namespace fieldpost::bridge {

inline constexpr std::size_t kSenmlRecordsMax = 1024;  ///< of one pack

/// A resolved record (RFC 8428, section 4.6). Numbers are doubles, whatever they came as: SenML
/// knows one kind, and a device writes 20.0 as 20. They may be not finite, as CBOR can say of a
/// sensor that is broken.
struct SenmlReading {
  std::string name;
  std::string unit;
  mapping::DeviceValue value;
  /// ns since 1970, or, when not absolute, from the time of arrival: 0, or negative for the past.
  /// Whole microseconds. A relative time in the future, which section 4.5.3 has for actuators and
  /// whose "now" is rough, is 0: what has arrived was not measured later.
  std::int64_t time = 0;
  bool is_absolute = false;
};

/// In the pack's order; records without a value (that declare a base) are not among them. kInvalid
/// says which record is wrong and how; sums and data values count as that.
rt::Result<std::vector<SenmlReading>> parse_senml_json(std::string_view text);
rt::Result<std::vector<SenmlReading>> parse_senml_cbor(std::string_view bytes);

}  // namespace fieldpost::bridge

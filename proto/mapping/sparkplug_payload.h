#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/mapping/readings_builder.h"
#include "proto/rt/result.h"
#include "proto/rt/time.h"

/// Payloads of Sparkplug B (Eclipse Sparkplug Specification 3.0, section 6.4).
namespace fieldpost::mapping {

struct SparkplugMetric {
  std::string_view name;  ///< empty: by alias. Lives as long as the payload's bytes
  std::optional<std::uint64_t> alias;
  std::optional<std::uint64_t> time_ms;
  std::uint32_t datatype = 0;  ///< 0: as in the birth
  bool is_null = false;
  /// Of whatever value field was set.
  std::uint64_t bits = 0;
  std::string_view text;
  std::uint32_t value_field = 0;  ///< field number of the value; 0: none
};

struct SparkplugPayload {
  std::optional<std::uint64_t> time_ms;
  std::optional<std::uint64_t> seq;
  std::vector<SparkplugMetric> metrics;
};

inline constexpr std::size_t kSparkplugMetricsMax = 16'384;  ///< of one payload

/// kInvalid: not a Sparkplug payload, or with too many metrics.
[[nodiscard]] rt::Result<SparkplugPayload> decode_sparkplug(std::string_view bytes);

/// The metric's value by its type (its own, or the birth's). Empty: null, or of a type that is no
/// reading (data sets, templates, bytes, arrays).
[[nodiscard]] std::optional<DeviceValue> value_of(const SparkplugMetric& metric,
                                                  std::uint32_t datatype);

/// Payload of the NCMD that asks an edge node for its births.
[[nodiscard]] std::string encode_rebirth_request(rt::UnixTime now);

}  // namespace fieldpost::mapping

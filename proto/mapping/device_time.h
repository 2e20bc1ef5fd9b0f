#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/wire/line_protocol.h"

/// Times as devices give them, in nanoseconds since 1970; nullopt: none, or out of range.
namespace fieldpost::mapping {

[[nodiscard]] std::optional<std::int64_t> device_time(std::int64_t number,
                                                      wire::Precision precision);
/// Seconds with decimals are common; doubles carry them to the microsecond in this century.
[[nodiscard]] std::optional<std::int64_t> device_time(double number, wire::Precision precision);
/// A number, or RFC 3339 whatever the precision.
[[nodiscard]] std::optional<std::int64_t> device_time(std::string_view text,
                                                      wire::Precision precision);

}  // namespace fieldpost::mapping

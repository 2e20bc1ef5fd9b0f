#pragma once

#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/rt/time.h"

namespace fieldpost::wire {

/// "2023-11-14T22:13:20.123456789Z", always with nine digits.
[[nodiscard]] std::string format_rfc3339(rt::UnixTime time);
/// The same, behind what is there.
void append_rfc3339(std::string& out, rt::UnixTime time);

/// Date and time with a zone ("Z" or "+02:00"), up to nine digits of a second; a date alone means
/// its midnight in UTC. In a query a plus sign arrives as a space: that is understood. A leap
/// second is the second after it. kInvalid for anything else, and outside the years 1678 to 2262.
[[nodiscard]] rt::Result<rt::UnixTime> parse_rfc3339(std::string_view text);

}  // namespace fieldpost::wire

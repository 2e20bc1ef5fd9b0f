#pragma once

#include <string>

#include "proto/rt/time.h"

namespace fieldpost::wire {

/// "2023-11-14T22:13:20.123456789Z", always with nine digits.
[[nodiscard]] std::string format_rfc3339(rt::UnixTime time);

}  // namespace fieldpost::wire

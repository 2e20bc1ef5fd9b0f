#pragma once

#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::rt {

/// The Error for an errno value; `doing` says what was attempted. The only reader of errno codes.
Error errno_error(int code, std::string_view doing);

}  // namespace fieldpost::rt

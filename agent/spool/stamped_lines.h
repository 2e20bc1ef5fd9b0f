#pragma once

#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

/// Moves the readings that were stamped on arrival out of `lines`, in order; those with times of
/// their own stay.
[[nodiscard]] wire::ParsedLines take_stamped(wire::ParsedLines& lines);

}  // namespace fieldpost::agent

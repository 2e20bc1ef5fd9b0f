#pragma once

#include "proto/wire/line_protocol.h"

namespace fieldpost::wire {

/// Moves the readings that were stamped on arrival out of `lines`, in order; those with times of
/// their own stay.
[[nodiscard]] ParsedLines take_stamped(ParsedLines& lines);

}  // namespace fieldpost::wire

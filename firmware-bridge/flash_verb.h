#pragma once

#include "proto/rt/daemon_main.h"

namespace fieldpost::bridge {

/// `flash`: has the bridge that runs flash a board.
[[nodiscard]] rt::DaemonVerb flash_verb();
/// `status`: what the bridge that runs says of its boards.
[[nodiscard]] rt::DaemonVerb status_verb();

}  // namespace fieldpost::bridge

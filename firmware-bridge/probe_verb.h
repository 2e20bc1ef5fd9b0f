#pragma once

#include "proto/rt/daemon_main.h"

namespace fieldpost::bridge {

/// `probe`: looks at a port by itself: what a board there sends, or why it does not. Without PORT
/// it lists the serial ports of this host.
[[nodiscard]] rt::DaemonVerb probe_verb();

}  // namespace fieldpost::bridge

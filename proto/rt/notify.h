#pragma once

#include <optional>
#include <string>

#include "proto/rt/time.h"

/// Words to the service manager; each does nothing when there is none.
namespace fieldpost::rt {

void notify_ready();
void notify_stopping();
void notify_reloading();
void notify_watchdog();
void notify_status(const std::string& line);
/// How often the service manager wants to hear from us at least; none: no watchdog is set.
[[nodiscard]] std::optional<Nanos> watchdog_interval();

}  // namespace fieldpost::rt

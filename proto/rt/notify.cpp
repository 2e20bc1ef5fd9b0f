#include "proto/rt/notify.h"

#include <systemd/sd-daemon.h>

namespace fieldpost::rt {

void notify_ready() {
  sd_notify(0, "READY=1");
}

void notify_stopping() {
  sd_notify(0, "STOPPING=1");
}

void notify_reloading() {
  sd_notify(0, "RELOADING=1");
}

void notify_watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

void notify_status(const std::string& line) {
  sd_notify(0, ("STATUS=" + line).c_str());
}

std::optional<Nanos> watchdog_interval() {
  std::uint64_t micros = 0;
  if (sd_watchdog_enabled(0, &micros) <= 0) return std::nullopt;
  return std::chrono::microseconds{micros};
}

}  // namespace fieldpost::rt

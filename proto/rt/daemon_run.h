#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "proto/rt/daemon_main.h"
#include "proto/rt/mqtt.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/stderr_log.h"

namespace fieldpost::rt {

/// Logs why a daemon cannot start, and gives its exit code.
[[nodiscard]] int fail_to_start(Log& log, const Error& error);

/// Fills the password from the first line of `file`; nothing when `file` is empty.
Status read_password(const std::string& file, MqttOptions& mqtt);

/// Where a process may not ask whether the clock is synchronised.
inline constexpr std::string_view kClockAdvice =
    "let its unit allow adjtimex and clock_adjtime (no ProtectClock, SystemCallFilter)";

struct DaemonHooks {
  std::function<void()> start;
  std::function<void()> stop;  ///< on SIGTERM and SIGINT; the loop ends after it
};

/// Runs a daemon until its loop ends: starts it, tells the service manager that it is ready and
/// feeds its watchdog, ends it on SIGTERM and SIGINT, reads the configuration again on SIGHUP, and
/// logs turns of the loop that took long, and once when it may not ask for the clock's state.
/// Everything given outlives the call.
void run_daemon(RealLoop& loop, StderrLog& log, const DaemonProgram& program,
                const DaemonCommand& command, const DaemonHooks& hooks);

}  // namespace fieldpost::rt

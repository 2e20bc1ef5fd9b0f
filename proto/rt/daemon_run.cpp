#include "proto/rt/daemon_run.h"

#include <csignal>

#include "proto/rt/config_parts.h"
#include "proto/rt/live_config.h"
#include "proto/rt/long_turns.h"
#include "proto/rt/notify.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"

namespace fieldpost::rt {
namespace {

constexpr std::size_t kPasswordFileBytesMax = 4096;

void feed_watchdog(RealLoop& loop, Nanos every) {
  notify_watchdog();
  loop.after(every, [&loop, every] { feed_watchdog(loop, every); });
}

}  // namespace

int fail_to_start(Log& log, const Error& error) {
  log.error("{}", error.message);
  return exit_code_of(error.code);
}

Status read_password(const std::string& file, MqttOptions& mqtt) {
  if (file.empty()) return ok();
  SystemFiles files;
  const auto text = files.read(file, 0, kPasswordFileBytesMax);
  if (!text) return text.error();
  mqtt.password = text->substr(0, text->find_first_of("\r\n"));
  return ok();
}

void run_daemon(RealLoop& loop, StderrLog& log, const DaemonProgram& program,
                const DaemonCommand& command, const DaemonHooks& hooks) {
  loop.on_signals({SIGINT, SIGTERM}, [&](int) {
    notify_stopping();
    hooks.stop();
    loop.stop();
  });
  LiveConfig live(
      *program.schema, command.config, log,
      {[&program](const Config& fresh) { return check_config(program, fresh); },
       [&log](const Config& fresh) { log.set_level(read_log_level(fresh.section("log"))); }});
  loop.on_signals({SIGHUP}, [&](int) {
    notify_reloading();
    live.take(reload_config(*program.schema, command));
    notify_ready();
  });
  LongTurns long_turns;
  loop.on_long_turn([&](Nanos took) {
    if (const auto line = long_turns.add(took, loop.now())) log.warning("{}", *line);
  });
  for (const std::string& what : list_insecure(*program.schema, command.config)) {
    log.warning("{}", what);
  }
  if (const auto asked = SystemClock().try_synchronised(); !asked) {
    log.warning("{}: the clock counts as not synchronised; {}", asked.error().message,
                kClockAdvice);
  }
  hooks.start();
  notify_ready();
  if (const auto every = watchdog_interval()) feed_watchdog(loop, *every / 2);
  loop.run();
}

}  // namespace fieldpost::rt

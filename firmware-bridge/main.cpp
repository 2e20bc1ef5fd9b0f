// fieldpost-bridge: joins microcontrollers to the agent of their host.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "firmware-bridge/bridge.h"
#include "firmware-bridge/config.h"
#include "firmware-bridge/flash/avrdude.h"
#include "firmware-bridge/flash_verb.h"
#include "firmware-bridge/ports/real_modbus_links.h"
#include "firmware-bridge/ports/real_ports.h"
#include "firmware-bridge/probe_verb.h"
#include "proto/rt/config_parts.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/daemon_run.h"
#include "proto/rt/process_lock.h"
#include "proto/rt/process_spawner.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/real_streams.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"

namespace {

using namespace fieldpost;          // NOLINT: a program's own file
using namespace fieldpost::bridge;  // NOLINT

/// The operating system's side of the bridge; dropped last.
struct World {
  explicit World(rt::LogLevel level)
      : log({level, rt::StderrLog::stderr_is_journal()}),
        streams(loop),
        spawner(loop),
        ports(loop, clock),
        modbus(loop),
        avrdude(loop, spawner) {}
  rt::RealLoop loop;
  rt::SystemClock clock;
  rt::SystemFiles files;
  rt::StderrLog log;
  rt::RealStreams streams;
  rt::ProcessSpawner spawner;
  RealPorts ports;
  RealModbusLinks modbus;
  Avrdude avrdude;
};

void warn_insecure(rt::Log& log, const BridgeConfig& config) {
  for (const DeviceConfig& device : config.devices) {
    const PortAddress& address = device.address;
    if (!address.is_listened_at() || rt::is_loopback_host(address.host)) continue;
    log.warning("device {}: {} takes readings of whoever reaches it: allow_insecure is on",
                device.name, address.text());
  }
}

rt::Status check_config(const rt::Config& config) {
  const auto read = read_bridge_config(config);
  return read ? rt::ok() : rt::Status(read.error());
}

int run(const BridgeConfig& config, const rt::DaemonProgram& program,
        const rt::DaemonCommand& command) {
  World world(config.log_level);
  if (auto done = world.files.make_directories(config.state_directory); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  // Two bridges on one journal would write back each other's images.
  const auto lock = rt::lock_directory(config.state_directory, program.name);
  if (!lock) return rt::fail_to_start(world.log, lock.error());
  auto bridge = Bridge::make(
      {world.loop, world.clock, world.log, world.files, world.streams, world.ports, world.modbus,
       world.avrdude, [](const PortAddress& address) { return find_serial_path(address); }},
      config);
  if (!bridge) return rt::fail_to_start(world.log, bridge.error());
  const auto start = [&] {
    warn_insecure(world.log, config);
    if (config.devices.empty()) {
      world.log.warning("no [[device]] is configured: `fieldpost-bridge probe` lists the ports");
    }
    const std::size_t count = config.devices.size();
    world.log.info("bridge of {} {} started, version {}", count, count == 1 ? "board" : "boards",
                   rt::version_text());
  };
  rt::run_daemon(world.loop, world.log, program, command, {start, [&] { bridge->reset(); }});
  return rt::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  rt::DaemonProgram program{"fieldpost-bridge",
                            "Joins microcontrollers to the agent of this machine.",
                            "/etc/fieldpost/bridge.toml",
                            &bridge_schema(),
                            check_config,
                            {probe_verb(), flash_verb(), status_verb()}};
  int exit_code = 0;
  auto command = rt::read_command_line(program, argc, argv, exit_code);
  if (!command) return exit_code;
  auto config = read_bridge_config(command->config);
  return run(*config, program, *command);
}

// fieldpost-agent: the node daemon.
#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/agent.h"
#include "agent/agent_verbs.h"
#include "agent/board_flash.h"
#include "agent/builds/builds.h"
#include "agent/config.h"
#include "agent/sources/exec.h"
#include "agent/sources/file_drop.h"
#include "agent/sources/file_tail.h"
#include "agent/sources/host_metrics.h"
#include "agent/sources/http_blobs.h"
#include "agent/sources/http_routes.h"
#include "agent/sources/http_write.h"
#include "agent/sources/line_socket.h"
#include "agent/sources/mqtt_topics.h"
#include "agent/spool/open_spool.h"
#include "proto/rt/asio_http.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/daemon_run.h"
#include "proto/rt/paho_mqtt.h"
#include "proto/rt/process_lock.h"
#include "proto/rt/process_spawner.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/real_streams.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "proto/rt/system_random.h"
#include "proto/rt/thread_worker.h"

namespace {

using namespace fieldpost;         // NOLINT: a program's own file
using namespace fieldpost::agent;  // NOLINT

/// Of all HTTP requests at once; more: 503. The unit ends the agent at 256 MiB (MemoryMax), and
/// beside the requests it holds up to 32 MiB of readings, what encoding and SQLite take, and a few
/// pieces of bodies. More than the 64 MiB that each door holds, so that one of them that is full
/// does not shut the others.
constexpr std::size_t kHttpBodiesBytesMax = 96 << 20;
static_assert(kHttpBodiesBytesMax > HttpBlobs::kBodyBytesMax);

/// The operating system's side of the agent; dropped last.
struct World {
  explicit World(const AgentConfig& config)
      : client_id(fmt::format("fp-{}-{}", config.uplink.site, config.uplink.node)),
        log({config.log_level, rt::StderrLog::stderr_is_journal()}),
        store(std::make_unique<rt::ThreadWorker>(loop)),
        encoder(std::make_unique<rt::ThreadWorker>(loop)),
        mqtt(loop),
        streams(loop),
        spawner(loop),
        http(loop, clock) {}
  std::string client_id;
  rt::RealLoop loop;
  rt::SystemClock clock;
  rt::SystemRandom random;
  rt::SystemFiles files;
  rt::StderrLog log;
  std::unique_ptr<rt::ThreadWorker> store, encoder;
  rt::PahoMqtt mqtt;
  std::vector<std::unique_ptr<rt::PahoMqtt>> device_links;  ///< one for each mqtt_topics
  rt::RealStreams streams;
  rt::ProcessSpawner spawner;
  rt::AsioHttpServer http;
};

rt::Status add_line_socket(Agent& agent, World& world, const LineSocketConfig& config) {
  auto socket = LineSocket::listen(agent.line_ports(), world.streams, config);
  if (!socket) return socket.error();
  world.log.info("lines are taken at {}", config.path);
  agent.add_source(std::move(*socket));
  return rt::ok();
}

/// A client of its own, even on the same broker: what devices send must not wait for records.
rt::Status add_mqtt_topics(Agent& agent, World& world, MqttSourceConfig config) {
  auto& broker = config.topics.broker;
  broker.client_id = fmt::format("{}-devices-{}", world.client_id, world.device_links.size());
  if (auto done = rt::read_password(config.password_file, broker); !done) return done;
  config.topics.certificate_time = [&agent](std::uint64_t attempt) {
    return agent.uplink().certificate_time(attempt);
  };
  world.device_links.push_back(std::make_unique<rt::PahoMqtt>(world.loop));
  auto source = MqttTopics::make(
      {world.loop, world.clock, world.random, *world.device_links.back(), agent.front()},
      std::move(config.topics));
  if (!source) return source.error();
  agent.add_source(std::move(*source));
  return rt::ok();
}

rt::Status add_source(Agent& agent, World& world, const SourceConfig& config) {
  if (const auto* host = std::get_if<HostMetricsConfig>(&config)) {
    agent.add_source(
        std::make_unique<HostMetrics>(world.loop, world.clock, world.files, agent.front(), *host));
    return rt::ok();
  }
  if (const auto* exec = std::get_if<ExecConfig>(&config)) {
    agent.add_source(std::make_unique<Exec>(agent.line_ports(), world.spawner, *exec));
    return rt::ok();
  }
  if (const auto* file = std::get_if<FileTailConfig>(&config)) {
    auto tail = FileTail::make(agent.line_ports(), world.files, *file);
    if (!tail) return tail.error();
    agent.add_source(*std::move(tail));
    return rt::ok();
  }
  if (const auto* drop = std::get_if<FileDropConfig>(&config)) {
    agent.add_source(
        std::make_unique<FileDrop>(agent.line_ports(), world.files, agent.bodies(), *drop));
    return rt::ok();
  }
  if (const auto* devices = std::get_if<MqttSourceConfig>(&config)) {
    return add_mqtt_topics(agent, world, *devices);
  }
  return add_line_socket(agent, world, std::get<LineSocketConfig>(config));
}

rt::Result<std::unique_ptr<rt::HttpListener>> listen_http(Agent& agent, World& world,
                                                          const AgentConfig& config) {
  auto made = HttpRoutes::make(agent.line_ports(), config.routes);
  if (!made) return made.error();
  std::shared_ptr<HttpRoutes> routes = *std::move(made);
  auto source = std::make_unique<HttpWrite>(agent.line_ports());
  auto blobs = std::make_unique<HttpBlobs>(agent.line_ports(), agent.bodies(), config.uplink.node);
  HttpWrite* door = source.get();
  HttpBlobs* blob_door = blobs.get();
  rt::HttpServerOptions options;
  options.listen = config.listen_http;
  options.bodies_bytes_max = kHttpBodiesBytesMax;
  auto listener = world.http.listen(
      options, [door, blob_door, routes](rt::HttpRequest request,
                                         std::shared_ptr<rt::HttpResponder> responder) {
        if (HttpBlobs::is_for(request)) {
          blob_door->handle(std::move(request), std::move(responder));
        } else if (!routes->try_handle(request, responder)) {
          door->handle(std::move(request), std::move(responder));
        }
      });
  if (!listener) return listener;
  agent.add_source(std::move(source));
  agent.add_source(std::move(blobs));
  for (auto& route : routes->make_sources()) agent.add_source(std::move(route));
  return listener;
}

/// null: this node runs no jobs.
std::unique_ptr<Builds> add_builds(Agent& agent, World& world, const AgentConfig& config) {
  if (config.runner_socket.empty()) return nullptr;
  auto builds =
      std::make_unique<Builds>(BuildPorts{world.loop, world.clock, world.streams, world.log},
                               agent.front(), agent.bodies(), config.runner_socket);
  agent.set_builds(*builds);
  world.log.info("jobs go to the runner at {}", config.runner_socket);
  return builds;
}

/// A spool that turned out damaged is salvaged at the next start: the process ends for it.
void watch_spool(World& world, Agent& agent, bool& salvage) {
  world.loop.after(rt::Seconds(1), [&] {
    if (!agent.front().needs_salvage()) {
      watch_spool(world, agent, salvage);
      return;
    }
    world.log.error("the spool is damaged: ending, to salvage it at the next start");
    salvage = true;
    agent.stop();
    world.loop.stop();
  });
}

rt::Status check_config(const rt::Config& config) {
  const auto read = read_agent_config(config);
  return read ? rt::ok() : rt::Status(read.error());
}

int run(AgentConfig config, const rt::DaemonProgram& program, const rt::DaemonCommand& command) {
  World world(config);
  config.uplink.version = rt::version_text();
  config.uplink.built = rt::build_time();
  if (auto done = rt::read_password(config.mqtt_password_file, config.uplink.mqtt); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  if (auto done = world.files.make_directories(config.spool_directory); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  // Two processes on one spool would be two machines that are one node.
  const auto lock = rt::lock_directory(config.spool_directory, program.name);
  if (!lock) return rt::fail_to_start(world.log, lock.error());
  auto spool = open_spool(config.spool.path, "", world.files, world.random, world.log);
  if (!spool) return rt::fail_to_start(world.log, spool.error());
  if (auto done = spool->reserve_space(); !done) {
    world.log.warning("no space set aside for when the disk is full: {}", done.error().message);
  }
  BoardFlash board_flash(world.loop, world.streams, world.log, config.bridge_sockets);
  Agent agent({world.loop, world.clock, world.random, world.mqtt, *world.store, *world.encoder,
               world.files, world.log},
              config.spool, config.uplink, std::move(*spool));
  agent.set_board_flash(board_flash);
  const auto builds = add_builds(agent, world, config);
  std::unique_ptr<rt::HttpListener> http;
  if (!config.listen_socket.empty()) {
    if (auto done = add_line_socket(agent, world, {config.listen_socket}); !done) {
      return rt::fail_to_start(world.log, done.error());
    }
  }
  if (!config.listen_http.empty()) {
    auto listener = listen_http(agent, world, config);
    if (!listener) return rt::fail_to_start(world.log, listener.error());
    http = std::move(*listener);
    world.log.info("InfluxDB writes and blobs are taken at http://{}{}", http->address(),
                   rt::trust_words(http->address()));
  }
  for (const SourceConfig& source : config.sources) {
    if (auto done = add_source(agent, world, source); !done)
      return rt::fail_to_start(world.log, done.error());
  }
  bool salvage = false;
  const auto start = [&] {
    watch_spool(world, agent, salvage);
    agent.start();
    world.log.info("{} of site {} started, version {}", config.uplink.node, config.uplink.site,
                   config.uplink.version);
  };
  const auto stop = [&] {
    http.reset();
    agent.stop();
  };
  rt::run_daemon(world.loop, world.log, program, command, {start, stop});
  // The store thread finishes what it is at before the spool goes.
  world.store.reset();
  world.encoder.reset();
  if (auto saved = agent.front().save_memory(); !saved && !salvage) {
    world.log.error("writing what is in memory to the spool: {}", saved.error().message);
  }
  return salvage ? rt::kExitFailed : rt::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  rt::DaemonProgram program{
      "fieldpost-agent",
      "Keeps readings in a local spool and delivers them exactly once.",
      "/etc/fieldpost/agent.toml",
      &agent_schema(),
      check_config,
      {{"doctor", "looks for what keeps it from its work", {"--json"}, run_doctor},
       {"adopt",
        "forgets the coordinator it is pinned to; the next one is pinned",
        {"--yes", "--json"},
        run_adopt}}};
  int exit_code = 0;
  auto command = rt::read_command_line(program, argc, argv, exit_code);
  if (!command) return exit_code;
  auto config = read_agent_config(command->config);
  return run(std::move(*config), program, *command);
}

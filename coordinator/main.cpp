// fieldpost-coordinator: the central daemon.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "coordinator/config.h"
#include "coordinator/coordinator.h"
#include "coordinator/experiments/health_desk.h"
#include "coordinator/experiments/sampling_desk.h"
#include "coordinator/http/api.h"
#include "coordinator/nodes/site_view.h"
#include "coordinator/store/blob_path.h"
#include "coordinator/store/store_file.h"
#include "proto/rt/asio_http.h"
#include "proto/rt/daemon_doctor.h"
#include "proto/rt/daemon_main.h"
#include "proto/rt/daemon_run.h"
#include "proto/rt/paho_mqtt.h"
#include "proto/rt/process_lock.h"
#include "proto/rt/real_loop.h"
#include "proto/rt/stderr_log.h"
#include "proto/rt/system_clock.h"
#include "proto/rt/system_files.h"
#include "proto/rt/system_random.h"
#include "proto/rt/thread_worker.h"

namespace {

using namespace fieldpost;               // NOLINT: a program's own file
using namespace fieldpost::coordinator;  // NOLINT

constexpr std::size_t kSensorDefaultsBytesMax = 4 << 20;

/// The operating system's side of the coordinator; dropped last.
struct World {
  explicit World(const CoordinatorConfig& config)
      : log({config.log_level, rt::StderrLog::stderr_is_journal()}),
        store(std::make_unique<rt::ThreadWorker>(loop)),
        encoder(std::make_unique<rt::ThreadWorker>(loop)),
        questions(std::make_unique<rt::ThreadWorker>(loop)),
        exporter(std::make_unique<rt::ThreadWorker>(loop)),
        importer(std::make_unique<rt::ThreadWorker>(loop)),
        bodies(std::make_unique<rt::ThreadWorker>(loop)),
        mqtt(loop),
        http(loop, clock) {}
  rt::RealLoop loop;
  rt::SystemClock clock;
  rt::SystemRandom random;
  rt::SystemFiles files;
  rt::StderrLog log;
  std::unique_ptr<rt::ThreadWorker> store, encoder, questions, exporter, importer, bodies;
  rt::PahoMqtt mqtt;
  rt::AsioHttpServer http;
};

/// The key that signs what goes to nodes: made at the first start, readable by us alone.
rt::Result<wire::SigningKey> load_key(World& world, const std::string& directory) {
  const std::string path = directory + "/signing.key";
  auto text = world.files.read(path, 0, 256);
  if (text) {
    auto key = wire::SigningKey::from_seed_hex(text->substr(0, text->find_first_of("\r\n")));
    if (!key) return rt::Error{key.error().code, fmt::format("{}: {}", path, key.error().message)};
    return key;
  }
  if (text.error().code != rt::Errc::kNotFound) return text.error();
  const auto key = wire::SigningKey::make(world.random);
  if (auto done = world.files.write_durably(path, key.seed_hex() + "\n", 0600); !done) {
    return done.error();
  }
  world.log.info("made a signing key in {}", path);
  return key;
}

/// What new sensor configs begin with; an empty path: nothing.
rt::Result<std::vector<Sensor>> load_default_sensors(World& world, const std::string& path) {
  if (path.empty()) return std::vector<Sensor>();
  const auto text = world.files.read(path, 0, kSensorDefaultsBytesMax);
  if (!text) return text.error();
  auto sensors = parse_sensors(*text);
  if (sensors) return sensors;
  return rt::Error{rt::Errc::kInvalid, fmt::format("{}: {}", path, sensors.error().message)};
}

rt::Status check_config(const rt::Config& config) {
  const auto read = read_coordinator_config(config);
  return read ? rt::ok() : rt::Status(read.error());
}

int run(CoordinatorConfig config, const rt::DaemonProgram& program,
        const rt::DaemonCommand& command) {
  World world(config);
  config.options.version = rt::version_text();
  if (auto done = rt::read_password(config.mqtt_password_file, config.options.mqtt); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  if (auto done = world.files.make_directories(config.store_directory); !done) {
    return rt::fail_to_start(world.log, done.error());
  }
  // One coordinator a store.
  const auto lock = rt::lock_directory(config.store_directory, program.name);
  if (!lock) return rt::fail_to_start(world.log, lock.error());
  auto key = load_key(world, config.store_directory);
  if (!key) return rt::fail_to_start(world.log, key.error());
  const std::string path = config.store_directory + "/" + kStoreFileName;
  config.store.files = &world.files;
  config.store.blob_directory = config.store_directory + "/" + kBlobDirectoryName;
  auto store = Store::open(path, "", config.store, world.random, world.clock.now());
  if (!store) return rt::fail_to_start(world.log, store.error());
  auto readings = ReadingQuery::open(path, "");
  if (!readings) return rt::fail_to_start(world.log, readings.error());
  auto studies_reader = StudyReader::open(path, "");
  if (!studies_reader) return rt::fail_to_start(world.log, studies_reader.error());
  auto export_reader = StudyReader::open(path, "");
  if (!export_reader) return rt::fail_to_start(world.log, export_reader.error());
  auto sensors = load_default_sensors(world, config.sensor_defaults);
  if (!sensors) return rt::fail_to_start(world.log, sensors.error());
  auto ledger = LedgerQuery::open(path, "");
  if (!ledger) return rt::fail_to_start(world.log, ledger.error());

  Coordinator coordinator(world.loop, world.clock, world.random, world.mqtt, *world.store,
                          *world.encoder, world.log, *key, config.options, std::move(*store));
  QueryDesk desk(*world.questions, std::move(*readings));
  StudyDesk studies(*world.questions, *std::move(studies_reader),
                    [&coordinator](StudyDesk::Job job, std::function<void(rt::Status)> done) {
                      coordinator.change_studies(std::move(job), std::move(done));
                    });
  ExportDesk exports(
      {world.loop, world.clock, world.random, *world.exporter, world.files, world.log, studies},
      *std::move(export_reader), config.store_directory + "/exports", config.options.version);
  ImportDesk imports({world.loop, world.clock, *world.importer, world.files, world.log, studies,
                      [&coordinator](auto job, auto done) {
                        coordinator.run_store(std::move(job), std::move(done));
                      }},
                     config.store_directory + "/imports");
  SiteView view(world.loop, *world.questions, coordinator, std::move(*ledger), config.options.site);
  HealthDesk health(world.loop, world.clock, world.log, studies, view);
  SamplingDesk sampling(world.loop, world.clock, world.log, studies,
                        [&coordinator](const std::string& node, const SamplingIntervals& every_s,
                                       std::function<void(rt::Status)> done) {
                          coordinator.tell_sampling(node, every_s, std::move(done));
                        });
  std::unique_ptr<rt::HttpListener> http;
  Api api({.view = view,
           .desk = desk,
           .studies = studies,
           .exports = exports,
           .imports = imports,
           .loop = world.loop,
           .parser = *world.encoder,
           .bodies = *world.bodies,
           .clock = world.clock,
           .random = world.random,
           .log = world.log,
           .files = world.files,
           .blob_directory = config.store.blob_directory,
           .upload_directory = config.store_directory + "/" + kUploadDirectoryName,
           .version = config.options.version,
           .http_counters = [&http] { return http ? http->counters() : rt::HttpCounters{}; },
           .default_sensors = *std::move(sensors),
           .routes = config.routes});
  rt::HttpServerOptions options;
  options.listen = config.listen_http;
  auto listener = world.http.listen(
      options, [&api](rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
        api.handle(std::move(request), std::move(responder));
      });
  if (!listener) return rt::fail_to_start(world.log, listener.error());
  http = std::move(*listener);

  const auto start = [&] {
    coordinator.start();
    exports.start();
    imports.start();
    health.start();
    sampling.start();
    world.log.info("site {} started, version {}; web and API at http://{}/{}", config.options.site,
                   config.options.version, http->address(), rt::trust_words(http->address()));
  };
  const auto stop = [&] {
    http.reset();
    coordinator.stop();
  };
  rt::run_daemon(world.loop, world.log, program, command, {start, stop});
  // Threads finish what they are at before what they work on goes.
  world.store.reset();
  world.questions.reset();
  world.exporter.reset();
  world.importer.reset();
  world.bodies.reset();
  world.encoder.reset();
  return rt::kExitDone;
}

int examine(const rt::DaemonCommand& command) {
  const auto config = read_coordinator_config(command.config);
  FP_CHECK(config.has_value());  // or it had not come so far
  rt::Examination examination;
  examination.good("the configuration is valid");
  const bool runs =
      rt::examine_state(examination, config->store_directory, "fieldpost-coordinator");
  rt::examine_address(examination, config->listen_http, runs);
  rt::examine_broker(examination, config->options.mqtt, config->mqtt_password_file);
  rt::examine_clock(examination);
  return examination.tell(command.has("--json"));
}

}  // namespace

int main(int argc, char** argv) {
  rt::DaemonProgram program{
      "fieldpost-coordinator",
      "Stores what nodes deliver exactly once, and answers questions.",
      "/etc/fieldpost/coordinator.toml",
      &coordinator_schema(),
      check_config,
      {{"doctor", "looks for what keeps it from its work", {"--json"}, examine}}};
  int exit_code = 0;
  auto command = rt::read_command_line(program, argc, argv, exit_code);
  if (!command) return exit_code;
  auto config = read_coordinator_config(command->config);
  return run(std::move(*config), program, *command);
}

#include "tests/sim/sim_site.h"

#include <utility>

namespace fieldpost::sim {

namespace {

constexpr rt::Nanos kNever = std::chrono::hours(24 * 365);

}  // namespace

SimSite::SimSite(SimWorld& world, SimBroker& broker)
    : world_(world),
      broker_(broker),
      vfs_(disk_, "site"),
      clock_(world, "site"),
      log_(world, "coordinator"),
      dice_(world.dice("site")),
      key_([&] {
        SimRandom random(world.dice("signing key"));
        return wire::SigningKey::make(random);
      }()) {}

SimSite::~SimSite() {
  end(false);
}

void SimSite::start() {
  if (process_) return;
  if (disk_.is_stopped()) disk_.restart_after_kill();  // it died while it was opening the store
  auto process = std::make_unique<Process>();
  process->loop = std::make_unique<SimLoop>(world_, clock_.uptime());
  process->random = std::make_unique<SimRandom>(world_.dice("random site"));
  store_options_.files = &files_;
  store_options_.blob_directory = kBlobDirectory;
  auto store =
      coordinator::Store::open(path_, vfs_.name(), store_options_, *process->random, clock_.now());
  if (!store) {
    log_.error("opening the store: {}", store.error().message);
    world_.schedule(rt::Seconds(5), [this] { start(); });
    return;
  }
  process->mqtt = std::make_unique<SimMqtt>(*process->loop, broker_);
  process->store = std::make_unique<SimWorker>(*process->loop, dice_.fork());
  process->encoder = std::make_unique<SimWorker>(*process->loop, dice_.fork());
  coordinator::CoordinatorOptions options;
  options.site = "lab";
  options.version = "test";
  options.mqtt.keepalive = rt::Seconds(15);
  options.credit = credit_;
  if (!compacts_) options.compaction_every = kNever;
  // Short enough that declaring is part of a run.
  options.unconfirmed_for = std::chrono::hours(7 * 24);
  process->coordinator = std::make_unique<coordinator::Coordinator>(
      *process->loop, clock_, *process->random, *process->mqtt, *process->store, *process->encoder,
      log_, key_, options, std::move(*store));
  process_ = std::move(process);
  process_->coordinator->start();
}

void SimSite::end(bool power) {
  if (!process_) return;
  disk_.stop();
  if (power) broker_.lose_power("fp-lab-_coordinator");
  process_->loop->kill();
  process_->coordinator.reset();
  process_->store.reset();
  process_->encoder.reset();
  process_->mqtt.reset();
  process_.reset();
  if (power) {
    disk_.restart_after_power_cut(dice_);
    clock_.reboot();
  } else {
    disk_.restart_after_kill();
  }
}

void SimSite::kill() {
  end(false);
}

void SimSite::power_cut() {
  end(true);
}

void SimSite::set_back() {
  end(false);
  if (disk_.is_stopped()) disk_.restart_after_kill();
  disk_.restore(*saved_);
  start();
}

std::int64_t SimSite::number(std::string_view sql) {
  kill();
  rt::DatabaseOptions options;
  options.vfs = vfs().name();
  auto db = rt::Database::open(path(), options);
  FP_CHECK(db.has_value());
  rt::Statement& row = db->prepare(sql);
  const auto found = row.step();
  FP_CHECK(found.has_value() && *found);
  const std::int64_t value = row.i64(0);
  row.reset();
  return value;
}

}  // namespace fieldpost::sim

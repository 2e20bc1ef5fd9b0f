#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/coordinator.h"
#include "tests/sim/sim_node.h"

namespace fieldpost::sim {

inline constexpr const char* kBlobDirectory = "/store/blobs";

/// The machine of the coordinator: disk, clock, and (while it runs) the process.
class SimSite {
 public:
  SimSite(SimWorld& world, SimBroker& broker);
  ~SimSite();
  void set_credit(const coordinator::CreditOptions& credit) { credit_ = credit; }  ///< at the start
  /// At the start: batches stay as they came, so that a checker can count them.
  void set_never_compacts() { compacts_ = false; }
  void set_store(const coordinator::StoreOptions& options) {
    store_options_ = options;
  }  ///< so, too
  void start();
  void kill();
  void power_cut();
  /// The first number that `sql` gives of the store; the site is down afterwards.
  [[nodiscard]] std::int64_t number(std::string_view sql);
  [[nodiscard]] bool running() const { return process_ != nullptr; }
  void save() { saved_ = disk_.snapshot(); }
  [[nodiscard]] bool has_saved() const { return saved_.has_value(); }
  void set_back();  ///< the store goes back to what was saved, and starts on it
  [[nodiscard]] SimDisk& disk() { return disk_; }
  [[nodiscard]] SimVfs& vfs() { return vfs_; }
  [[nodiscard]] SimFiles& files() { return files_; }
  [[nodiscard]] SimLog& log() { return log_; }
  [[nodiscard]] SimWallClock& clock() { return clock_; }
  [[nodiscard]] coordinator::Coordinator* coordinator() {
    return process_ ? process_->coordinator.get() : nullptr;
  }
  /// From now on, until the process ends.
  void slow_store(SimWorkerDelays delays) { process_->store->set_delays(delays); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const wire::SigningKey& key() const { return key_; }

 private:
  struct Process {
    std::unique_ptr<SimLoop> loop;
    std::unique_ptr<SimRandom> random;
    std::unique_ptr<SimMqtt> mqtt;
    std::unique_ptr<SimWorker> store, encoder;
    std::unique_ptr<coordinator::Coordinator> coordinator;
  };
  void end(bool power);

  SimWorld& world_;
  SimBroker& broker_;
  std::string path_ = "/store/store.db";
  SimDisk disk_;
  SimFiles files_{disk_};
  SimVfs vfs_;
  SimWallClock clock_;
  SimLog log_;
  Dice dice_;
  wire::SigningKey key_;
  coordinator::CreditOptions credit_;
  bool compacts_ = true;
  coordinator::StoreOptions store_options_;
  std::unique_ptr<Process> process_;
  std::optional<SimDisk::Image> saved_;
};

/// What the store says, read from its file by plain SQL: written outside the product.
struct StoreAudit {
  std::vector<std::string> faults;  ///< sentences; empty when all is well
  std::size_t stored = 0, gapped = 0, unconfirmed = 0, not_accepted = 0;
};

/// Compares the store with what the machines of node `node` took in. The store's process must have
/// stopped or be idle. `disk_lost`: a machine's disk went away or back in this run; what was only
/// on it, and of which the store was never told, nobody can count.
[[nodiscard]] StoreAudit audit(SimSite& site, const Ledgerbook& book, const std::string& node,
                               bool disk_lost);

/// What must hold of the store at any instant at which its process dies: a reading is there if and
/// only if a name of it is settled as stored. Reads a copy of the disk, for the time being as the
/// next process will find it.
[[nodiscard]] std::vector<std::string> audit_death(const SimDisk& disk, const std::string& path,
                                                   const Ledgerbook& book);

}  // namespace fieldpost::sim

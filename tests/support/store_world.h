#pragma once

#include <memory>
#include <optional>
#include <string>

#include "coordinator/query/ledger_query.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/store.h"
#include "tests/support/sim/dice.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::test {

inline constexpr rt::UnixTime kStoreNow{1'767'225'600'000'000'000};  // 2026-01-01
inline constexpr wire::IncarnationId kStoreIncarnation{{7, 7}, 1};

/// A coordinator's store on a simulated disk of its own. One at a time.
class StoreWorld {
 public:
  /// The store of a site that knows one incarnation of the node "n1".
  explicit StoreWorld(rt::UnixTime now = kStoreNow, coordinator::StoreOptions options = {});

  /// The coordinator ends and starts again.
  void restart(rt::UnixTime now);
  void power_cut(rt::UnixTime now);  ///< while it ran; and starts. Nobody else has it open
  void save();
  void set_back(rt::UnixTime now);  ///< to what was saved, and starts

  /// First column of the first row, or nothing.
  std::optional<std::int64_t> number(const std::string& sql);
  std::string text(const std::string& sql);

  coordinator::Store& store() { return *store_; }
  coordinator::Ledger& ledger() { return store().ledger(); }
  coordinator::Ingest& ingest() { return store().ingest(); }
  coordinator::NodeNo node();
  [[nodiscard]] rt::Result<coordinator::LedgerQuery> make_ledger_query();
  [[nodiscard]] rt::Result<coordinator::ReadingQuery> make_reading_query();
  sim::SimDisk& disk() { return disk_; }
  sim::SimFiles& files() { return files_; }

 private:
  void open(rt::UnixTime now);

  sim::SimDisk disk_;
  sim::SimFiles files_{disk_};
  sim::SimVfs vfs_{disk_, "store-world"};
  sim::SimRandom random_{sim::Dice(1)};
  sim::Dice dice_{2};
  sim::SimDisk::Image saved_;
  coordinator::StoreOptions options_;
  std::unique_ptr<coordinator::Store> store_;
};

}  // namespace fieldpost::test

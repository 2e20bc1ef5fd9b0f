#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/eraser.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/store.h"
#include "coordinator/store/studies.h"
#include "proto/rt/sqlite.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_vfs.h"

namespace fieldpost::test {

/// Compacts whatever is there.
inline constexpr coordinator::CompactionLimits kCompactAll{
    .batches_min = 1, .age_max_ns = 0, .readings_max = 500'000};

[[nodiscard]] std::shared_ptr<const wire::SeriesSet> make_set(std::vector<std::string> keys);

/// A record as the door would hand it on. Zero boot: good times.
[[nodiscard]] coordinator::ReadingBatch make_batch(coordinator::NodeNo node, wire::Rank rank,
                                                   std::shared_ptr<const wire::SeriesSet> set,
                                                   wire::Columns columns, wire::Id128 boot = {});

/// A store on a simulated disk of its own, with queries over a connection of their own.
class ReadingWorld {
 public:
  ReadingWorld();

  void open();
  void close();
  coordinator::NodeNo add_node(const std::string& name);
  /// In a transaction of its own.
  void add(const coordinator::ReadingBatch& batch, rt::UnixTime now = {});
  /// Steps until nothing is worth doing.
  void compact(const coordinator::CompactionLimits& limits = kCompactAll);
  /// As one of everything up to these marks; its gap.
  std::int64_t delete_readings(const coordinator::DeletionScope& scope,
                               const std::vector<wire::Rank>& marks, std::uint64_t ordinal_max = 0);
  /// Steps until nothing is left to take out; how many readings went.
  std::uint64_t erase(const coordinator::RetentionRules& rules = {}, rt::UnixTime now = {});
  /// First column of the first row, or nothing.
  std::optional<std::int64_t> number(const std::string& sql);
  void execute(const std::string& sql);

  rt::Database& db() { return *db_; }
  coordinator::ReadingStore& store() { return *store_; }
  coordinator::Eraser& eraser() { return *eraser_; }
  coordinator::ReadingQuery& query() { return *query_; }
  sim::SimDisk& disk() { return disk_; }
  [[nodiscard]] std::unique_ptr<coordinator::StudyReader> make_reader();
  /// Runs a job on studies in a transaction, as the coordinator does.
  rt::Status change_studies(const std::function<rt::Status(coordinator::Studies&)>& job);
  /// Runs a job on a whole store over the same file. It and the one of `store` do not know of each
  /// other: what a test writes comes from one of them at a time.
  rt::Status run_store(const std::function<rt::Status(coordinator::Store&)>& job);
  /// One more beside `query`, for whoever needs one of its own.
  [[nodiscard]] coordinator::ReadingQuery make_query();
  /// All pages of it, or less.
  std::vector<coordinator::Reading> all(coordinator::SeriesId series, std::size_t page = 1'000'000);

 private:
  sim::SimDisk disk_;
  sim::SimVfs vfs_;
  sim::SimFiles files_{disk_};
  std::optional<rt::Database> db_;
  std::unique_ptr<coordinator::ReadingStore> store_;
  std::optional<coordinator::Eraser> eraser_;
  std::unique_ptr<coordinator::Store> whole_;
  std::optional<coordinator::ReadingQuery> query_;
};

}  // namespace fieldpost::test

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/imports/import_request.h"
#include "coordinator/imports/import_run.h"
#include "coordinator/store/import_table.h"
#include "coordinator/store/store.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

struct ImportDeskPorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Worker& worker;  ///< of its own: an import must not hold up questions
  rt::Files& files;
  rt::Log& log;
  StudyDesk& studies;
  /// Runs a job on the store's thread, then `done` on the loop.
  std::function<void(std::function<rt::Status(Store&)> job, std::function<void(rt::Status)> done)>
      store;
};

struct ImportProgress {
  ImportPhase phase = ImportPhase::kChecking;
  double part = 0;  ///< of the phase, 0 to 1
  std::uint64_t readings = 0, rows_bad = 0;
};

/// An import, and how much of its file is here.
struct ImportUpload {
  ImportRow row;
  std::uint64_t received = 0;
};

/// Takes files in pieces, and brings them in one after the other, oldest first; those that a stop
/// of the process cut off go on after `start`. Files lie in one directory until they are in. Loop
/// thread; outlives the worker's jobs.
class ImportDesk {
 public:
  static constexpr std::size_t kUnfinishedMax = 64;
  /// An upload that is not touched for longer gives way to a new import that finds no place.
  static constexpr std::int64_t kStalledNs = 3'600'000'000'000;
  static constexpr std::uint64_t kFreeBytesLeast = 1 << 30;  ///< left on the disk
  /// Files of uploads that nobody goes on with, and of imports that failed, go after it.
  static constexpr std::int64_t kFilesKeepNs = 7 * 86'400'000'000'000;
  static constexpr rt::Seconds kSweepEvery{86'400};  ///< looked for; also at the start

  ImportDesk(ImportDeskPorts ports, std::string directory);
  ~ImportDesk();
  void start();

  using OnUpload = std::function<void(rt::Result<ImportUpload>)>;
  /// Enters it; the same once more is the one that is there, and one that failed begins again where
  /// it stood. kFull: too many imports; kBusy: too many that are not done, and no upload of them
  /// is stalled.
  void add(const ImportRequest& request, OnUpload done);
  /// A piece of its file. One that is there already changes nothing, one that is too early is not
  /// taken: the answer says where to go on. With the last one it runs. kDenied: it is done or
  /// failed; kInvalid: more bytes than were announced; kFull: no room on the disk; kNotFound.
  void write(const std::string& id, std::uint64_t offset, std::string bytes, OnUpload done);
  /// How much of its file is here. kNotFound.
  void find(const std::string& id, OnUpload done);
  /// Of one that is not done: what it stored stays, its file goes. kDenied: it is done, and what
  /// keeps it from being done twice must stay; kNotFound.
  void remove(const std::string& id, std::function<void(rt::Status)> done);
  /// Of the one that runs.
  [[nodiscard]] std::optional<ImportProgress> progress(const std::string& id) const;

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;
  /// When the files of an import changed last, ns, by its id.
  using Leftovers = std::shared_ptr<std::map<std::string, std::int64_t>>;
  using OnRow = std::function<void(const rt::Result<ImportRow>&)>;
  void enter(const ImportRow& row, OnRow done);
  void go_on(const rt::Result<ImportRow>& added, OnUpload done);
  void make_place(std::function<void()> done);
  void sweep();
  void sweep_next(const Leftovers& left);
  void sweep_files(const std::string& id, const Leftovers& left);
  void enqueue(const std::string& id);
  void run_next();
  void begin_run(const JobPtr& job, ImportRow row);
  void step(const JobPtr& job);
  void store(const JobPtr& job, ImportWork work);
  void end(const JobPtr& job, const std::string& error);
  void forget(const JobPtr& job);
  void look(ImportRow row, OnUpload done);
  void begin_again(ImportRow row, OnUpload done);
  void append(ImportUpload upload, std::uint64_t offset, std::string bytes, OnUpload done);
  void change_state(ImportUpload upload, ImportState to, OnUpload done);
  void run(std::function<void()> work, std::function<void()> done);
  [[nodiscard]] std::string path_of(const std::string& id) const { return directory_ + "/" + id; }

  ImportDeskPorts ports_;
  std::string directory_;
  std::deque<JobPtr> jobs_;  ///< the first one runs
  bool running_ = false;
  rt::TimerId sweep_timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator

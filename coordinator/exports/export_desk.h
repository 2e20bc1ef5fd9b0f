#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/experiments/study_desk.h"
#include "coordinator/exports/export_run.h"
#include "coordinator/store/export_table.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/random.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

struct ExportDeskPorts {
  rt::Loop& loop;
  const rt::WallClock& clock;
  rt::Random& random;
  rt::Worker& worker;  ///< of its own: an export must not hold up questions
  rt::Files& files;
  rt::Log& log;
  StudyDesk& studies;
};

/// Runs exports, one after the other, oldest first; those that a stop of the process cut off go on
/// after `start`. Each lies in a directory of its own below `directory`. Loop thread; outlives the
/// worker's jobs.
class ExportDesk {
 public:
  static constexpr std::size_t kWaitingMax = 64;

  ExportDesk(ExportDeskPorts ports, std::unique_ptr<StudyReader> reader, std::string directory,
             std::string version);
  ~ExportDesk();
  void start();

  /// `done` after the row is stored. kFull: too many wait, or are kept.
  void add(const std::string& experiment, const ExportRequest& request,
           std::function<void(rt::Result<ExportRow>)> done);
  /// Files, then the row; one that runs is cancelled first. kNotFound.
  void remove(const std::string& experiment, const std::string& id,
              std::function<void(rt::Status)> done);
  /// Of the one that runs: what its row does not say yet.
  [[nodiscard]] std::optional<ExportProgress> progress(const std::string& id) const;
  [[nodiscard]] std::string directory_of(const std::string& id) const;

  /// A file of an export that is done.
  struct ListedFile {
    std::string path;  ///< below the experiment's directory
    wire::WrittenFile written;
  };
  using FileList = std::shared_ptr<const std::vector<ListedFile>>;
  /// Those of an export of the experiment with this id, by path, the manifest last. kDenied: it is
  /// not done. `done` on the loop.
  void list_files(const ExportRow& row, const std::string& experiment,
                  std::function<void(rt::Result<FileList>)> done);
  /// Runs a job on the export's thread with the files in hand, then `done` on the loop.
  template <typename T>
  void with_files(std::function<rt::Result<T>(rt::Files&)> job,
                  std::function<void(rt::Result<T>)> done) {
    auto answer = std::make_shared<std::optional<rt::Result<T>>>();
    run([this, answer, job = std::move(job)] { answer->emplace(job(ports_.files)); },
        [answer, done = std::move(done)] { done(std::move(**answer)); });
  }

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;
  void go_on();
  void make_run(const JobPtr& job);
  void step(const JobPtr& job);
  void end(const JobPtr& job, ExportState state, const std::string& error);
  void run(std::function<void()> work, std::function<void()> done);

  ExportDeskPorts ports_;
  std::shared_ptr<StudyReader> reader_;  ///< the worker's while a job runs
  std::string directory_, version_;
  std::deque<JobPtr> jobs_;  ///< the first one runs
  bool running_ = false;
  std::string listed_id_;  ///< the export whose files were listed last
  FileList listed_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/runner/job/job.h"
#include "agent/runner/journal/job_journal.h"
#include "agent/runner/run/job_process.h"
#include "agent/runner/run/job_run.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// How a job is, for whoever asks.
struct JobReport {
  std::string job;
  std::uint64_t fence = 0;
  bool ended = false;
  std::uint64_t facts = 0;
  std::uint64_t log_bytes = 0;
};

/// A piece of a log or an artifact.
struct JobPiece {
  std::string bytes;
  bool ended = false;  ///< nothing comes behind it
};

/// All jobs that the agent gave us and has not let us forget. At its start, those that did not end
/// in an earlier life end as interrupted, and what is left of their processes is killed. Loop
/// thread.
class JobDesk {
 public:
  static constexpr std::size_t kJobsMax = 256;               ///< ended ones too
  static constexpr std::size_t kPieceBytesMax = 256 * 1024;  ///< more is asked for piece by piece
  static constexpr rt::Seconds kSweepAgain{1};

  struct Ports {
    rt::Loop& loop;
    const rt::WallClock& clock;
    rt::Log& log;
    rt::Files& files;
    rt::Spawner& spawner;
    Cgroups& cgroups;
    const Conditions& conditions;
  };
  struct Options {
    std::string state_directory;  ///< jobs/, work/, cache/ in it
    std::size_t slots = 1;        ///< jobs that run at a time
    std::uint64_t cache_bytes_max = 0;
    RunSettings run;
  };
  struct Watcher {
    std::function<void(const std::string& job, std::uint64_t n)> on_fact;
    std::function<void(const std::string& job, std::uint64_t size)> on_log;
  };
  using WatcherPtr = std::shared_ptr<Watcher>;

  /// Fails where the disk does: nothing could be promised then.
  static rt::Result<std::unique_ptr<JobDesk>> open(const Ports& ports, Options options);
  ~JobDesk();
  JobDesk(const JobDesk&) = delete;
  JobDesk& operator=(const JobDesk&) = delete;

  [[nodiscard]] std::size_t slots() const { return options_.slots; }
  [[nodiscard]] std::vector<JobReport> reports() const;
  /// A job that is there under the same fence is neither an error nor begun again. kInvalid: the
  /// spec; kDenied: it is there under another fence; kBusy: all slots are taken; kFull.
  rt::Status start(const std::string& spec);
  /// kNotFound; kDenied: another fence. One that has ended is no error.
  rt::Status cancel(const std::string& job, std::uint64_t fence, const std::string& why);
  /// At most kPieceBytesMax of them, but at least one.
  [[nodiscard]] rt::Result<std::vector<std::string>> facts(const std::string& job,
                                                           std::uint64_t from) const;
  [[nodiscard]] rt::Result<JobPiece> log(const std::string& job, std::uint64_t from,
                                         std::uint64_t most) const;
  [[nodiscard]] rt::Result<JobPiece> artifact(const std::string& job, const std::string& name,
                                              std::uint64_t from, std::uint64_t most) const;
  /// The agent has its log up to here on disk.
  rt::Status fetched(const std::string& job, std::uint64_t log_bytes);
  /// kBusy: it has not ended. One that is not there is no error.
  rt::Status forget(const std::string& job);
  /// As long as the watcher lives.
  void watch(const WatcherPtr& watcher);

 private:
  struct Entry {
    explicit Entry(JobJournal opened) : journal(std::move(opened)) {}
    JobJournal journal;
    std::uint64_t fence = 0;
    std::unique_ptr<JobRun> run;  ///< until it ended
    std::uint64_t run_no = 0;     ///< of `run`: the job may have been forgotten and begun anew
  };
  JobDesk(const Ports& ports, Options options);
  [[nodiscard]] std::string path(const std::string& name) const {
    return options_.state_directory + "/" + name;
  }
  rt::Status recover();
  rt::Status recover_job(const std::string& id);
  rt::Status interrupt(Entry& entry);
  void begin(const std::string& id, Entry& entry, Job job);
  void remove_later(std::vector<std::string> directories);
  /// Cgroups that nothing runs in any more go as soon as they are empty.
  void sweep();
  rt::Result<Entry*> find(const std::string& job) const;
  [[nodiscard]] std::size_t running() const;
  template <typename Call>
  void for_watchers(const Call& call);

  Ports ports_;
  Options options_;
  Mirrors mirrors_;
  CacheStore caches_;
  std::map<std::string, std::unique_ptr<Entry>> jobs_;
  std::vector<std::weak_ptr<Watcher>> watchers_;
  std::unique_ptr<JobProcess> remover_;
  rt::TimerId sweep_timer_ = rt::TimerId::kNone;
  std::uint64_t runs_ = 0;  ///< that were begun
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent::runner

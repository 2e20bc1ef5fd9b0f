#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/builds/job_progress.h"
#include "agent/builds/runner_link.h"
#include "agent/spool/spool_front.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/wire/build.h"

namespace fieldpost::agent {

/// Brings what the runner knows of its jobs into the spool: each fact and each piece of a log once,
/// with how far it got, in one transaction ([build-4]). What the spool has no room for waits at the
/// runner. Of a job that the runner lost it says the end itself. Loop thread.
class JobShipper {
 public:
  static constexpr rt::Nanos kLookEvery = rt::Seconds(5);  ///< when nothing says that there is news
  static constexpr rt::Nanos kRetryEvery = rt::Seconds(1);  ///< when the spool had no room
  static constexpr rt::Nanos kLookPause = rt::Millis(20);   ///< between looks, whatever comes
  /// Between two pieces of a log that are not full, so that a line more is not a record more.
  static constexpr rt::Nanos kLogPause = rt::Millis(250);
  static constexpr std::size_t kFactsAtOnce = 16;  ///< asked for; together less than a line's most

  JobShipper(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
             RunnerLink& runner);
  ~JobShipper();
  JobShipper(const JobShipper&) = delete;
  JobShipper& operator=(const JobShipper&) = delete;

  void start() { look(); }
  /// There may be news at the runner.
  void look();
  /// The runner took this attempt: should it not know it later, it lost it. `done` when that is on
  /// disk, or could not be written.
  void expect(const wire::JobAttempt& attempt, std::function<void()> done);
  /// [build-8]: the runner forgets the job, and then the spool does. kBusy: not now; else what
  /// RunnerLink says, and kIo. A job that neither knows is forgotten.
  void forget(const wire::JobAttempt& attempt, const std::vector<std::string>& keep,
              std::function<void(rt::Status)> done);
  /// Jobs that the runner does at a time, as it last said; 0: it does not answer.
  [[nodiscard]] std::uint32_t slots() const { return slots_; }

 private:
  struct Job {
    wire::JobId id;
    JobProgress progress;            ///< on disk, as far as it is known
    std::optional<RunnerJob> known;  ///< as the runner said last; none: it does not have it
    bool is_under_way = false;       ///< something of it is asked for, or being written
    bool is_going = false;           ///< it is being forgotten
    rt::Instant next_log;            ///< a piece that is not full waits until then
  };
  using JobPtr = std::shared_ptr<Job>;
  /// Facts that came together, and of which attempt they are.
  struct Batch {
    std::uint64_t fence = 0;
    std::vector<RunnerFact> facts;
  };

  void load();
  void ask_for_jobs();
  void on_loaded(const std::map<wire::JobId, JobProgress>& all);
  void on_hello(const rt::Result<RunnerReply>& reply);
  void take_stock(const std::vector<RunnerJob>& listed);
  void look_within(rt::Nanos delay);
  void work(const JobPtr& job);
  void ship_facts(const JobPtr& job);
  void ship_fact(const JobPtr& job, const std::shared_ptr<const Batch>& batch, std::size_t index);
  void ship_log(const JobPtr& job);
  void take_piece(const JobPtr& job, std::uint64_t fence, const std::string& bytes);
  void tell_lost(const JobPtr& job);
  void append(const JobPtr& job, wire::RecordKind kind, const std::string& payload,
              const JobProgress& after, std::function<void(const JobPtr&)> then);
  void pause(Job& job, const rt::Error& why);
  [[nodiscard]] wire::Record record_of(wire::RecordKind kind, const std::string& payload) const;
  JobPtr& find_or_add(const wire::JobId& id);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  SpoolFront& front_;
  RunnerLink& runner_;
  std::map<wire::JobId, JobPtr> jobs_;  ///< that the runner or the spool knows
  std::uint32_t slots_ = 0;
  std::optional<rt::Instant> looked_at_;
  bool is_loaded_ = false;  ///< `progress` of all jobs is what the spool says
  bool is_looking_ = false;
  bool looks_again_ = false;
  bool is_unreachable_ = false;  ///< told in the log
  bool is_waiting_told_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
  rt::Instant look_at_;  ///< when the timer is up
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/builds/runner_link.h"
#include "agent/spool/spool_front.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/wire/build.h"

namespace fieldpost::agent {

/// How far the spool has a job's facts and log ([build-4]). Kept there as text.
struct JobProgress {
  std::uint64_t fence = 0;
  std::uint32_t next_fact = 0;
  std::uint64_t log_offset = 0;
  bool operator==(const JobProgress&) const = default;
};
[[nodiscard]] std::string encode(const JobProgress& progress);
/// nullopt: it is none.
[[nodiscard]] std::optional<JobProgress> decode_job_progress(std::string_view text);

/// Brings what the runner knows of its jobs into the spool: each fact and each piece of a log once,
/// with how far it got, in one transaction. What the spool has no room for waits at the runner.
/// Loop thread.
class JobShipper {
 public:
  static constexpr rt::Nanos kLookEvery = rt::Seconds(5);  ///< when nothing says that there is news
  static constexpr rt::Nanos kRetryEvery = rt::Seconds(1);  ///< when the spool had no room

  JobShipper(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
             RunnerLink& runner);
  ~JobShipper();
  JobShipper(const JobShipper&) = delete;
  JobShipper& operator=(const JobShipper&) = delete;

  void start() { look(); }
  /// There may be news at the runner.
  void look();
  /// [build-8]: the runner forgets the job, and then the spool does.
  void forget(const wire::JobAttempt& attempt, const nlohmann::json& keep,
              std::function<void(rt::Status)> done);

 private:
  struct Job {
    JobProgress progress;
    bool is_loaded = false;       ///< `progress` is what the spool says
    bool is_under_way = false;    ///< something of it is asked for, or being written
    std::uint64_t fence = 0;      ///< as the runner says, like the next two
    std::uint32_t facts = 0;      ///< it has
    std::uint64_t log_bytes = 0;  ///< it has
  };

  void on_hello(const rt::Result<RunnerLink::Reply>& reply);
  void arm(rt::Nanos delay);
  void work(const wire::JobId& id);
  void load(const wire::JobId& id);
  void ship_facts(const wire::JobId& id);
  void ship_fact(const wire::JobId& id, const std::shared_ptr<const nlohmann::json>& facts,
                 std::size_t index);
  void ship_log(const wire::JobId& id);
  void append(const wire::JobId& id, wire::Record record, RecordClass record_class,
              const JobProgress& after, std::function<void()> then);
  void pause(const wire::JobId& id, const rt::Error& why);
  [[nodiscard]] wire::Record record_of(wire::RecordKind kind, const std::string& payload) const;
  /// Null: it was forgotten meanwhile.
  Job* find(const wire::JobId& id);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Log& log_;
  SpoolFront& front_;
  RunnerLink& runner_;
  std::map<wire::JobId, Job> jobs_;  ///< that the runner knows
  bool is_looking_ = false;
  bool looks_again_ = false;
  bool is_unreachable_ = false;  ///< told in the log
  bool is_full_told_ = false;
  rt::TimerId timer_ = rt::TimerId::kNone;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::agent

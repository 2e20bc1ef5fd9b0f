#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/job/conditions.h"
#include "agent/runner/job/job.h"
#include "agent/runner/job/job_context.h"
#include "agent/runner/job/verdict.h"
#include "agent/runner/journal/facts.h"
#include "agent/runner/journal/job_journal.h"
#include "agent/runner/journal/job_log.h"
#include "agent/runner/run/job_process.h"
#include "agent/runner/run/workplace.h"
#include "agent/runner/sandbox/cgroups.h"
#include "agent/runner/source/mirrors.h"
#include "agent/runner/storage/cache_store.h"
#include "proto/rt/clock.h"
#include "proto/rt/files.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/spawner.h"

namespace fieldpost::agent::runner {

/// The same for all jobs of a runner.
struct RunSettings {
  SandboxSettings sandbox;
  Isolation isolation;
  JobLimits limits;           ///< of a job that names none, and the most that one may have
  std::string git_protocols;  ///< as GIT_ALLOW_PROTOCOL has them: "https:ssh"
};

/// One job from its first fact to its last: checkout, caches, steps, artifacts, caches. Whatever
/// happens to it, it goes on to its end: when it is cancelled or too slow, what still is to be
/// done (`if: always()`) gets kLastStepsMost. Dropped before its end, it calls nobody, and its
/// processes die; the next start of the runner then says that it was interrupted. Loop thread.
class JobRun {
 public:
  static constexpr rt::Seconds kLastStepsMost{300};
  static constexpr rt::Seconds kChoreMost{1800};  ///< of checkout, a cache, an artifact, cleaning
  static constexpr std::size_t kWhyBytesMax = 1024;
  static constexpr rt::Seconds kEndAgain{5};  ///< between attempts to write the last fact
  static constexpr std::uint64_t kDiskFullBelow = 1 << 20;  ///< bytes free: that was it, then

  /// All of them outlive it.
  struct Ports {
    rt::Loop& loop;
    const rt::WallClock& clock;
    rt::Log& log;
    rt::Files& files;
    rt::Spawner& spawner;
    Cgroups& cgroups;
    const Conditions& conditions;
    Mirrors& mirrors;
    CacheStore& caches;
  };
  struct Events {
    std::function<void(std::uint64_t n)> on_fact;
    std::function<void()> on_log;
    std::function<void()> on_ended;  ///< may not drop it at once
  };
  /// `directory`: to work in; it is not there yet, and goes at the end.
  JobRun(const Ports& ports, const RunSettings& settings, Job job, JobJournal& journal,
         std::string directory, Events events);
  ~JobRun();
  JobRun(const JobRun&) = delete;
  JobRun& operator=(const JobRun&) = delete;

  void start();
  void cancel(const std::string& why);
  void fetched(std::uint64_t offset) { log_.fetched(offset); }

 private:
  using OnEnd = std::function<void(const ProcessEnd&)>;
  struct Bounds {
    rt::Nanos timeout{0};
    rt::Nanos silence{0};
  };

  // Its life: job_run.cpp.
  void judge(Verdict verdict, std::string why);
  void judge(const rt::Error& error, std::string_view doing);
  void turn_down(Verdict verdict, const std::string& why);
  void give_up();
  template <typename Fact>
  void tell(const Fact& fact);
  void run(std::vector<std::string> argv, std::string cgroup, Bounds bounds, OnEnd on_end);
  void run_inside(SandboxedCommand command, Bounds bounds, OnEnd on_end);
  void on_output(std::string_view bytes);
  void finish();
  [[nodiscard]] EndedFact end_of() const;
  void write_end();

  // Its steps: job_run_steps.cpp.
  void next_step();
  void run_step(std::size_t n, const JobStep& step);
  rt::Result<StepScript> script_of(const JobStep& step) const;
  void begin_step(std::size_t n, const std::string& name);
  void end_step(std::size_t n, const ProcessEnd& end);
  void conclude_step(std::size_t n, const JobStep& step, ProcessEnd end);
  void take_words(std::size_t n, ProcessEnd& end, Pairs& outputs);
  [[nodiscard]] bool is_disk_full() const;
  [[nodiscard]] ExpressionContext expressions() const {
    return context_.expressions(verdict_, env_);
  }

  // What is done around them: job_run_chores.cpp.
  void checkout();
  void restore_next();
  void collect_next();
  void take_artifact(const JobArtifact& artifact, const std::string& out, const ProcessEnd& end);
  void save_next();
  void take_cache(const std::string& key, const std::string& tar, const ProcessEnd& end);
  [[nodiscard]] SandboxedCommand script_inside(const char* script,
                                               std::vector<std::string> arguments) const;
  rt::Result<JobCache> interpolated(const JobCache& cache) const;

  const Ports ports_;
  const RunSettings& settings_;
  Job job_;
  JobJournal& journal_;
  Events events_;
  Workplace place_;
  JobLog log_;
  JobContext context_;
  Pairs env_;                       ///< of the job, and what its steps set
  std::vector<std::string> paths_;  ///< that its steps put before PATH
  std::vector<std::string> enter_;  ///< into its cgroup
  std::string mirror_;
  std::string tail_;  ///< of what was said last, for the words of a full disk
  std::unique_ptr<JobProcess> process_;
  Verdict verdict_ = Verdict::kPassed;
  std::string why_;
  bool turned_down_ = false;
  bool gave_up_ = false;
  bool finishing_ = false;
  bool told_trouble_ = false;
  std::size_t steps_done_ = 0;
  std::size_t caches_done_ = 0;
  std::size_t artifacts_done_ = 0;
  Pairs outputs_;
  rt::TimerId timer_ = rt::TimerId::kNone;  ///< of the whole job
  rt::TimerId soon_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent::runner

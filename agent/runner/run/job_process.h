#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/job/verdict.h"
#include "agent/runner/sandbox/cgroups.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"
#include "proto/rt/spawner.h"

namespace fieldpost::agent::runner {

struct ProcessEnd {
  Verdict verdict = Verdict::kPassed;
  rt::ExitStatus exit;
  rt::Nanos took{0};
  std::string why;  ///< empty: it passed
};

/// A process of a job, with all that it starts, until nothing of it is left. It may run for so
/// long, and say nothing for so long; then, or when it is stopped, it is asked to end (SIGTERM to
/// all) and after a grace killed. Dropping it kills it at once and calls nobody. Loop thread.
class JobProcess {
 public:
  static constexpr rt::Seconds kGrace{10};
  static constexpr rt::Seconds kKillAgain{1};  ///< until it is gone

  struct Ports {
    rt::Loop& loop;
    rt::Spawner& spawner;
    Cgroups& cgroups;
  };
  struct Options {
    std::vector<std::string> argv;
    std::vector<std::string> environment;  ///< all of it
    std::string directory;
    std::string cgroup;    ///< that it enters by itself; empty: none
    rt::Nanos timeout{0};  ///< 0: none, as for the next
    rt::Nanos silence{0};
  };
  struct Handlers {
    std::function<void(std::string_view)> on_output;  ///< of both of its voices, in order
    /// Once, and last; the process may be dropped in it.
    std::function<void(const ProcessEnd&)> on_end;
  };
  JobProcess(Ports ports, Options options, Handlers handlers);
  ~JobProcess();
  JobProcess(const JobProcess&) = delete;
  JobProcess& operator=(const JobProcess&) = delete;

  /// Fails as Spawner::spawn does; then nothing is called.
  rt::Status start();
  /// The first reason counts.
  void stop(Verdict verdict, std::string why);
  /// While its output is not read it stands still, which is no silence.
  void set_reading(bool reading);

 private:
  void on_output(std::string_view bytes);
  void on_exit(rt::ExitStatus exit);
  void watch_silence();
  void signal(int signal_number);
  void kill();
  [[nodiscard]] ProcessEnd end_of(rt::ExitStatus exit) const;

  Ports ports_;
  Options options_;
  Handlers handlers_;
  std::unique_ptr<rt::Child> child_;
  rt::Instant started_;
  rt::Instant last_said_;
  std::uint64_t oom_kills_ = 0;  ///< of its cgroup, before it
  bool reading_ = true;
  bool stopping_ = false;
  bool ended_ = false;
  Verdict stopped_by_ = Verdict::kPassed;
  std::string stopped_why_;
  rt::TimerId timeout_timer_ = rt::TimerId::kNone;
  rt::TimerId silence_timer_ = rt::TimerId::kNone;
  rt::TimerId kill_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent::runner

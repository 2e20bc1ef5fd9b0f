#pragma once

#include <deque>
#include <functional>

#include "proto/rt/worker.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

struct SimWorkerDelays {
  rt::Nanos job_most = rt::Millis{2};   ///< a job takes up to this
  rt::Nanos done_most = rt::Millis{1};  ///< and its `done` comes up to this later
};

/// A worker whose jobs take virtual time: the job happens at one instant, `done` at a later one.
/// Killed with its loop, in between or before: a job that began may have happened or not.
class SimWorker final : public rt::Worker {
 public:
  SimWorker(SimLoop& loop, Dice dice, SimWorkerDelays delays = {})
      : loop_(loop), dice_(dice), delays_(delays) {}
  ~SimWorker() override;
  SimWorker(const SimWorker&) = delete;
  SimWorker& operator=(const SimWorker&) = delete;

  void run(std::function<void()> job, std::function<void()> done) override;
  void set_delays(SimWorkerDelays delays) { delays_ = delays; }  ///< a disk that becomes slow
  [[nodiscard]] std::size_t queued() const { return queue_.size(); }

 private:
  struct Item {
    std::function<void()> job;
    std::function<void()> done;
  };

  void begin_next();
  void finish_job();
  void report_done();

  SimLoop& loop_;
  Dice dice_;
  SimWorkerDelays delays_;
  std::deque<Item> queue_;  ///< the front one is at work
  rt::TimerId timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::sim

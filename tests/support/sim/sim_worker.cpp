#include "tests/support/sim/sim_worker.h"

#include <utility>

namespace fieldpost::sim {

SimWorker::~SimWorker() {
  loop_.cancel(timer_);
}

void SimWorker::run(std::function<void()> job, std::function<void()> done) {
  queue_.push_back({std::move(job), std::move(done)});
  if (queue_.size() == 1) begin_next();
}

void SimWorker::begin_next() {
  const rt::Nanos takes = dice_.between(rt::Nanos{0}, delays_.job_most);
  timer_ = loop_.after(takes, [this] { finish_job(); });
}

void SimWorker::finish_job() {
  const auto job = std::exchange(queue_.front().job, nullptr);
  job();
  const rt::Nanos takes = dice_.between(rt::Nanos{0}, delays_.done_most);
  timer_ = loop_.after(takes, [this] { report_done(); });
}

void SimWorker::report_done() {
  const auto done = std::move(queue_.front().done);
  queue_.pop_front();
  // Before `done`, which may drop this worker.
  if (!queue_.empty()) begin_next();
  if (done) done();
}

}  // namespace fieldpost::sim

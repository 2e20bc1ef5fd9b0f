#include "proto/rt/thread_worker.h"

#include <utility>

namespace fieldpost::rt {

ThreadWorker::ThreadWorker(Loop& loop) : loop_(loop), thread_([this] { work(); }) {}

ThreadWorker::~ThreadWorker() {
  alive_.reset();
  std::deque<Item> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  changed_.notify_one();
  dropped.clear();  // before the wait: the job at work may wait for something that these hold
  thread_.join();
}

void ThreadWorker::run(std::function<void()> job, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(job), std::move(done)});
  }
  changed_.notify_one();
}

bool ThreadWorker::take(Item& item) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (stopping_) return false;
  item = std::move(queue_.front());
  queue_.pop_front();
  return true;
}

void ThreadWorker::work() {
  for (Item item; take(item);) {
    item.job();
    item.job = nullptr;  // what it captured ends here, before the loop hears of it
    hand_back(std::exchange(item.done, nullptr));
  }
}

void ThreadWorker::hand_back(std::function<void()> done) {
  loop_.post([done = std::move(done), alive = still_alive_] {
    if (!alive.expired() && done) done();
  });
}

}  // namespace fieldpost::rt

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "proto/rt/loop.h"
#include "proto/rt/worker.h"

namespace fieldpost::rt {

/// One thread. Dropped, it finishes the job it is at and forgets the others; no `done` is called
/// any more. Drop it before its loop.
class ThreadWorker final : public Worker {
 public:
  explicit ThreadWorker(Loop& loop);
  ~ThreadWorker() override;
  ThreadWorker(const ThreadWorker&) = delete;
  ThreadWorker& operator=(const ThreadWorker&) = delete;
  void run(std::function<void()> job, std::function<void()> done) override;

 private:
  struct Item {
    std::function<void()> job;
    std::function<void()> done;
  };

  void work();
  bool take(Item& item);
  void hand_back(std::function<void()> done);

  Loop& loop_;
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);  ///< loop thread only
  std::weak_ptr<const bool> still_alive_ = alive_;  ///< the thread's own, copied into what it posts
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> queue_;  ///< guarded by mutex_
  bool stopping_ = false;   ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace fieldpost::rt

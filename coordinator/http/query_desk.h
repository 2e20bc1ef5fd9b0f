#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coordinator/query/reading_query.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

inline constexpr int kQuestionsMax = 64;  ///< waiting at once; more are answered kBusy

/// Where routes ask about readings: questions are answered one after the other on a worker of their
/// own, so that a long one does not stop the loop. Loop thread only; outlives the worker's jobs.
class QueryDesk {
 public:
  QueryDesk(rt::Worker& worker, ReadingQuery query)
      : worker_(worker), query_(std::make_shared<ReadingQuery>(std::move(query))) {}

  /// `job` on the worker, then `done` on the loop. `job` must not own what belongs to the loop.
  template <typename T>
  void ask(std::function<rt::Result<T>(ReadingQuery&)> job,
           std::function<void(rt::Result<T>)> done) {
    if (waiting_ >= kQuestionsMax) {
      refused_ += 1;
      return done(rt::Error{rt::Errc::kBusy, "too many questions wait already; ask again later"});
    }
    waiting_ += 1;
    auto answer = std::make_shared<std::optional<rt::Result<T>>>();
    worker_.run([query = query_, answer, job = std::move(job)] { answer->emplace(job(*query)); },
                [this, answer, done = std::move(done)] {
                  waiting_ -= 1;
                  asked_ += 1;
                  done(std::move(**answer));
                });
  }

  [[nodiscard]] std::uint64_t asked() const { return asked_; }
  [[nodiscard]] std::uint64_t refused() const { return refused_; }

 private:
  rt::Worker& worker_;
  std::shared_ptr<ReadingQuery> query_;  ///< the worker's while a job runs
  int waiting_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace fieldpost::coordinator

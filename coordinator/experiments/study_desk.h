#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "coordinator/query/ledger_query.h"
#include "coordinator/query/reading_query.h"
#include "coordinator/store/studies.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/worker.h"

namespace fieldpost::coordinator {

inline constexpr int kStudyJobsMax = 64;  ///< waiting at once; more are answered kBusy

/// What a question about studies has at hand.
struct StudyReader {
  rt::Database db;  ///< read-only
  Studies studies{db};
  ReadingQuery query;
  LedgerQuery ledger;
  /// Opens connections of its own to the store's file.
  static rt::Result<std::unique_ptr<StudyReader>> open(const std::string& path,
                                                       const std::string& vfs);
  StudyReader(rt::Database opened, ReadingQuery readings, LedgerQuery names)
      : db(std::move(opened)), query(std::move(readings)), ledger(std::move(names)) {}
};

/// Where routes ask about studies, and change them: questions run on a worker, changes on the
/// store's thread, each in a transaction of its own. Loop thread; outlives the jobs.
class StudyDesk {
 public:
  using Job = std::function<rt::Status(Studies&)>;
  /// Runs a job in a transaction that commits when it succeeds, then `done` on the loop.
  using Writer = std::function<void(Job job, std::function<void(rt::Status)> done)>;

  StudyDesk(rt::Worker& worker, std::unique_ptr<StudyReader> reader, Writer writer)
      : worker_(worker), reader_(std::move(reader)), writer_(std::move(writer)) {}

  template <typename T>
  void ask(std::function<rt::Result<T>(StudyReader&)> job,
           std::function<void(rt::Result<T>)> done) {
    if (is_busy()) return done(busy());
    waiting_ += 1;
    auto answer = std::make_shared<std::optional<rt::Result<T>>>();
    worker_.run([reader = reader_, answer, job = std::move(job)] { answer->emplace(job(*reader)); },
                [this, answer, done = std::move(done)] {
                  waiting_ -= 1;
                  done(std::move(**answer));
                });
  }

  /// `done` after the commit; an error means that nothing was changed.
  template <typename T>
  void change(std::function<rt::Result<T>(Studies&)> job, std::function<void(rt::Result<T>)> done) {
    if (is_busy()) return done(busy());
    waiting_ += 1;
    auto answer = std::make_shared<std::optional<rt::Result<T>>>();
    writer_(
        [answer, job = std::move(job)](Studies& studies) -> rt::Status {
          answer->emplace(job(studies));
          return answer->value() ? rt::ok() : rt::Status(answer->value().error());
        },
        [this, answer, done = std::move(done)](const rt::Status& status) {
          waiting_ -= 1;
          if (!status) return done(status.error());
          done(std::move(**answer));
        });
  }

 private:
  [[nodiscard]] bool is_busy() const { return waiting_ >= kStudyJobsMax; }
  [[nodiscard]] static rt::Error busy() {
    return {rt::Errc::kBusy, "too much is asked at once; try again later"};
  }

  rt::Worker& worker_;
  std::shared_ptr<StudyReader> reader_;  ///< the worker's while a job runs
  Writer writer_;
  int waiting_ = 0;
};

}  // namespace fieldpost::coordinator

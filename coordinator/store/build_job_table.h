#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/builds/build.h"
#include "coordinator/builds/told_fact.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// What a job is known by beside its id.
struct JobPlace {
  std::int64_t build = 0;
  std::uint64_t fence = 0;  ///< of the attempt that counts
};

/// Jobs of builds, and how they stand. Each change names the attempt that it is about and is
/// refused (kDenied) when the job stands otherwise, or has another fence: somebody else was first.
/// kNotFound: there is no such job. What changes runs inside the caller's transaction; what is
/// refused changes nothing.
class BuildJobTable {
 public:
  explicit BuildJobTable(rt::Database& db) : db_(db) {}

  /// Its number is drawn here. kInvalid: its id is taken.
  rt::Status add(const BuildJob& job);
  /// In their places.
  rt::Result<std::vector<BuildJob>> of_build(std::int64_t build);
  rt::Result<BuildJob> find(const wire::JobId& id);
  /// none: nobody knows it.
  rt::Result<std::optional<JobPlace>> place_of(const wire::JobId& id);
  /// Those that have not ended, of all builds: rows above `after`, ordered, at most `limit`.
  rt::Result<std::vector<BuildJob>> open_ones(std::int64_t after, std::size_t limit);

  /// From waiting: what it needs is there.
  rt::Status queue(const wire::JobAttempt& attempt);
  /// From queued: a node gets it. Its build runs from then on. kNotFound: no such node; kDenied:
  /// nodes know the fence already.
  rt::Status lease(const wire::JobAttempt& attempt, const JobLease& lease);
  /// From leased: the node does not have it after all. Queued again, under another fence.
  rt::Result<BuildJob> give_back(const wire::JobAttempt& attempt);
  /// By the coordinator's word, from every state but ended.
  rt::Status end(const wire::JobAttempt& attempt, BuildVerdict verdict, const std::string& why,
                 rt::UnixTime now);
  /// From ended: it is to be done again, under another fence, and its build runs again. `to`:
  /// kWaiting or kQueued.
  rt::Result<BuildJob> retry(const wire::JobAttempt& attempt, JobState to);

  /// What the node told that has the lease. true: the job is another one now.
  rt::Result<bool> note_started(const wire::JobAttempt& attempt, NodeNo node,
                                const StartedFact& fact);
  /// Of a job that the coordinator ended meanwhile only the size of the log.
  rt::Result<bool> note_ended(const wire::JobAttempt& attempt, NodeNo node, const EndedFact& fact);
  /// Nodes know this fence, which a store that was set back gave out: a job that has no lease gets
  /// one beyond it.
  rt::Status note_foreign(const wire::JobAttempt& attempt);

 private:
  rt::Result<BuildJob> expect(const wire::JobAttempt& attempt,
                              std::initializer_list<JobState> states, std::string_view doing);
  rt::Result<BuildJob> begin_anew(const BuildJob& job, JobState to, std::int64_t attempt);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

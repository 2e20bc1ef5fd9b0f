#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/builds/build.h"
#include "coordinator/builds/told_fact.h"
#include "coordinator/store/build_attempt_table.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

/// What a record of a build changed, for whoever waits for it.
struct BuildChange {
  wire::JobAttempt attempt;
  std::int64_t build = 0;   ///< of its job; 0: nobody knows the job
  bool is_current = false;  ///< the attempt is the one that counts
  // Of a fact.
  std::optional<std::uint32_t> fact;  ///< its number, when it is new
  std::string fact_type;
  bool has_started = false;   ///< the job has; its row says when
  bool has_ended = false;     ///< the job has; its row says how
  std::int64_t artifact = 0;  ///< row that is new; 0: none
  // Of a piece of a log.
  std::uint64_t log_offset = 0;
  std::uint64_t log_added = 0;  ///< bytes that are new
  /// All facts and the whole log of the attempt are here.
  bool is_told = false;
};

/// Takes what nodes tell of their jobs, by its content keys [build-2] [build-3]: whatever comes
/// again changes nothing. Facts and logs of jobs that nobody knows, and of other attempts than the
/// one that counts, are kept and change no job [build-5]. Inside the caller's transaction. Store
/// thread.
class BuildIntake {
 public:
  explicit BuildIntake(rt::Database& db) : db_(db) {}

  /// An event of type "build". kInvalid: it is none, says something that cannot be, comes after the
  /// last one, or is of an attempt that another node has.
  rt::Result<BuildChange> take_fact(NodeNo node, std::string_view event, rt::UnixTime now);
  /// The payload of a record of kind kLogPiece. kInvalid as above.
  rt::Result<BuildChange> take_log(NodeNo node, std::string_view payload, rt::UnixTime now);

 private:
  rt::Result<BuildChange> begin(const wire::JobAttempt& attempt, NodeNo node, rt::UnixTime now);
  rt::Status take_meaning(const wire::BuildFact& fact, const ToldFact& told, NodeNo node,
                          rt::UnixTime now, BuildChange& out);
  rt::Status take_end(const wire::BuildFact& fact, const EndedFact& ended, NodeNo node,
                      BuildChange& out);
  rt::Status check_number(const wire::BuildFact& fact, const ToldFact& told);
  rt::Status look_whether_told(BuildChange& out);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

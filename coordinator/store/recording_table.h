#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/experiments/study.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kRecordingsMax = 100'000;    ///< of one experiment
inline constexpr std::int64_t kRecordingsOpenMax = 1'000;  ///< of all experiments

/// Recordings, and what was said of the progress. What changes runs inside the caller's
/// transaction.
class RecordingTable {
 public:
  explicit RecordingTable(rt::Database& db) : db_(db) {}

  /// Ordered by row, rows above `after`, at most `limit`.
  rt::Result<std::vector<Recording>> list(std::int64_t experiment, std::int64_t after,
                                          std::size_t limit);
  /// All of an experiment, ordered by start.
  rt::Result<std::vector<Recording>> all(std::int64_t experiment);
  /// Of one experiment, or of all (0).
  rt::Result<std::vector<Recording>> open_ones(std::int64_t experiment);
  rt::Result<bool> has_any(std::int64_t experiment);
  /// kNotFound.
  rt::Result<Recording> find(std::int64_t experiment, const std::string& id);
  rt::Result<Recording> find(std::int64_t no);
  /// Whether there is one of this id, in whatever experiment.
  rt::Result<bool> has(const std::string& id);
  /// Those that a button began at `from` (ns) or later, ordered by start.
  rt::Result<std::vector<Recording>> pressed_on(std::int64_t series, std::int64_t from);
  /// ns: when the last one began that a button began by then; INT64_MIN: none.
  rt::Result<std::int64_t> last_pressed(std::int64_t series, std::int64_t by);
  rt::Result<std::int64_t> count_of(std::int64_t experiment);
  rt::Result<std::int64_t> count_open();  ///< of all experiments
  /// kFull: too many.
  rt::Result<Recording> add(Recording recording);
  /// As above, for whoever knows how many there are.
  rt::Result<Recording> add(Recording recording, std::int64_t count, std::int64_t count_open);
  /// Many of one experiment, none of them open. kFull: too many; kDenied: an id is taken.
  rt::Status add_all(std::int64_t experiment, const std::vector<Recording>& recordings);
  /// Stop, members, and who.
  rt::Status update(const Recording& recording);
  /// What the logbook says of it stays, as the experiment's.
  rt::Status remove(const Recording& recording);

  rt::Status mark_progress(const ProgressMark& mark);
  rt::Result<std::vector<ProgressMark>> marks(std::int64_t experiment);

 private:
  /// Its row; nothing is counted.
  rt::Result<std::int64_t> insert(const Recording& recording);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/body.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kLogEntriesMax = 1'000'000;  ///< of one experiment
inline constexpr std::size_t kLogTextBytesMax = 64 * 1024;
inline constexpr std::size_t kAttachmentsMax = 32;  ///< of one entry

/// What somebody wrote down. Entries are added, never changed: what was wrong is put right by
/// another one.
struct LogEntry {
  std::int64_t no = 0;
  std::string id;  ///< UUID
  std::int64_t experiment = 0;
  std::int64_t at = 0;       ///< ns; what it is about
  std::int64_t written = 0;  ///< ns
  std::string author;
  std::optional<std::int64_t> recording, participant;  ///< rows
  std::string text;
  std::vector<wire::BodyReference> attachments;  ///< in their order
};

/// Logbooks. What changes runs inside the caller's transaction.
class LogbookTable {
 public:
  explicit LogbookTable(rt::Database& db, std::int64_t entries_max = kLogEntriesMax)
      : db_(db), entries_max_(entries_max) {}

  /// In the order in which they were written, rows above `after`, at most `limit`.
  rt::Result<std::vector<LogEntry>> list(std::int64_t experiment, std::int64_t after,
                                         std::size_t limit);
  /// The same entry (by id) again changes nothing. kFull: too many; kDenied: the id is another's.
  /// Its attachments are named as they are; whether their bytes are here is the caller's to know.
  rt::Result<LogEntry> add(LogEntry entry);
  /// The same for many of one experiment.
  rt::Status add_all(std::int64_t experiment, const std::vector<LogEntry>& entries);
  /// The row of the experiment that has the entry; nothing: there is none with this id.
  rt::Result<std::optional<std::int64_t>> experiment_of(const std::string& id);

 private:
  /// Nothing: there is none with its id. kDenied: that is another experiment's.
  rt::Result<std::optional<LogEntry>> find_same(const LogEntry& entry);
  rt::Result<std::int64_t> count_of(std::int64_t experiment);
  /// Its row; nothing is counted.
  rt::Result<std::int64_t> insert(LogEntry entry);
  rt::Status load_attachments(std::vector<LogEntry>& entries);
  rt::Status add_attachments(const LogEntry& entry);
  rt::Database& db_;
  std::int64_t entries_max_;
};

}  // namespace fieldpost::coordinator

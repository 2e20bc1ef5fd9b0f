#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kImportsMax = 100'000;
inline constexpr std::size_t kImportProblemsMax = 10;  ///< texts that are kept

/// New nodes of one import, between two starts: a tag or column that names something else has a
/// value for each row.
inline constexpr std::uint64_t kImportNodesMax = 1'000;

enum class ImportState : std::uint8_t { kUploading = 1, kRunning = 2, kDone = 3, kFailed = 4 };
[[nodiscard]] std::string_view to_string(ImportState state);

/// Where an import stands; what lies before is stored.
struct ImportPlace {
  std::uint64_t file = 0;    ///< of an archive
  std::uint64_t row = 0;     ///< of the file
  std::uint64_t offset = 0;  ///< bytes, of a file of lines
  bool operator==(const ImportPlace&) const = default;
};

struct ImportRow {
  std::int64_t no = 0;
  std::string id;       ///< 32 hex digits
  std::string request;  ///< JSON
  ImportState state = ImportState::kUploading;
  std::int64_t created = 0;              ///< ns
  std::optional<std::int64_t> finished;  ///< ns; of one that is done or failed
  std::uint64_t ordinal = 0;             ///< of its incarnation
  std::uint64_t batches = 0;             ///< names that were drawn of it
  ImportPlace place;
  std::uint64_t readings = 0, rows_bad = 0;
  std::vector<std::string> problems;  ///< what was wrong with the first of the bad rows
  std::string experiment;             ///< id of the one that came with it; empty: none
  std::string error;                  ///< why it failed
  std::uint64_t nodes_made = 0;       ///< by the step before; not kept
};

/// Files that were brought in. What changes runs inside the caller's transaction.
class ImportTable {
 public:
  explicit ImportTable(rt::Database& db) : db_(db) {}

  /// Rows above `after`, at most `limit`.
  rt::Result<std::vector<ImportRow>> list(std::int64_t after, std::size_t limit);
  /// kNotFound.
  rt::Result<ImportRow> find(const std::string& id);
  /// Those that go on after a restart, oldest first.
  rt::Result<std::vector<ImportRow>> unfinished();
  /// kFull: too many.
  rt::Result<ImportRow> add(ImportRow row);
  /// Everything but id, request, `created` and ordinal.
  rt::Status update(const ImportRow& row);
  rt::Status remove(const ImportRow& row);
  /// One that waits for its file or failed goes to this state, and its error goes; false: it is in
  /// another state, and stays so.
  rt::Result<bool> begin(const std::string& id, ImportState to);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

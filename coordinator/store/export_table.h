#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kExportsMax = 10'000;

enum class ExportState : std::uint8_t { kRunning = 1, kDone = 2, kFailed = 3, kCancelled = 4 };
[[nodiscard]] std::string_view to_string(ExportState state);

struct ExportRow {
  std::int64_t no = 0;
  std::string id;  ///< UUID
  std::int64_t experiment = 0;
  std::string request;  ///< JSON
  ExportState state = ExportState::kRunning;
  std::int64_t created = 0;              ///< ns; recordings that were open end there
  std::optional<std::int64_t> finished;  ///< ns
  std::uint64_t files = 0, readings = 0, bytes = 0;
  std::string error;
};

/// Exports that were asked for; their files lie outside. What changes runs inside the caller's
/// transaction.
class ExportTable {
 public:
  explicit ExportTable(rt::Database& db) : db_(db) {}

  rt::Result<std::vector<ExportRow>> list(std::int64_t experiment, std::int64_t after,
                                          std::size_t limit);
  /// kNotFound.
  rt::Result<ExportRow> find(std::int64_t experiment, const std::string& id);
  /// Those that go on after a restart, oldest first.
  rt::Result<std::vector<ExportRow>> unfinished();
  /// kFull: too many; some have to be removed first.
  rt::Result<ExportRow> add(ExportRow row);
  /// State, end, counts and error.
  rt::Status update(const ExportRow& row);
  rt::Status remove(const ExportRow& row);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

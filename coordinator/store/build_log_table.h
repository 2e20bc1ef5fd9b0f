#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/builds/build.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::size_t kLogReadBytesMax = 1 << 20;  ///< of one answer

/// A stretch of a log.
struct LogPart {
  std::string bytes;  ///< from the place that was asked for on, without a hole
  /// When there are none: how many are missing there, up to those that are next, or to the end.
  std::uint64_t missing = 0;
  std::optional<std::uint64_t> size;  ///< of the whole log; none: it is not told yet
  bool is_whole = false;              ///< all of the log is here
};

/// Logs of attempts of jobs, in pieces as they came [build-3]; the attempts are in
/// `BuildAttemptTable`. Of a byte the first that was stored stays. What changes runs inside the
/// caller's transaction.
class BuildLogTable {
 public:
  explicit BuildLogTable(rt::Database& db) : db_(db) {}

  /// How many of its bytes are new. Its attempt is known. kInvalid: it reaches beyond the end that
  /// its node told.
  rt::Result<std::uint64_t> put(const wire::LogPiece& piece);
  /// The attempt's facts are as many, and its log is as long.
  rt::Status end(const wire::JobAttempt& attempt, std::uint32_t fact_count,
                 std::uint64_t log_bytes);
  /// From the byte `from` on, at most `bytes_max` and kLogReadBytesMax. Of an attempt that nobody
  /// knows there is nothing. kCorrupt: a piece is damaged.
  rt::Result<LogPart> read(const wire::JobAttempt& attempt, std::uint64_t from,
                           std::size_t bytes_max);

 private:
  struct Stretch {
    std::uint64_t from = 0, to = 0;  ///< `to`: behind its last byte
  };
  rt::Result<std::vector<Stretch>> holes_in(const wire::JobAttempt& attempt, Stretch stretch);
  rt::Status insert(const wire::JobAttempt& attempt, std::uint64_t offset, std::string_view bytes);
  rt::Status read_pieces(const wire::JobAttempt& attempt, std::uint64_t from, std::size_t bytes_max,
                         LogPart& out);
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

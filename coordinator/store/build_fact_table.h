#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/builds/build.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

struct StoredFact {
  std::uint32_t n = 0;
  std::string fact;           ///< JSON
  std::int64_t received = 0;  ///< ns
  bool operator==(const StoredFact&) const = default;
};

/// What nodes told of attempts of jobs [build-2]. What changes runs inside the caller's
/// transaction.
class BuildFactTable {
 public:
  explicit BuildFactTable(rt::Database& db) : db_(db) {}

  /// false: there is one of this number, which stays.
  rt::Result<bool> put(const wire::BuildFact& fact, rt::UnixTime now);
  /// Ordered, numbers from `from` on, at most `limit`. What is missing is left out.
  rt::Result<std::vector<StoredFact>> list(const wire::JobAttempt& attempt, std::uint32_t from,
                                           std::size_t limit);
  rt::Result<std::uint32_t> count(const wire::JobAttempt& attempt);
  /// Whether there is one above this number.
  rt::Result<bool> has_above(const wire::JobAttempt& attempt, std::uint32_t n);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

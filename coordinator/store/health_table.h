#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/experiments/sensor_watch.h"
#include "coordinator/store/reading_store.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kHealthFlagsMax = 100'000;  ///< of one experiment

struct HealthFlag {
  std::int64_t no = 0;
  std::int64_t experiment = 0;
  std::string sensor;
  SeriesId series = 0;  ///< 0: the sensor has none
  HealthKind kind = HealthKind::kSilent;
  std::int64_t from = 0;           ///< ns
  std::optional<std::int64_t> to;  ///< ns; absent: it still is
  std::string detail;
};

/// What was wrong with sensors while they were recorded. What changes runs inside the caller's
/// transaction.
class HealthTable {
 public:
  explicit HealthTable(rt::Database& db) : db_(db) {}

  /// In the order in which they began, rows above `after`, at most `limit`.
  rt::Result<std::vector<HealthFlag>> list(std::int64_t experiment, std::int64_t after,
                                           std::size_t limit);
  /// Those that still are, at most `limit`.
  rt::Result<std::vector<HealthFlag>> open_ones(std::int64_t experiment, std::size_t limit);
  /// Beyond kHealthFlagsMax nothing is added: what matters is known by then.
  rt::Status begin(const HealthFlag& flag);
  /// Many that are over, as `begin` and `end` would.
  rt::Status add_all(std::int64_t experiment, const std::vector<HealthFlag>& flags);
  /// The open one of this sensor, series and kind.
  rt::Status end(const HealthFlag& flag);
  /// All that are open: of an experiment, or of all (0).
  rt::Status end_all(std::int64_t experiment, std::int64_t now);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

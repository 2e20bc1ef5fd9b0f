#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/experiments/sensor_config.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

inline constexpr std::int64_t kConfigVersionsMax = 10'000;  ///< of one name

/// Sensor configs. What changes runs inside the caller's transaction.
class ConfigTable {
 public:
  explicit ConfigTable(rt::Database& db) : db_(db) {}

  /// The newest version of each, ordered by name, names above `after`, at most `limit`.
  rt::Result<std::vector<SensorConfig>> list(const std::string& after, std::size_t limit);
  /// Version 0: the newest. kNotFound.
  rt::Result<SensorConfig> find(const std::string& name, std::int64_t version);
  /// All of a name, without their sensors, oldest first. kNotFound.
  rt::Result<std::vector<SensorConfig>> versions(const std::string& name);
  /// Version 1 of a new name. kDenied: the name is taken.
  rt::Result<SensorConfig> create(SensorConfig config, rt::UnixTime now);
  /// The next version, unless the newest has the same sensors: then that one. kNotFound: no such
  /// name; kFull: too many versions.
  rt::Result<SensorConfig> edit(SensorConfig config, rt::UnixTime now);
  /// A version as it is, which is not there yet.
  rt::Status insert(const SensorConfig& config);

 private:
  rt::Database& db_;
};

}  // namespace fieldpost::coordinator

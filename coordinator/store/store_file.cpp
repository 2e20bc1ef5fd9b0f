#include "coordinator/store/store_file.h"

#include <array>
#include <string_view>

#include "store_sql.h"

namespace fieldpost::coordinator {

rt::Result<rt::Database> open_store_file(const std::string& path, const std::string& vfs) {
  rt::DatabaseOptions options;
  options.vfs = vfs;
  options.page_size = 8192;
  options.cache_kib = 16 * 1024;
  auto db = rt::Database::open(path, options);
  if (!db) return db;
  const std::string first = std::string(sql::kLedger) + std::string(sql::kReadings);
  const std::array<std::string_view, 19> migrations{
      first,          sql::kDeletions,     sql::kBootClock,
      sql::kCounted,  sql::kTold,          sql::kDamage,
      sql::kSetBack,  sql::kQuarantineAge, sql::kQuarantinedReadings,
      sql::kReplay,   sql::kExperiments,   sql::kBodies,
      sql::kImports,  sql::kAttachments,   sql::kSampling,
      sql::kGapTimes, sql::kButtons,       sql::kGapOrigins,
      sql::kBuilds};
  if (auto done = db->migrate(migrations); !done) return done.error();
  return db;
}

}  // namespace fieldpost::coordinator

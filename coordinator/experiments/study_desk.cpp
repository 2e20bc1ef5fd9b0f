#include "coordinator/experiments/study_desk.h"

namespace fieldpost::coordinator {

rt::Result<std::unique_ptr<StudyReader>> StudyReader::open(const std::string& path,
                                                           const std::string& vfs) {
  rt::DatabaseOptions options;
  options.read_only = true;
  options.create = false;
  options.vfs = vfs;
  auto db = rt::Database::open(path, options);
  if (!db) return db.error();
  auto readings = ReadingQuery::open(path, vfs);
  if (!readings) return readings.error();
  auto ledger = LedgerQuery::open(path, vfs);
  if (!ledger) return ledger.error();
  return std::make_unique<StudyReader>(*std::move(db), *std::move(readings), *std::move(ledger));
}

}  // namespace fieldpost::coordinator

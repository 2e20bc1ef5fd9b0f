#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/eraser.h"

namespace fieldpost::coordinator {
namespace {

// For the next batches, before the file shrinks: a part of the file, within these.
constexpr std::int64_t kFreePart = 32;
constexpr std::int64_t kFreePagesLeast = 64;
constexpr std::int64_t kFreePagesMost = 1024;
constexpr std::int64_t kPagesFreedMax = 256;  // given back in one step

rt::Result<std::int64_t> number_of(rt::Database& db, const char* pragma) {
  rt::Statement& stmt = db.prepare(pragma);
  const auto row = stmt.step();
  if (!row) return row.error();
  const std::int64_t number = stmt.i64(0);
  stmt.reset();
  return number;
}

}  // namespace

rt::Result<bool> shrink_file(rt::Database& db) {
  const auto free = number_of(db, "PRAGMA freelist_count");
  if (!free) return free.error();
  const auto all = number_of(db, "PRAGMA page_count");
  if (!all) return all.error();
  const std::int64_t spare = *free - std::clamp(*all / kFreePart, kFreePagesLeast, kFreePagesMost);
  if (spare <= 0) return false;
  const std::int64_t pages = std::min(spare, kPagesFreedMax);
  auto done = db.execute(fmt::format("PRAGMA incremental_vacuum({})", pages));
  if (!done) return done.error();
  return pages < spare;
}

}  // namespace fieldpost::coordinator

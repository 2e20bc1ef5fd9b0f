#include <fmt/format.h>

#include <algorithm>

#include "coordinator/store/eraser.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::int64_t kFreePagesKept = 1024;  // for the next batches, before the file shrinks
constexpr std::int64_t kPagesFreedMax = 256;   // given back in one step

}  // namespace

rt::Result<bool> shrink_file(rt::Database& db) {
  rt::Statement& stmt = db.prepare("PRAGMA freelist_count");
  const auto row = stmt.step();
  if (!row) return row.error();
  const std::int64_t spare = stmt.i64(0) - kFreePagesKept;
  stmt.reset();
  if (spare <= 0) return false;
  const std::int64_t pages = std::min(spare, kPagesFreedMax);
  auto done = db.execute(fmt::format("PRAGMA incremental_vacuum({})", pages));
  if (!done) return done.error();
  return pages < spare;
}

}  // namespace fieldpost::coordinator

#include "agent/spool/forget_pin.h"

#include "agent/spool/spool_rows.h"
#include "proto/rt/sqlite.h"

namespace fieldpost::agent {

rt::Result<wire::Id128> load_pinned_store(const std::string& path, const std::string& vfs) {
  auto db = rt::Database::open(path, {.create = false, .vfs = vfs, .keeps_wal = true});
  if (!db) return db.error();
  const auto id = read_fact(*db, "store_id");
  if (!id) return id.error();
  return wire::Id128::from_bytes(*id);
}

rt::Status forget_pin(const std::string& path, const std::string& vfs) {
  auto db = rt::Database::open(path, {.create = false, .vfs = vfs, .keeps_wal = true});
  if (!db) return db.error();
  return db->execute(
      "DELETE FROM fact WHERE key IN ('store_id', 'public_key', 'generation', 'last_time',"
      " 'sampling')");
}

}  // namespace fieldpost::agent

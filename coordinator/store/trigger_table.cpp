#include "coordinator/store/trigger_table.h"

#include <fmt/format.h>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

Result<std::optional<std::string>> TriggerTable::state(const std::string& key) {
  rt::Statement& stmt = db_.prepare("SELECT value FROM trigger_state WHERE key = ?1");
  const auto row = stmt.bind_text(1, key).step();
  if (!row) return row.error();
  std::optional<std::string> out;
  if (*row) out = stmt.text(0);
  stmt.reset();
  return out;
}

Result<std::vector<TriggerTable::State>> TriggerTable::states(const std::string& prefix,
                                                              const std::string& after,
                                                              std::size_t limit) {
  rt::Statement& stmt = db_.prepare(
      "SELECT key, value FROM trigger_state WHERE key >= ?1 AND key > ?2"
      " AND substr(key, 1, length(?1)) = ?1 ORDER BY key LIMIT ?3");
  stmt.bind_text(1, prefix).bind_text(2, after).bind(3, static_cast<std::int64_t>(limit));
  return rt::read_rows(stmt, [](const rt::Statement& row) {
    return State{std::string(row.text(0)), std::string(row.text(1))};
  });
}

Status TriggerTable::set_state(const std::string& key, const std::string& value) {
  const bool fits =
      !key.empty() && key.size() <= kTriggerKeyBytesMax && value.size() <= kTriggerValueBytesMax;
  if (!fits) {
    return Error{Errc::kInvalid,
                 fmt::format("what trigger \"{}\" remembers: a key has 1 to {} bytes, a value at"
                             " most {}",
                             key.substr(0, 40), kTriggerKeyBytesMax, kTriggerValueBytesMax)};
  }
  rt::Statement& again = db_.prepare("UPDATE trigger_state SET value = ?2 WHERE key = ?1");
  auto done = again.bind_text(1, key).bind_text(2, value).run();
  if (!done || db_.changes() > 0) return done;
  const auto count = rt::read_number(db_.prepare("SELECT count(*) FROM trigger_state"));
  if (!count) return count.error();
  if (*count >= static_cast<std::int64_t>(kTriggerStatesMax)) {
    return Error{Errc::kFull,
                 fmt::format("triggers remember at most {} things", kTriggerStatesMax)};
  }
  rt::Statement& add = db_.prepare("INSERT INTO trigger_state (key, value) VALUES (?1, ?2)");
  return add.bind_text(1, key).bind_text(2, value).run();
}

Status TriggerTable::remove_state(const std::string& key) {
  rt::Statement& stmt = db_.prepare("DELETE FROM trigger_state WHERE key = ?1");
  return stmt.bind_text(1, key).run();
}

Result<bool> TriggerTable::has_seen(const std::string& id_or_hash, rt::UnixTime now) {
  if (id_or_hash.empty()) return false;
  rt::Statement& stmt = db_.prepare(
      "SELECT 1 FROM seen_delivery WHERE (id = ?1 OR body_hash = ?1) AND time_ns >= ?2 LIMIT 1");
  const auto found =
      rt::read_number(stmt.bind_text(1, id_or_hash).bind(2, now.ns - kDeliveryKeptNs));
  if (!found) return found.error();
  return *found != 0;
}

Status TriggerTable::remember(const std::string& id, const std::string& body_hash,
                              rt::UnixTime now) {
  const bool fits =
      !id.empty() && id.size() <= kTriggerKeyBytesMax && body_hash.size() <= kTriggerKeyBytesMax;
  if (!fits) {
    return Error{Errc::kInvalid, fmt::format("a delivery \"{}\": its name has 1 to {} bytes, and"
                                             " its hash at most as many",
                                             id.substr(0, 40), kTriggerKeyBytesMax)};
  }
  if (auto done = forget_old(now); !done) return done;
  rt::Statement& add = db_.prepare(
      "INSERT OR IGNORE INTO seen_delivery (id, body_hash, time_ns) VALUES (?1, ?2, ?3)");
  return add.bind_text(1, id).bind_text(2, body_hash).bind(3, now.ns).run();
}

/// So that there is room for one more.
Status TriggerTable::forget_old(rt::UnixTime now) {
  rt::Statement& old = db_.prepare("DELETE FROM seen_delivery WHERE time_ns < ?1");
  if (auto done = old.bind(1, now.ns - kDeliveryKeptNs).run(); !done) return done;
  rt::Statement& surplus = db_.prepare(
      "DELETE FROM seen_delivery WHERE id IN (SELECT id FROM seen_delivery"
      " ORDER BY time_ns DESC, id DESC LIMIT -1 OFFSET ?1)");
  return surplus.bind(1, kDeliveriesMax - 1).run();
}

}  // namespace fieldpost::coordinator

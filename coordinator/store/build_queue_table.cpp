#include "coordinator/store/build_queue_table.h"

#include <fmt/format.h>

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

Result<QueueState> BuildQueueTable::state() {
  rt::Statement& stmt = db_.prepare("SELECT paused, changed_by, changed_ns FROM build_queue");
  const auto row = stmt.step();
  if (!row) return row.error();
  QueueState out;
  if (*row) out = {stmt.i64(0) != 0, std::string(stmt.text(1)), stmt.i64(2)};
  stmt.reset();
  return out;
}

Status BuildQueueTable::set_paused(bool is_paused, const std::string& by, rt::UnixTime now) {
  rt::Statement& stmt = db_.prepare(
      "INSERT OR REPLACE INTO build_queue (no, paused, changed_by, changed_ns)"
      " VALUES (1, ?1, ?2, ?3)");
  return stmt.bind(1, is_paused ? 1 : 0).bind_text(2, by).bind(3, now.ns).run();
}

Result<std::vector<std::string>> BuildQueueTable::drained_nodes() {
  rt::Statement& stmt = db_.prepare("SELECT id FROM node WHERE drained = 1 ORDER BY id");
  return rt::read_rows(stmt, [](const rt::Statement& row) { return std::string(row.text(0)); });
}

Status BuildQueueTable::set_drained(const std::string& node, bool is_drained) {
  rt::Statement& stmt = db_.prepare("UPDATE node SET drained = ?2 WHERE id = ?1");
  if (auto done = stmt.bind_text(1, node).bind(2, is_drained ? 1 : 0).run(); !done) return done;
  if (db_.changes() > 0) return ok();
  return Error{Errc::kNotFound, fmt::format("there is no node {}", node)};
}

}  // namespace fieldpost::coordinator

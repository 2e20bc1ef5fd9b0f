#include "coordinator/store/command_outcomes.h"

#include <fmt/format.h>

#include <set>
#include <string>

#include "proto/rt/rows.h"
#include "proto/wire/flash_order.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Status;

namespace {

/// `UPDATE command SET outcome = …`, without the image that went with a flash: a thousand answered
/// commands of each node are kept, and nobody reads it any more.
std::string end_with(std::string_view outcome) {
  return fmt::format(
      "UPDATE command SET arguments = CASE WHEN verb = '{}' AND json_valid(arguments)"
      " THEN json_remove(arguments, '$.image') ELSE arguments END, outcome = {}",
      wire::kFlashVerb, outcome);
}

}  // namespace

Status CommandOutcomes::note_told(std::int64_t node_no, std::uint64_t id,
                                  std::string_view outcome) {
  rt::Statement& stmt =
      db_.prepare(end_with("?3 WHERE node_no = ?1 AND id = ?2"
                           " AND (outcome IS NULL OR instr(outcome, '\"ok\":null') > 0)"));
  auto done = stmt.bind(1, node_no).bind(2, id).bind_text(3, outcome).run();
  return !done || db_.changes() == 0 ? done : drop_old(node_no);
}

Status CommandOutcomes::end_open(std::int64_t node_no) {
  rt::Statement& stmt =
      db_.prepare(end_with("json_object('type', 'command', 'id', id, 'verb', verb,"
                           " 'ok', NULL, 'detail', 'unknown: the agent ended before it answered')"
                           " WHERE node_no = ?1 AND outcome IS NULL"));
  auto done = stmt.bind(1, node_no).run();
  return !done || db_.changes() == 0 ? done : drop_old(node_no);
}

Status CommandOutcomes::end_expired(rt::UnixTime now) {
  rt::Statement& stmt =
      db_.prepare(end_with("json_object('type', 'command', 'id', id, 'verb', verb,"
                           " 'ok', NULL, 'detail', 'expired: the node told no outcome in time')"
                           " WHERE outcome IS NULL AND expires_ns <= ?1 RETURNING node_no"));
  const auto nodes =
      rt::read_rows(stmt.bind(1, now.ns), [](const rt::Statement& row) { return row.i64(0); });
  if (!nodes) return nodes.error();
  for (const std::int64_t node_no : std::set<std::int64_t>(nodes->begin(), nodes->end())) {
    if (auto done = drop_old(node_no); !done) return done;
  }
  return ok();
}

Status CommandOutcomes::drop_old(std::int64_t node_no) {
  rt::Statement& stmt = db_.prepare(
      "DELETE FROM command WHERE node_no = ?1 AND id IN (SELECT id FROM command"
      " WHERE node_no = ?1 AND outcome IS NOT NULL"
      " AND id <= (SELECT id FROM command WHERE node_no = ?1 AND outcome IS NOT NULL"
      " ORDER BY id DESC LIMIT 1 OFFSET ?2)"
      " AND id NOT IN (SELECT command_id FROM sampling WHERE node_no = ?1) ORDER BY id LIMIT ?3)");
  return stmt.bind(1, node_no).bind(2, kAnsweredKept).bind(3, kDroppedAtOnce).run();
}

}  // namespace fieldpost::coordinator

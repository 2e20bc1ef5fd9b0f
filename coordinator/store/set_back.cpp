#include "coordinator/store/set_back.h"

#include <vector>

#include "coordinator/store/gap_table.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

Status SetBack::load() {
  rt::Statement& newest = db_.prepare(
      "SELECT max(coalesce((SELECT max(last_seen_ns) FROM node), 0),"
      " coalesce((SELECT max(drawn_ns) FROM generation), 0))");
  const auto row = newest.step();
  if (!row) return row.error();
  newest_ns_ = newest.i64(0);
  newest.reset();
  return ok();
}

Result<bool> SetBack::is_noted() {
  rt::Statement& get = db_.prepare("SELECT 1 FROM fact WHERE key = 'set_back_to'");
  const auto row = get.step();
  if (!row) return row.error();
  get.reset();
  return *row;
}

Status SetBack::note(rt::UnixTime now) {
  const auto noted = is_noted();
  if (!noted) return noted.error();
  if (*noted) return ok();
  auto done = db_.prepare("INSERT INTO fact (key, value) VALUES ('set_back_to', ?)")
                  .bind(1, newest_ns_)
                  .run();
  return done ? add_gaps_of_http(now) : done;
}

Status SetBack::add_gaps_of_http(rt::UnixTime now) {
  std::vector<NodeNo> nodes;
  rt::Statement& rows = db_.prepare("SELECT no FROM node WHERE accepted_http > 0");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    nodes.push_back(rows.i64(0));
  }
  for (const NodeNo node : nodes) {
    NewGap gap{node, wire::GapCause::kStoreRestored};
    gap.readings_known = false;
    if (auto done = insert_gap(db_, gap, now); !done) return done.error();
  }
  return ok();
}

Result<bool> SetBack::note_hello(NodeNo node, rt::UnixTime now) {
  auto done = db_.prepare("UPDATE node SET last_hello_ns = ?2 WHERE no = ?1")
                  .bind(1, node)
                  .bind(2, now.ns)
                  .run();
  if (!done) return done.error();
  done = db_.prepare(
                "DELETE FROM fact WHERE key = 'set_back_to' AND NOT EXISTS (SELECT 1 FROM node"
                " WHERE current_incarnation IS NOT NULL AND last_hello_ns <= value)")
             .run();
  if (!done) return done.error();
  return db_.changes() > 0;
}

}  // namespace fieldpost::coordinator

#include "coordinator/store/settled_nodes.h"

#include "proto/rt/rows.h"

namespace fieldpost::coordinator {

rt::Result<std::vector<SettledNode>> settled_nodes(rt::Database& db, std::int64_t from) {
  rt::Statement& stmt = db.prepare(
      "SELECT n.id, n.current_incarnation IS NOT NULL, n.settled_until_ns,"
      " EXISTS (SELECT 1 FROM gap g WHERE g.node_no = n.no AND g.state = 1"
      " AND coalesce(g.last_time, ?1) >= ?1)"
      " OR EXISTS (SELECT 1 FROM fact WHERE key = 'set_back_to' AND n.last_hello_ns <= value"
      " AND n.current_incarnation IS NOT NULL),"
      " (SELECT count(*) FROM quarantine q WHERE q.node_no = n.no)"
      " FROM node n ORDER BY n.id");
  return rt::read_rows(stmt.bind(1, from), [](const rt::Statement& row) {
    return SettledNode{std::string(row.text(0)), row.i64(1) != 0, row.i64(2), row.i64(3) != 0,
                       row.u64(4)};
  });
}

}  // namespace fieldpost::coordinator

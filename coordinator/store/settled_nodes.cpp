#include "coordinator/store/settled_nodes.h"

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
  stmt.bind(1, from);
  std::vector<SettledNode> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(
        {std::string(stmt.text(0)), stmt.i64(1) != 0, stmt.i64(2), stmt.i64(3) != 0, stmt.u64(4)});
  }
}

}  // namespace fieldpost::coordinator

// The store's side of a deletion by request.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "coordinator/store/deletion_table.h"
#include "coordinator/store/store.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;

using NodesByNo = std::map<NodeNo, std::string>;

/// Those that have a series that is meant.
Result<NodesByNo> nodes_meant(rt::Database& db, const DeletionRequest& request) {
  rt::Statement& stmt = db.prepare(
      "SELECT node_no, node.id, key FROM series JOIN node ON no = node_no"
      " WHERE ?1 = '' OR node.id = ?1");
  stmt.bind_text(1, request.node);
  NodesByNo nodes;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return nodes;
    if (nodes.contains(stmt.i64(0))) continue;
    const auto key = wire::SeriesKey::parse(stmt.text(2));
    const bool is_meant =
        request.measurement.empty() || (key && key->measurement == request.measurement);
    if (is_meant) nodes.emplace(stmt.i64(0), std::string(stmt.text(1)));
  }
}

}  // namespace

Result<std::vector<wire::Rank>> Store::ranks_heard_of(NodeNo node) {
  const auto incarnations = ledger_.incarnations_of(node);
  if (!incarnations) return incarnations.error();
  std::vector<wire::Rank> marks{{http_ordinal_, http_seq_}};
  for (const IncarnationRow& row : *incarnations) {
    marks.push_back({row.ordinal, std::max(row.known_high, row.told_high)});
  }
  return marks;
}

Result<std::vector<Deletion>> Store::delete_readings(const DeletionRequest& request,
                                                     rt::UnixTime now) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  const auto nodes = nodes_meant(db_, request);
  if (!nodes) return nodes.error();
  if (nodes->empty()) {
    return Error{Errc::kNotFound, fmt::format("no series of node \"{}\", measurement \"{}\"",
                                              request.node, request.measurement)};
  }
  std::vector<Deletion> out;
  for (const auto& [no, id] : *nodes) {
    const auto marks = ranks_heard_of(no);
    if (!marks) return marks.error();
    const auto gap = add_deletion(
        db_, {no, request.measurement, request.first_time, request.last_time, request.reason},
        ledger_.ordinal_max(), *marks, now);
    if (!gap) return gap.error();
    out.push_back({id, *gap});
  }
  if (auto done = transaction.commit(); !done) return done.error();
  return out;
}

}  // namespace fieldpost::coordinator

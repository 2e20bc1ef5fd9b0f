// Damage in the store that a node may still heal.
#include <nlohmann/json.hpp>
#include <utility>

#include "coordinator/store/store.h"

namespace fieldpost::coordinator {
namespace {

using rt::Result;

constexpr std::uint64_t kAsksTogether = 64;

struct Ask {
  std::int64_t gap = 0;
  std::string node;
  wire::SpoolId spool;  ///< that the node has now
  wire::Name name;
};

std::string arguments_of(const Ask& ask) {
  return nlohmann::json{{"spool", ask.name.incarnation.spool.hex()},
                        {"incarnation", ask.name.incarnation.value},
                        {"first", ask.name.seq},
                        {"last", ask.name.seq}}
      .dump();
}

Result<std::vector<Ask>> not_asked_yet(rt::Database& db) {
  rt::Statement& rows = db.prepare(
      "SELECT d.gap_no, n.id, live.spool, i.spool, i.value, d.seq FROM damage d"
      " JOIN node n ON n.no = d.node_no"
      " JOIN incarnation i ON i.node_no = d.node_no AND i.ordinal = d.ordinal"
      " JOIN incarnation live ON live.no = n.current_incarnation WHERE d.asked = 0 LIMIT ?");
  rows.bind(1, kAsksTogether);
  std::vector<Ask> out;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({rows.i64(0),
                   std::string(rows.text(1)),
                   wire::Id128::from_bytes(rows.blob(2)),
                   {{wire::Id128::from_bytes(rows.blob(3)), rows.u64(4)}, rows.u64(5)}});
  }
}

}  // namespace

Result<std::vector<Store::NodeCommand>> Store::ask_for_damaged(rt::UnixTime now,
                                                               rt::UnixTime expires) {
  const auto asks = not_asked_yet(db_);
  if (!asks) return asks.error();
  std::vector<NodeCommand> out;
  for (const Ask& ask : *asks) {
    auto command = add_command(ask.node, ask.spool, "resend", arguments_of(ask), now, expires);
    if (!command) return command.error();
    auto done = ledger_.execute("UPDATE damage SET asked = 1 WHERE gap_no = ?1", ask.gap);
    if (!done) return done.error();
    out.push_back({ask.node, std::move(*command)});
  }
  return out;
}

}  // namespace fieldpost::coordinator

// Readings that give way to others, all at once.
#include <fmt/format.h>

#include "coordinator/store/damage.h"
#include "coordinator/store/store.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kReadingsPerStep = 500'000;  ///< decoded at once while compacting

Status note_replay(rt::Database& db, NodeNo node, const ReplayRecord& record,
                   const Replaced& replaced, rt::UnixTime now) {
  rt::Statement& add = db.prepare(
      "INSERT INTO replay (node_no, source, from_ns, to_ns, rules, asked_by, done_ns, removed,"
      " added) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  add.bind(1, node).bind_text(2, record.source).bind(3, record.from).bind(4, record.to);
  add.bind_text(5, record.rules).bind_text(6, record.by).bind(7, now.ns);
  return add.bind(8, replaced.removed).bind(9, replaced.added).run();
}

}  // namespace

Result<Replaced> Store::replace_readings(const Replacement& replacement, rt::UnixTime now) {
  const std::string& id = replacement.record.node;
  const auto node = ledger_.find_node(id);
  if (!node) return node.error();
  if (!*node) return Error{Errc::kNotFound, "no such node: " + id};
  // What waits is in chunks then, where each reading can be taken by its time.
  CompactionLimits limits;
  limits.readings_max = kReadingsPerStep;
  if (auto done = readings_.compact_all_of(**node, limits, now); !done) return done.error();

  ChunkPurge chunks(db_);
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  const auto replaced = replace_inside(**node, replacement, chunks, now);
  Status done = replaced ? transaction.commit() : Status(replaced.error());
  if (done) return *replaced;
  db_.rollback();
  ledger_.forget_uncommitted();
  readings_.forget_uncommitted();
  if (chunks.damaged()) {
    if (auto moved = set_aside(db_, *chunks.damaged(), {done.error().message, now}); !moved) {
      return moved.error();
    }
  }
  return done.error();
}

Result<Replaced> Store::replace_inside(NodeNo node, const Replacement& replacement,
                                       ChunkPurge& chunks, rt::UnixTime now) {
  Replaced out;
  for (const OldReadings& old : replacement.old) {
    const auto removed = take_old(db_, chunks, node, old);
    if (!removed) return removed.error();
    out.removed += *removed;
  }
  if (auto done = chunks.finish(); !done) return done.error();
  for (const FreshReadings& each : replacement.fresh) {
    // A batch has a name as if it came over HTTP; its readings have ranks of their own.
    const wire::Rank name{http_ordinal_, ++http_seq_};
    if (auto done = store_fresh(node, each, name, now); !done) return done.error();
    out.added += each.readings;
  }
  if (auto done = note_replay(db_, node, replacement.record, out, now); !done) return done.error();
  return out;
}

Status Store::store_fresh(NodeNo node, const FreshReadings& fresh, const wire::Rank& name,
                          rt::UnixTime now) {
  auto batch = make_batch(*fresh.set, {fresh.payload, fresh.codec, fresh.raw_size});
  if (!batch) return batch.error();
  batch->node = node;
  batch->rank = name;
  batch->origin_ranks = fresh.origin_ranks;
  batch->boot = fresh.boot;
  return readings_.add_batch(*batch, now);
}

}  // namespace fieldpost::coordinator

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
  const auto ordinal = ledger_.draw_http_ordinal(now);
  Status done = ordinal ? ok() : Status(ordinal.error());
  Replaced replaced;
  if (done) {
    const auto inside = replace_inside(**node, replacement, *ordinal, chunks, now);
    if (inside) replaced = *inside;
    if (!inside) done = inside.error();
  }
  if (done) done = transaction.commit();
  if (done) {
    http_ordinal_ = *ordinal;
    return replaced;
  }
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
                                       std::uint64_t ordinal, ChunkPurge& chunks,
                                       rt::UnixTime now) {
  Replaced out;
  for (const OldReadings& old : replacement.old) {
    const auto removed = take_old(db_, chunks, node, old);
    if (!removed) return removed.error();
    out.removed += *removed;
  }
  if (auto done = chunks.finish(); !done) return done.error();
  for (const wire::EncodedReadings& each : replacement.fresh) {
    const auto stored = store_encoded(node, each, {ordinal, ++http_seq_}, now);
    if (!stored) return stored.error();
    out.added += each.record.readings;
  }
  if (auto done = note_replay(db_, node, replacement.record, out, now); !done) return done.error();
  return out;
}

}  // namespace fieldpost::coordinator

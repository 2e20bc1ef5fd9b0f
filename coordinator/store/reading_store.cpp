#include "coordinator/store/reading_store.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "coordinator/store/batch_table.h"
#include "coordinator/store/compaction.h"
#include "coordinator/store/damage.h"
#include "coordinator/store/series_catalog.h"

namespace fieldpost::coordinator {
namespace {

using WaitingByNode = std::map<NodeNo, Waiting>;

rt::Result<WaitingByNode> load_waiting(rt::Database& db) {
  rt::Statement& stmt = db.prepare(
      "SELECT node_no, count(*), sum(readings), min(received_ns) FROM batch GROUP BY node_no");
  WaitingByNode waiting;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return waiting;
    waiting[stmt.i64(0)] = {stmt.u64(1), stmt.u64(2), stmt.i64(3)};
  }
}

bool is_worth_it(const Waiting& waiting, const CompactionLimits& limits, rt::UnixTime now) {
  if (waiting.batches == 0) return false;
  return waiting.batches >= limits.batches_min || waiting.readings >= limits.readings_max ||
         waiting.oldest_ns <= now.ns - limits.age_max_ns;
}

/// The node that waits longest of those that are worth it.
std::optional<NodeNo> next_node(const WaitingByNode& waiting, const CompactionLimits& limits,
                                rt::UnixTime now) {
  std::optional<NodeNo> best;
  for (const auto& [node, of_node] : waiting) {
    if (!is_worth_it(of_node, limits, now)) continue;
    if (!best || of_node.oldest_ns < waiting.at(*best).oldest_ns) best = node;
  }
  return best;
}

}  // namespace

struct ReadingStore::State {
  explicit State(rt::Database& db) : catalog(db) {}

  SeriesCatalog catalog;
  std::optional<WaitingByNode> waiting;  ///< not known after a rollback
};

ReadingStore::ReadingStore(rt::Database& db) : db_(db), state_(std::make_unique<State>(db)) {}

ReadingStore::~ReadingStore() = default;

rt::Status ReadingStore::load() {
  auto waiting = load_waiting(db_);
  if (!waiting) return waiting.error();
  state_->waiting = std::move(*waiting);
  return rt::ok();
}

rt::Result<SetPtr> ReadingStore::find_set(const wire::Hash128& hash) {
  return state_->catalog.find_set(hash);
}

rt::Result<SetPtr> ReadingStore::add_set(std::string_view bytes) {
  return state_->catalog.add_set(bytes);
}

rt::Result<SeriesIds> ReadingStore::series_of(NodeNo node, const wire::SeriesSet& set) {
  return state_->catalog.series_of(node, set);
}

rt::Result<bool> ReadingStore::is_rank_taken(const ReadingBatch& batch) {
  return coordinator::is_rank_taken(db_, batch);
}

rt::Status ReadingStore::add_batch(const ReadingBatch& batch, rt::UnixTime now) {
  FP_CHECK(batch.origin_ranks.size() == batch.columns.origins.size());
  FP_CHECK(batch.columns.columns.size() == batch.set->keys.size());
  const std::uint64_t readings = batch.columns.readings();
  if (readings == 0) return rt::ok();
  if (auto ids = series_of(batch.node, *batch.set); !ids) return ids.error();
  const auto set_no = state_->catalog.set_no(*batch.set);
  if (!set_no) return set_no.error();
  if (auto done = insert_batch(db_, batch, *set_no, now); !done) return done;
  if (db_.changes() == 0) return rt::ok();
  if (state_->waiting) {
    Waiting& waiting = (*state_->waiting)[batch.node];
    waiting.batches += 1;
    waiting.readings += readings;
    waiting.oldest_ns = std::min(waiting.oldest_ns, now.ns);
  }
  return heal(db_, batch);
}

void ReadingStore::forget_uncommitted() {
  state_->catalog.forget();
  state_->waiting.reset();
}

rt::Result<bool> ReadingStore::compact_step(const CompactionLimits& limits, rt::UnixTime now) {
  if (!state_->waiting) {
    if (auto done = load(); !done) return done.error();
  }
  const auto node = next_node(*state_->waiting, limits, now);
  if (!node) return false;
  if (auto done = compact_node(*node, limits, now); !done) return done.error();
  return true;
}

rt::Status ReadingStore::compact_all_of(NodeNo node, const CompactionLimits& limits,
                                        rt::UnixTime now) {
  if (!state_->waiting) {
    if (auto done = load(); !done) return done;
  }
  while ((*state_->waiting)[node].batches > 0) {
    if (auto done = compact_node(node, limits, now); !done) return done;
  }
  return rt::ok();
}

rt::Status ReadingStore::compact_node(NodeNo node, const CompactionLimits& limits,
                                      rt::UnixTime now) {
  auto waiting = std::exchange(state_->waiting, std::nullopt);  // not known if this fails
  Compaction step(db_, state_->catalog);
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = step.run(node, limits.readings_max); !done) {
    db_.rollback();
    if (!step.damaged()) return done;
    const DamageFound found{done.error().message, now};
    auto moved =
        std::visit([&](const auto& row) { return set_aside(db_, row, found); }, *step.damaged());
    return moved ? done : moved;
  }
  if (auto done = transaction.commit(); !done) return done;
  const auto left = count_waiting(db_, node);
  if (!left) return left.error();
  (*waiting)[node] = *left;
  state_->waiting = std::move(waiting);
  return rt::ok();
}

}  // namespace fieldpost::coordinator

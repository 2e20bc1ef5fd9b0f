#include "coordinator/store/eraser.h"

#include <algorithm>
#include <utility>

#include "coordinator/store/damage.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {
namespace {

// A step takes chunks of so many series of a node together, because they share packs, and so many
// of each.
constexpr std::size_t kSeriesTogether = 32;
constexpr std::size_t kChunksTogether = 8;
constexpr std::size_t kSeriesLooked = 256;  // for old ones, in one step

std::string measurement_of(std::string_view key) {
  const auto parsed = wire::SeriesKey::parse(key);
  return parsed ? parsed->measurement : std::string();
}

/// `span` (not negative) before the time, or the first time that there is.
std::int64_t before(std::int64_t time, std::int64_t span) {
  return time < INT64_MIN + span ? INT64_MIN : time - span;
}

bool is_outlived(const ChunkRow& chunk, std::int64_t limit, std::int64_t keep_ns) {
  return chunk.last_time < limit || chunk.first_time < before(limit, keep_ns / kOutlivePart);
}

rt::Status note_synchronised(rt::Database& db, rt::UnixTime now) {
  return db.prepare("INSERT OR REPLACE INTO fact (key, value) VALUES ('synchronised_ns', ?1)")
      .bind(1, now.ns)
      .run();
}

}  // namespace

rt::Result<rt::UnixTime> retention_time(rt::Database& db, const Moment& now) {
  if (now.synchronised) return now.now;
  rt::Statement& stmt = db.prepare("SELECT value FROM fact WHERE key = 'synchronised_ns'");
  const auto row = stmt.step();
  if (!row) return row.error();
  const std::int64_t last = *row ? stmt.i64(0) : INT64_MIN;
  stmt.reset();
  return rt::UnixTime{std::min(now.now.ns, last)};
}

rt::Result<Eraser::Step> Eraser::step(const RetentionRules& rules, const Moment& now) {
  now_ = now.now;
  const auto pending = next_pending(db_);
  if (!pending) return pending.error();
  if (*pending) return purge(**pending);
  if (!rules.empty()) {
    if (auto done = begin_pass(now); !done) return done.error();
    if (in_pass_) return retain(rules);
  }
  const auto more = shrink_file(db_);
  if (!more) return more.error();
  Step step;
  step.more = *more;
  return step;
}

rt::Result<Eraser::Step> Eraser::commit(rt::Transaction& transaction, ChunkPurge& chunks) {
  if (auto done = chunks.finish(); !done) return done.error();
  if (auto done = add_taken(db_, chunks.taken()); !done) return done.error();
  if (auto done = transaction.commit(); !done) return done.error();
  Step step;
  step.more = true;
  for (const Taken::Count& count : chunks.taken().counts()) {
    step.readings += count.readings;
    step.bytes += count.bytes;
  }
  return step;
}

rt::Error Eraser::set_damaged_aside(const ChunkPurge& chunks, rt::Error error) {
  if (!chunks.damaged()) return error;
  db_.rollback();
  auto moved = set_aside(db_, *chunks.damaged(), {error.message, now_});
  return moved ? error : moved.error();
}

// ---- deletions ----

rt::Result<std::vector<Eraser::Member>> Eraser::members_of(const PendingDeletion& pending) {
  rt::Statement& stmt =
      db_.prepare("SELECT id, key, type FROM series WHERE node_no = ? AND id > ? ORDER BY id");
  stmt.bind(1, pending.node).bind(2, place_.after);
  std::vector<Member> members;
  while (members.size() < kSeriesTogether) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return members;
    if (!pending.mask.measurement.empty() &&
        measurement_of(stmt.text(1)) != pending.mask.measurement) {
      continue;
    }
    members.push_back(
        {stmt.i64(0), pending.node, static_cast<wire::ValueType>(stmt.i64(2)), nullptr, 0});
  }
  stmt.reset();
  return members;
}

rt::Result<Eraser::Step> Eraser::purge(const PendingDeletion& pending) {
  if (place_.deletion != pending.mask.deletion) {
    place_ = {pending.mask.deletion, 0, {}, pending.mask.first_time};
  }
  const auto members = members_of(pending);
  if (!members) return members.error();
  if (members->empty()) return finish(pending);
  const Place before = place_;
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  ChunkPurge chunks(db_);
  auto done = purge_round(chunks, *members, pending.mask);
  auto step = done ? commit(transaction, chunks) : rt::Result<Step>(done.error());
  if (step) return step;
  place_ = before;
  return set_damaged_aside(chunks, step.error());
}

rt::Result<Eraser::Step> Eraser::finish(const PendingDeletion& pending) {
  if (auto done = finish_deletion(db_, pending.mask.deletion); !done) return done.error();
  place_ = {};
  rt::Statement& stmt = db_.prepare("SELECT gap_no, readings, bytes FROM deletion WHERE no = ?");
  const auto row = stmt.bind(1, pending.mask.deletion).step();
  if (!row) return row.error();
  Step step{
      .more = true, .readings = stmt.u64(1), .bytes = stmt.u64(2), .finished_gap = stmt.i64(0)};
  stmt.reset();
  return step;
}

/// The next chunks of each member in the place's boot, then the place after them.
rt::Status Eraser::purge_round(ChunkPurge& chunks, const std::vector<Member>& members,
                               const Mask& mask) {
  const Masks masks{mask};
  std::optional<std::int64_t> next_time;
  for (const Member& member : members) {
    const auto found = chunks_from(db_, {member.id, place_.boot}, place_.time, kChunksTogether + 1);
    if (!found) return found.error();
    for (std::size_t i = 0; i < found->size() && (*found)[i].first_time <= mask.last_time; ++i) {
      if (i == kChunksTogether) {
        const std::int64_t time = (*found)[i - 1].last_time + 1;
        next_time = std::min(next_time.value_or(time), time);
        break;
      }
      if (auto done = chunks.take((*found)[i], member.type, masks); !done) return done;
    }
  }
  if (next_time) {
    place_.time = *next_time;
    return rt::ok();
  }
  place_.time = mask.first_time;
  const auto boot = next_boot(members);
  if (!boot) return boot.error();
  if (*boot) {
    place_.boot = **boot;
    return rt::ok();
  }
  // Compaction leaves out what is deleted, too.
  for (const Member& member : members) chunks.look_at(member.id);
  place_.boot = {};
  place_.after = members.back().id;
  return rt::ok();
}

rt::Result<std::optional<wire::Id128>> Eraser::next_boot(const std::vector<Member>& members) {
  rt::Statement& stmt = db_.prepare("SELECT min(boot) FROM chunk WHERE series_id = ? AND boot > ?");
  const std::string after = boot_bytes(place_.boot);
  std::optional<std::string> next;
  for (const Member& member : members) {
    const auto row = stmt.bind(1, member.id).bind_blob(2, after).step();
    if (!row) return row.error();
    if (!stmt.is_null(0) && (!next || stmt.blob(0) < *next)) next = stmt.blob(0);
    stmt.reset();
  }
  if (!next) return std::optional<wire::Id128>();
  return std::optional(wire::Id128::from_bytes(*next));
}

// ---- retention ----

/// If it is time for one.
rt::Status Eraser::begin_pass(const Moment& now) {
  const bool is_soon = last_pass_ns_ && now.now.ns >= *last_pass_ns_ &&
                       now.now.ns - *last_pass_ns_ < kRetentionEveryNs;
  if (in_pass_ || is_soon) return rt::ok();
  if (now.synchronised) {
    if (auto done = note_synchronised(db_, now.now); !done) return done;
  }
  const auto time = retention_time(db_, now);
  if (!time) return time.error();
  pass_time_ = *time;
  pass_after_ = 0;
  last_pass_ns_ = now.now.ns;
  in_pass_ = true;
  return rt::ok();
}

rt::Result<Eraser::Step> Eraser::retain(const RetentionRules& rules) {
  const auto due = find_due(rules);
  if (!due) return due.error();
  Step step;
  bool is_rest = false;
  if (!due->empty()) {
    rt::Transaction transaction(db_);
    if (auto done = transaction.begin(); !done) return done.error();
    ChunkPurge chunks(db_);
    for (const Member& member : *due) {
      const auto rest = outlived(chunks, member);
      if (!rest) return set_damaged_aside(chunks, rest.error());
      is_rest = is_rest || *rest;
    }
    auto done = commit(transaction, chunks);
    if (!done) return set_damaged_aside(chunks, done.error());
    step = *done;
  }
  step.by_rule = true;
  step.more = true;
  if (is_rest) return step;
  pass_after_ = pass_next_;
  if (pass_ends_) in_pass_ = false;
  return step;
}

rt::Result<std::vector<Eraser::Member>> Eraser::find_due(const RetentionRules& rules) {
  std::vector<Member> looked;
  rt::Statement& stmt = db_.prepare(
      "SELECT series.id, node_no, node.id, key, type, first_time FROM series"
      " JOIN node ON no = node_no WHERE series.id > ? AND count > 0 ORDER BY series.id LIMIT ?");
  stmt.bind(1, pass_after_).bind(2, std::uint64_t{kSeriesLooked});
  std::size_t rows = 0;
  for (;; ++rows) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) break;
    const RetentionRule* rule =
        rule_for(rules, std::string(stmt.text(2)), measurement_of(stmt.text(3)));
    const std::int64_t limit = rule != nullptr ? before(pass_time_.ns, rule->keep_ns) : INT64_MIN;
    const bool may_be = rule != nullptr && stmt.i64(5) < limit;
    pass_next_ = stmt.i64(0);
    if (may_be) {
      looked.push_back(
          {stmt.i64(0), stmt.i64(1), static_cast<wire::ValueType>(stmt.i64(4)), rule, limit});
    }
  }
  pass_ends_ = rows < kSeriesLooked;
  std::vector<Member> due;
  for (const Member& member : looked) {
    const auto is = is_due(member);
    if (!is) return is.error();
    if (!*is) continue;
    due.push_back(member);
    if (due.size() < kSeriesTogether) continue;
    pass_ends_ = pass_ends_ && looked.back().id == member.id;
    pass_next_ = member.id;
    break;
  }
  return due;
}

rt::Result<bool> Eraser::is_due(const Member& member) {
  const auto first = chunks_from(db_, {member.id, {}}, INT64_MIN, 1);
  if (!first) return first.error();
  return !first->empty() && is_outlived(first->front(), member.limit, member.rule->keep_ns);
}

/// Takes the oldest chunks of a series; whether there may be more that are due.
rt::Result<bool> Eraser::outlived(ChunkPurge& chunks, const Member& member) {
  const auto found = chunks_from(db_, {member.id, {}}, INT64_MIN, kChunksTogether);
  if (!found) return found.error();
  std::size_t taken = 0;
  DeletionScope scope{member.node, member.rule->measurement, INT64_MAX, INT64_MIN,
                      member.rule->text};
  for (const ChunkRow& chunk : *found) {
    if (!is_outlived(chunk, member.limit, member.rule->keep_ns)) break;
    scope.first_time = std::min(scope.first_time, chunk.first_time);
    scope.last_time = std::min(chunk.last_time, member.limit - 1);
    taken += 1;
  }
  if (taken == 0) return false;
  const auto row = rule_row(db_, scope, pass_time_);
  if (!row) return row.error();
  if (auto done = widen_rule(db_, *row, scope.first_time, scope.last_time); !done) {
    return done.error();
  }
  Mask mask;
  mask.deletion = *row;
  mask.last_time = member.limit - 1;
  for (std::size_t i = 0; i < taken; ++i) {
    if (auto done = chunks.take((*found)[i], member.type, {mask}); !done) return done.error();
  }
  return taken == kChunksTogether;
}

}  // namespace fieldpost::coordinator

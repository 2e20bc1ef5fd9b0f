#include "coordinator/store/ledger.h"

#include <algorithm>
#include <bit>

#include "coordinator/store/site_counter.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kCacheMax = 20'000;  ///< incarnations remembered; then forgotten all at once

constexpr std::string_view kIncarnationColumns =
    "no, node_no, spool, value, parent_no, ordinal, told_high, known_high, left_behind";

IncarnationRow read_incarnation(const rt::Statement& row) {
  return {row.i64(0), row.i64(1),     {wire::Id128::from_bytes(row.blob(2)), row.u64(3)},
          row.i64(4), row.u64(5),     row.u64(6),
          row.u64(7), row.i64(8) != 0};
}

}  // namespace

Status Ledger::load(rt::Random& random) {
  rt::Statement& get = db_.prepare("SELECT value FROM fact WHERE key = 'store_id'");
  const auto row = get.step();
  if (!row) return row.error();
  if (*row) {
    store_id_ = wire::Id128::from_bytes(get.blob(0));
    get.reset();
  } else {
    store_id_ = {random.next_id(), random.next_id()};
    const std::string bytes = store_id_.bytes();
    rt::Statement& set = db_.prepare("INSERT INTO fact (key, value) VALUES ('store_id', ?1)");
    set.bind_blob(1, bytes);
    if (auto done = set.run(); !done) return done;
  }
  forget_uncommitted();
  rt::Statement& most = db_.prepare(
      "SELECT max(coalesce((SELECT max(ordinal) FROM incarnation), 0),"
      " coalesce((SELECT value FROM fact WHERE key = 'http_ordinal'), 0))");
  const auto found = most.step();
  if (!found) return found.error();
  ordinal_counter_ = most.u64(0);
  most.reset();
  return ok();
}

Result<std::uint64_t> Ledger::draw_http_ordinal(rt::UnixTime now) {
  const std::uint64_t ordinal = next_ordinal(now);
  rt::Statement& put =
      db_.prepare("INSERT OR REPLACE INTO fact (key, value) VALUES ('http_ordinal', ?1)");
  put.bind(1, ordinal);
  if (auto done = put.run(); !done) return done.error();
  return ordinal;
}

void Ledger::forget_uncommitted() {
  cache_.clear();
  has_unconfirmed_ = true;
  // The counter may run ahead of the file after a rollback: ordinals need order, not density.
}

Status Ledger::execute(std::string_view sql, std::int64_t a, std::int64_t b) {
  rt::Statement& stmt = db_.prepare(sql);
  stmt.bind(1, a);
  if (sql.find("?2") != std::string_view::npos) stmt.bind(2, b);
  return stmt.run();
}

Status Ledger::draw_generation(std::uint64_t value, rt::UnixTime now) {
  rt::Statement& add = db_.prepare("INSERT INTO generation (value, drawn_ns) VALUES (?1, ?2)");
  add.bind(1, value).bind(2, now.ns);
  return add.run();
}

Result<bool> Ledger::knows_generation(std::uint64_t value) {
  rt::Statement& get = db_.prepare("SELECT 1 FROM generation WHERE value = ?1");
  get.bind(1, value);
  const auto row = get.step();
  if (!row) return row.error();
  get.reset();
  return *row;
}

Result<std::optional<NodeNo>> Ledger::find_node(const std::string& id) {
  rt::Statement& get = db_.prepare("SELECT no FROM node WHERE id = ?1");
  get.bind_text(1, id);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return std::optional<NodeNo>{};
  const NodeNo no = get.i64(0);
  get.reset();
  return std::optional<NodeNo>{no};
}

Result<NodeNo> Ledger::node_no(const std::string& id, rt::UnixTime now) {
  const auto known = find_node(id);
  if (!known) return known.error();
  if (*known) return **known;
  rt::Statement& add = db_.prepare("INSERT INTO node (id, created_ns) VALUES (?1, ?2)");
  add.bind_text(1, id).bind(2, now.ns);
  if (auto done = add.run(); !done) return done.error();
  return db_.last_insert_rowid();
}

Result<NodeRow> Ledger::node(NodeNo no) {
  rt::Statement& get = db_.prepare(
      "SELECT no, id, last_seen_ns, version, labels, current_incarnation, run_twice, accepted,"
      " delivered FROM node WHERE no = ?1");
  get.bind(1, no);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, "no such node"};
  NodeRow node{get.i64(0),
               std::string(get.text(1)),
               get.i64(2),
               std::string(get.text(3)),
               std::string(get.text(4)),
               get.i64(5),
               get.i64(6) != 0,
               get.u64(7),
               get.u64(8)};
  get.reset();
  return node;
}

Result<std::optional<IncarnationRow>> Ledger::find(const wire::IncarnationId& id) {
  if (const auto known = cache_.find(id); known != cache_.end()) {
    return std::optional<IncarnationRow>(known->second);
  }
  static const std::string kSql = "SELECT " + std::string(kIncarnationColumns) +
                                  " FROM incarnation WHERE spool = ?1 AND value = ?2";
  const std::string spool = id.spool.bytes();
  rt::Statement& get = db_.prepare(kSql);
  get.bind_blob(1, spool).bind(2, id.value);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return std::optional<IncarnationRow>{};
  const IncarnationRow found = read_incarnation(get);
  get.reset();
  if (cache_.size() >= kCacheMax) cache_.clear();
  cache_.emplace(id, found);
  return std::optional<IncarnationRow>(found);
}

Result<IncarnationRow> Ledger::row(IncarnationNo no) {
  static const std::string kSql =
      "SELECT " + std::string(kIncarnationColumns) + " FROM incarnation WHERE no = ?1";
  rt::Statement& get = db_.prepare(kSql);
  get.bind(1, no);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, "no such incarnation"};
  IncarnationRow found = read_incarnation(get);
  get.reset();
  return found;
}

std::uint64_t Ledger::next_ordinal(rt::UnixTime now) {
  ordinal_counter_ = next_number(ordinal_counter_, now);
  return ordinal_counter_;
}

Result<IncarnationRow> Ledger::enter(NodeNo node, const wire::IncarnationId& id,
                                     IncarnationNo parent, std::uint64_t told_ordinal,
                                     rt::UnixTime now) {
  const bool is_told = told_ordinal != 0 && told_ordinal <= kToldNumberMax;
  const std::uint64_t ordinal = is_told ? told_ordinal : next_ordinal(now);
  ordinal_counter_ = std::max(ordinal_counter_, ordinal);
  const std::string spool = id.spool.bytes();
  rt::Statement& add = db_.prepare(
      "INSERT INTO incarnation (node_no, spool, value, parent_no, ordinal)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  add.bind(1, node).bind_blob(2, spool).bind(3, id.value).bind(5, ordinal);
  if (parent == 0) {
    add.bind_null(4);
  } else {
    add.bind(4, parent);
  }
  if (auto done = add.run(); !done) return done.error();
  IncarnationRow row;
  row.no = db_.last_insert_rowid();
  row.node = node;
  row.id = id;
  row.parent = parent;
  row.ordinal = ordinal;
  cache_[id] = row;
  return row;
}

Status Ledger::raise_known(const IncarnationRow& row, std::uint64_t high) {
  if (high <= row.known_high) return ok();
  if (const auto known = cache_.find(row.id); known != cache_.end()) {
    known->second.known_high = high;
  }
  rt::Statement& update =
      db_.prepare("UPDATE incarnation SET known_high = max(known_high, ?1) WHERE no = ?2");
  update.bind(1, high).bind(2, row.no);
  return update.run();
}

Status Ledger::set_told(const IncarnationRow& row, std::uint64_t high) {
  if (auto done = raise_known(row, high); !done) return done;
  if (row.told_high == high && !row.left_behind) return ok();
  if (const auto known = cache_.find(row.id); known != cache_.end()) {
    known->second.told_high = high;
    known->second.left_behind = false;
  }
  rt::Statement& update =
      db_.prepare("UPDATE incarnation SET told_high = ?1, left_behind = 0 WHERE no = ?2");
  update.bind(1, high).bind(2, row.no);
  return update.run();
}

Result<std::vector<IncarnationRow>> Ledger::incarnations_of(NodeNo node) {
  static const std::string kSql = "SELECT " + std::string(kIncarnationColumns) +
                                  " FROM incarnation WHERE node_no = ?1 ORDER BY no";
  std::vector<IncarnationRow> out;
  rt::Statement& rows = db_.prepare(kSql);
  rows.bind(1, node);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(read_incarnation(rows));
  }
}

// ---- settling ----

Result<SettledName> Ledger::settled(IncarnationNo incarnation, std::uint64_t seq) {
  SettledName out;
  const auto open = unsettled(incarnation, {seq, seq});
  if (!open) return open.error();
  if (!open->empty()) return out;
  const auto others = not_stored(incarnation, {seq, seq});
  if (!others) return others.error();
  out.verdict = others->empty() ? wire::Verdict::kStored : others->front().second;
  const auto kept = hashes(incarnation, {seq, seq});
  if (!kept) return kept.error();
  if (!kept->empty()) out.hash = kept->front().second;
  return out;
}

Result<std::vector<wire::SeqRange>> Ledger::unsettled(IncarnationNo incarnation,
                                                      wire::SeqRange range) {
  std::vector<wire::SeqRange> out;
  // The row that begins at or before the range may reach into it; then those inside.
  rt::Statement& rows = db_.prepare(
      "SELECT first, last FROM settled WHERE incarnation_no = ?1 AND first <= ?3 AND first >="
      " coalesce((SELECT max(first) FROM settled WHERE incarnation_no = ?1 AND first <= ?2), ?2)"
      " ORDER BY first");
  rows.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  std::uint64_t next = range.first;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    const std::uint64_t first = rows.u64(0), last = rows.u64(1);
    if (last < next) continue;
    if (first > next) out.push_back({next, first - 1});
    next = last + 1;
  }
  if (next <= range.last) out.push_back({next, range.last});
  return out;
}

Status Ledger::extend_settled(IncarnationNo incarnation, wire::SeqRange range) {
  std::uint64_t first = range.first, last = range.last;
  rt::Statement& before = db_.prepare(
      "SELECT first FROM settled WHERE incarnation_no = ?1 AND last = ?2 - 1"
      " AND first = (SELECT max(first) FROM settled WHERE incarnation_no = ?1 AND first < ?2)");
  before.bind(1, incarnation).bind(2, range.first);
  auto row = before.step();
  if (!row) return row.error();
  const bool joins_before = *row;
  if (joins_before) {
    first = before.u64(0);
    before.reset();
  }
  rt::Statement& after =
      db_.prepare("SELECT last FROM settled WHERE incarnation_no = ?1 AND first = ?2");
  after.bind(1, incarnation).bind(2, range.last + 1);
  row = after.step();
  if (!row) return row.error();
  if (*row) {
    last = after.u64(0);
    after.reset();
    rt::Statement& erase =
        db_.prepare("DELETE FROM settled WHERE incarnation_no = ?1 AND first = ?2");
    erase.bind(1, incarnation).bind(2, range.last + 1);
    if (auto done = erase.run(); !done) return done;
  }
  rt::Statement& put = db_.prepare(
      "INSERT INTO settled (incarnation_no, first, last) VALUES (?1, ?2, ?3)"
      " ON CONFLICT (incarnation_no, first) DO UPDATE SET last = max(last, excluded.last)");
  put.bind(1, incarnation).bind(2, first).bind(3, last);
  return put.run();
}

Status Ledger::settle(IncarnationNo incarnation, wire::SeqRange range, wire::Verdict verdict) {
  FP_CHECK(range.first >= 1 && range.first <= range.last);
  if (auto done = extend_settled(incarnation, range); !done) return done;
  if (verdict == wire::Verdict::kStored) return ok();
  FP_CHECK(verdict != wire::Verdict::kQuarantined);
  // Joined with the range before when the verdict is the same, so that long losses stay one row.
  rt::Statement& join = db_.prepare(
      "UPDATE not_stored SET last = ?3 WHERE incarnation_no = ?1 AND last = ?2 - 1 AND verdict = ?4"
      " AND first = (SELECT max(first) FROM not_stored WHERE incarnation_no = ?1 AND first < ?2)");
  join.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  join.bind(4, static_cast<int>(verdict));
  if (auto done = join.run(); !done) return done;
  if (db_.changes() > 0) return ok();
  rt::Statement& add = db_.prepare(
      "INSERT INTO not_stored (incarnation_no, first, last, verdict) VALUES (?1, ?2, ?3, ?4)");
  add.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  add.bind(4, static_cast<int>(verdict));
  return add.run();
}

Status Ledger::settle_alone(IncarnationNo incarnation, std::uint64_t seq, wire::Verdict verdict) {
  if (auto done = extend_settled(incarnation, {seq, seq}); !done) return done;
  rt::Statement& add = db_.prepare(
      "INSERT INTO not_stored (incarnation_no, first, last, verdict) VALUES (?1, ?2, ?2, ?3)");
  add.bind(1, incarnation).bind(2, seq).bind(3, static_cast<int>(verdict));
  return add.run();
}

Status Ledger::keep_hash(IncarnationNo incarnation, std::uint64_t seq, const wire::Hash128& hash) {
  const std::string bytes = hash.bytes();
  rt::Statement& put = db_.prepare(
      "INSERT OR REPLACE INTO stored_hash (incarnation_no, seq, hash) VALUES (?1, ?2, ?3)");
  put.bind(1, incarnation).bind(2, seq).bind_blob(3, bytes);
  return put.run();
}

Status Ledger::drop_hashes(IncarnationNo incarnation, wire::SeqRange range) {
  rt::Statement& erase =
      db_.prepare("DELETE FROM stored_hash WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3");
  erase.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  return erase.run();
}

Result<std::vector<std::pair<std::uint64_t, wire::Hash128>>> Ledger::hashes(
    IncarnationNo incarnation, wire::SeqRange range) {
  std::vector<std::pair<std::uint64_t, wire::Hash128>> out;
  rt::Statement& rows = db_.prepare(
      "SELECT seq, hash FROM stored_hash WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3"
      " ORDER BY seq");
  rows.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.emplace_back(rows.u64(0), wire::Id128::from_bytes(rows.blob(1)));
  }
}

Result<std::vector<std::pair<wire::SeqRange, wire::Verdict>>> Ledger::not_stored(
    IncarnationNo incarnation, wire::SeqRange range) {
  std::vector<std::pair<wire::SeqRange, wire::Verdict>> out;
  rt::Statement& rows = db_.prepare(
      "SELECT first, last, verdict FROM not_stored WHERE incarnation_no = ?1 AND first <= ?3"
      " AND first >= coalesce((SELECT max(first) FROM not_stored WHERE incarnation_no = ?1"
      " AND first <= ?2), ?2) ORDER BY first");
  rows.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    const wire::SeqRange part{std::max(rows.u64(0), range.first),
                              std::min(rows.u64(1), range.last)};
    if (part.first <= part.last) out.emplace_back(part, static_cast<wire::Verdict>(rows.i64(2)));
  }
}

}  // namespace fieldpost::coordinator

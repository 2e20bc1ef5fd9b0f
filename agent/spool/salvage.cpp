#include "agent/spool/salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/spool_rows.h"
#include "agent/spool/spool_transaction.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

/// Row numbers tried one after another where the tree does not lead on.
constexpr std::int64_t kBlindStepsMax = 200'000;
constexpr std::size_t kBatchBytes = 4 << 20;  ///< of bodies in one transaction

constexpr std::array kFacts = {"store_id", "public_key", "generation", "last_time",
                               "age_ms",   "accepted",   "shed",       "sampling"};

/// What is left unless `taken`; both within 1 … last.
std::vector<wire::SeqRange> all_but(std::vector<wire::SeqRange> taken, std::uint64_t last) {
  std::sort(taken.begin(), taken.end());
  std::vector<wire::SeqRange> left;
  std::uint64_t next = 1;
  for (const wire::SeqRange& each : taken) {
    if (each.first > last) break;
    if (each.first > next) left.push_back({next, each.first - 1});
    next = std::max(next, each.last + 1);
  }
  if (next <= last) left.push_back({next, last});
  return left;
}

class Rescue {
 public:
  Rescue(rt::Database& from, rt::Database& to) : from_(from), to_(to) {}
  Status run();
  [[nodiscard]] std::vector<wire::GapNames> lost_names() const;
  [[nodiscard]] SalvageReport report() const {
    return {true, records_, incarnations_.size(), incarnations_lost_};
  }

 private:
  struct Incarnation {
    IncarnationRow row;
    std::vector<wire::SeqRange> accounted;  ///< readable, or listed by a readable gap
    std::uint64_t highest_seen = 0;
  };

  Status in_transaction(const std::function<Status()>& work);
  Status copy_facts();
  Status copy_incarnations();
  Status copy_records();
  Status copy_plain(std::string_view select, std::string_view insert, int columns);
  Status take_record(const RecordRow& row);
  Result<bool> take_definition(const wire::Hash128& set);
  Status cover(std::int64_t record_no, const wire::NameRange& names);
  Result<std::map<std::int64_t, wire::IncarnationId>> indexed_incarnations();
  /// Calls `take` for each row that `sql` (rows with no > ?1, one at a time) can reach.
  Status each_row(std::string_view table, std::string_view sql,
                  const std::function<Result<std::int64_t>(rt::Statement&)>& take);

  rt::Database& from_;
  rt::Database& to_;
  std::map<std::int64_t, Incarnation> incarnations_;
  std::map<wire::IncarnationId, std::int64_t> numbers_;
  std::set<wire::Hash128> defined_;
  std::uint64_t records_ = 0, incarnations_lost_ = 0;
  std::uint64_t age_ms_ = 0;
  std::size_t batch_bytes_ = 0;
};

Status Rescue::in_transaction(const std::function<Status()>& work) {
  rt::Transaction transaction(to_);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = work(); !done) return done;
  return transaction.commit();
}

/// The highest row number the table ever gave out, as far as that can be told.
std::int64_t last_no(rt::Database& db, std::string_view table) {
  rt::Statement& get = db.prepare("SELECT seq FROM sqlite_sequence WHERE name = ?1");
  get.bind_text(1, table);
  const auto row = get.step();
  if (!row || !*row) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t no = get.i64(0);
  get.reset();
  return no;
}

Status Rescue::each_row(std::string_view table, std::string_view sql,
                        const std::function<Result<std::int64_t>(rt::Statement&)>& take) {
  const std::int64_t last = last_no(from_, table);
  std::int64_t after = 0;
  for (std::int64_t blind = 0; blind < kBlindStepsMax;) {
    rt::Statement& next = from_.prepare(sql);
    next.bind(1, after);
    const auto found = next.step();
    if (found && !*found) return ok();
    if (!found && found.error().code != Errc::kCorrupt) return found.error();
    if (!found) {
      if (after >= last) return ok();
      after += 1;  // past the page that cannot be read, a row number at a time
      blind += 1;
      continue;
    }
    const auto no = take(next);
    next.reset();
    if (!no) return no.error();
    after = std::max(after + 1, *no);
  }
  return ok();
}

Status Rescue::copy_facts() {
  for (const char* key : kFacts) {
    const auto value = read_fact(from_, key);
    if (!value && value.error().code != Errc::kCorrupt) return value.error();
    if (!value || value->empty()) continue;
    if (auto done = write_fact(to_, key, *value); !done) return done;
  }
  return ok();
}

Result<std::map<std::int64_t, wire::IncarnationId>> Rescue::indexed_incarnations() {
  std::map<std::int64_t, wire::IncarnationId> out;
  rt::Statement& rows = from_.prepare(
      "SELECT no, spool, value FROM incarnation INDEXED BY sqlite_autoindex_incarnation_1");
  for (;;) {
    const auto row = rows.step();
    if (!row && row.error().code != Errc::kCorrupt) return row.error();
    if (!row || !*row) return out;
    const wire::IncarnationId id{wire::Id128::from_bytes(rows.blob(1)), rows.u64(2)};
    if (rows.i64(0) > 0 && !id.spool.is_zero() && !id.is_none()) out.emplace(rows.i64(0), id);
  }
}

Status Rescue::copy_incarnations() {
  auto read =
      each_row("incarnation",
               "SELECT no, spool, value, parent_no, ordinal, highest, lease, seal FROM incarnation"
               " WHERE no > ?1 ORDER BY no LIMIT 1",
               [&](rt::Statement& row) -> Result<std::int64_t> {
                 const auto incarnation = read_incarnation_row(row);
                 if (incarnation) incarnations_[row.i64(0)].row = *incarnation;
                 return row.i64(0);
               });
  if (!read) return read;
  // A row that is gone leaves its name in the index.
  const auto indexed = indexed_incarnations();
  if (!indexed) return indexed.error();
  for (const auto& [no, id] : *indexed) {
    if (incarnations_.contains(no) ||
        std::any_of(incarnations_.begin(), incarnations_.end(),
                    [&, id = id](const auto& known) { return known.second.row.id == id; })) {
      continue;
    }
    incarnations_[no].row.no = no;
    incarnations_[no].row.id = id;
    incarnations_[no].row.parent_no = -1;  // not known
  }
  std::int64_t previous = 0;
  for (auto& [no, each] : incarnations_) {
    incarnations_lost_ += static_cast<std::uint64_t>(no - previous - 1);
    const bool parent_known = each.row.parent_no == 0 || incarnations_.contains(each.row.parent_no);
    if (!parent_known) each.row.parent_no = previous;
    numbers_[each.row.id] = no;
    previous = no;
    if (auto done = write_incarnation_row(to_, each.row); !done) return done;
  }
  return ok();
}

Result<bool> Rescue::take_definition(const wire::Hash128& set) {
  if (set.is_zero()) return true;
  const std::string hash = set.bytes();
  if (!defined_.contains(set)) {
    rt::Statement& get = from_.prepare("SELECT bytes FROM definition WHERE hash = ?1");
    get.bind_blob(1, hash);
    const auto row = get.step();
    if (!row && row.error().code != Errc::kCorrupt) return row.error();
    if (!row || !*row) return false;
    const std::string bytes(get.blob(0));
    get.reset();
    if (wire::hash128(bytes) != set) return false;
    rt::Statement& add =
        to_.prepare("INSERT INTO definition (hash, uses, bytes) VALUES (?1, 0, ?2)");
    add.bind_blob(1, hash).bind_blob(2, bytes);
    if (auto done = add.run(); !done) return done.error();
    defined_.insert(set);
  }
  rt::Statement& use = to_.prepare("UPDATE definition SET uses = uses + 1 WHERE hash = ?1");
  use.bind_blob(1, hash);
  if (auto done = use.run(); !done) return done.error();
  return true;
}

Status Rescue::cover(std::int64_t record_no, const wire::NameRange& names) {
  const auto number = numbers_.find(names.incarnation);
  if (number == numbers_.end()) return ok();
  incarnations_.at(number->second).accounted.push_back(names.seqs);
  if (record_no == 0) return ok();
  rt::Statement& add = to_.prepare(
      "INSERT OR REPLACE INTO gap_cover (record_no, incarnation_no, first, last)"
      " VALUES (?1, ?2, ?3, ?4)");
  add.bind(1, record_no).bind(2, number->second).bind(3, names.seqs.first).bind(4, names.seqs.last);
  return add.run();
}

Status Rescue::take_record(const RecordRow& row) {
  const auto incarnation = incarnations_.find(row.incarnation_no);
  if (!is_sealed(row) || !body_is_whole(row) || incarnation == incarnations_.end()) return ok();
  const auto content = wire::decode_record(row.body);
  if (!content) return ok();
  const auto defined = take_definition(row.set);
  if (!defined) return defined.error();
  if (!*defined) return ok();
  if (auto done = insert_record_row(to_, row); !done) return done;
  records_ += 1;
  batch_bytes_ += row.body.size();
  age_ms_ = std::max(age_ms_, row.age_ms);
  Incarnation& of = incarnation->second;
  of.accounted.push_back({row.seq, row.seq});
  of.highest_seen = std::max(of.highest_seen, row.seq);
  for (const wire::Gap& gap : content->gaps) {
    for (const wire::GapNames& names : gap.names) {
      if (auto done = cover(row.state == 1 ? row.no : 0, names.names); !done) return done;
    }
  }
  return ok();
}

Status Rescue::copy_records() {
  static const std::string kSql =
      fmt::format("SELECT {} FROM record WHERE no > ?1 ORDER BY no LIMIT 1", kRecordColumns);
  return each_row("record", kSql, [&](rt::Statement& row) -> Result<std::int64_t> {
    if (auto done = take_record(read_record_row(row)); !done) {
      if (done.error().code != Errc::kInvalid) return done.error();
      // A second row of one name: the first stands.
    }
    const std::int64_t no = row.i64(0);
    if (batch_bytes_ < kBatchBytes) return no;
    batch_bytes_ = 0;
    if (auto done = to_.commit(); !done) return done.error();
    if (auto done = to_.begin(); !done) return done.error();
    return no;
  });
}

Status Rescue::copy_plain(std::string_view select, std::string_view insert, int columns) {
  rt::Statement& rows = from_.prepare(select);
  for (;;) {
    const auto row = rows.step();
    if (!row && row.error().code != Errc::kCorrupt) return row.error();
    if (!row || !*row) return ok();
    rt::Statement& add = to_.prepare(insert);
    std::vector<std::string> kept(static_cast<std::size_t>(columns));
    for (int i = 0; i < columns; ++i) {
      std::string& bytes = kept[static_cast<std::size_t>(i)];
      bytes = rows.text(i);
      add.bind_blob(i + 1, bytes);
    }
    if (auto done = add.run(); !done && done.error().code != Errc::kInvalid) return done;
  }
}

Status Rescue::run() {
  return in_transaction([&]() -> Status {
    if (auto done = copy_facts(); !done) return done;
    if (auto done = copy_incarnations(); !done) return done;
    if (auto done = copy_records(); !done) return done;
    // Columns come as bytes and take the type of the new table's column again.
    if (auto done = copy_plain(
            "SELECT id, verb, arguments, state, taken_ns FROM inbox",
            "INSERT OR IGNORE INTO inbox (id, verb, arguments, state, taken_ns) VALUES"
            " (CAST(?1 AS INTEGER), CAST(?2 AS TEXT), CAST(?3 AS TEXT), CAST(?4 AS INTEGER),"
            " CAST(?5 AS INTEGER))",
            5);
        !done) {
      return done;
    }
    if (auto done = copy_plain("SELECT key, lines, age_ms FROM idempotency",
                               "INSERT OR IGNORE INTO idempotency (key, lines, age_ms) VALUES"
                               " (?1, CAST(?2 AS INTEGER), CAST(?3 AS INTEGER))",
                               3);
        !done) {
      return done;
    }
    const auto age = read_fact(to_, "age_ms");
    if (!age) return age.error();
    return age->empty() && age_ms_ > 0 ? write_fact(to_, "age_ms", std::to_string(age_ms_)) : ok();
  });
}

std::vector<wire::GapNames> Rescue::lost_names() const {
  std::vector<wire::GapNames> names;
  for (const auto& [no, each] : incarnations_) {
    std::uint64_t last = each.row.lease;
    // The lease is not known: names went at most one lease beyond what is readable.
    if (last == 0) last = (each.highest_seen / wire::kSeqLease + 2) * wire::kSeqLease;
    for (const wire::SeqRange& range : all_but(each.accounted, last)) {
      names.push_back({{each.row.id, range}, 0, false});
    }
  }
  return names;
}

Status declare(Spool& spool, std::vector<wire::GapNames> names) {
  if (names.empty()) return ok();
  std::uint64_t next_seq = 1;
  return spool.transact([&]() -> Status {
    std::vector<wire::Gap> gaps(1);
    gaps[0].cause = wire::GapCause::kDamaged;
    gaps[0].names = std::move(names);
    return insert_gaps(spool, std::move(gaps), {}, next_seq);
  });
}

Result<rt::Database> make_empty(const std::string& path, const std::string& vfs) {
  rt::DatabaseOptions options;
  options.vfs = vfs;
  auto db = rt::Database::open(path, options);
  if (!db) return db;
  if (auto done = migrate_spool(*db); !done) return done.error();
  return db;
}

}  // namespace

Result<SalvageReport> salvage(const std::string& from, const std::string& to,
                              const std::string& vfs, rt::Random& random) {
  SalvageReport report;
  std::vector<wire::GapNames> lost;
  {
    rt::DatabaseOptions read_only;
    read_only.read_only = true;
    read_only.vfs = vfs;
    auto damaged = rt::Database::open(from, read_only);
    auto fresh = make_empty(to, vfs);
    if (!fresh) return fresh.error();
    // Without a schema that is ours no statement can be prepared.
    if (damaged && known_schema(*damaged)) {
      Rescue rescue(*damaged, *fresh);
      if (auto done = rescue.run(); !done) return done.error();
      lost = rescue.lost_names();
      report = rescue.report();
    }
  }
  auto spool = Spool::open(to, vfs, random);
  if (!spool) return spool.error();
  if (auto done = declare(*spool, std::move(lost)); !done) return done.error();
  if (auto done = spool->database().checkpoint(true); !done) return done.error();
  return report;
}

}  // namespace fieldpost::agent

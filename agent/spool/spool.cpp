#include "agent/spool/spool.h"

#include <algorithm>

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

constexpr int kPageBytes = 4096;
constexpr int kReservePages = 512;  ///< as many as the WAL takes between two checkpoints
constexpr int kPagesTogether = 16;  ///< in one row, so that no large block of memory is needed
constexpr std::uint64_t kIdempotencyAgeMs = 24ull * 3600 * 1000;

wire::Id128 random_id(rt::Random& random) {
  return {random.next_id(), random.next_id()};
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

}  // namespace

Result<Spool> Spool::open(const std::string& path, const std::string& vfs, rt::Random& random) {
  rt::DatabaseOptions options;
  options.vfs = vfs;
  options.journal_size_limit = 4 << 20;
  options.page_size = kPageBytes;
  options.checkpoint_pages = kReservePages;
  options.keeps_wal = true;
  options.cache_kib = 1024;
  auto db = rt::Database::open(path, options);
  if (!db) return db.error();
  Spool spool(std::move(*db));
  if (auto done = check_schema(spool.db_); !done) return done.error();
  if (auto done = migrate_spool(spool.db_); !done) return done.error();
  if (auto done = spool.load_identity(random); !done) return done.error();
  if (auto done = spool.load_incarnations(); !done) return done.error();
  if (auto done = spool.reload_totals(); !done) return done.error();
  if (auto done = spool.transact([&] { return spool.draw_incarnation(random); }); !done) {
    return done.error();
  }
  return spool;
}

Status Spool::reserve_space() {
  // Of a process that died in here.
  constexpr const char* kEmpty = "DELETE FROM fact WHERE key LIKE 'reserve %'";
  if (auto done = db_.execute(kEmpty); !done) return done;
  rt::Statement& free = db_.prepare("PRAGMA freelist_count");
  const auto row = free.step();
  if (!row) return row.error();
  const bool is_there = *row && free.i64(0) >= kReservePages;
  free.reset();
  if (is_there) return ok();
  auto filled = transact([&]() -> Status {
    rt::Statement& fill = db_.prepare(
        "INSERT INTO fact (key, value, seal) VALUES ('reserve ' || ?1, zeroblob(?2), 0)");
    for (int page = 0; page < kReservePages; page += kPagesTogether) {
      fill.bind(1, page).bind(2, std::uint64_t{kPagesTogether} * kPageBytes);
      if (auto done = fill.run(); !done) return done;
    }
    return ok();
  });
  if (!filled) return filled;
  if (auto done = db_.checkpoint(false); !done) return done;
  if (auto done = db_.execute(kEmpty); !done) return done;
  return db_.execute("PRAGMA shrink_memory");  // zeros have filled its cache
}

Status Spool::load_identity(rt::Random& random) {
  const auto id = fact("spool_id");
  if (!id) return id.error();
  if (id->empty()) {
    spool_id_ = random_id(random);
    if (auto done = set_fact("spool_id", spool_id_.bytes()); !done) return done;
  } else {
    spool_id_ = wire::Id128::from_bytes(*id);
    if (spool_id_.is_zero()) return Error{Errc::kCorrupt, "reading the spool's id: not 16 bytes"};
  }
  const auto store = fact("store_id"), key = fact("public_key"), generation = fact("generation");
  const auto time = fact("last_time");
  const auto age = fact("age_ms"), accepted = fact("accepted"), shed = fact("shed");
  for (const auto* each : {&store, &key, &generation, &time, &age, &accepted, &shed}) {
    if (!*each) return each->error();
  }
  pin_.store_id = wire::Id128::from_bytes(*store);
  if (key->size() == pin_.public_key.size()) {
    std::copy(key->begin(), key->end(), pin_.public_key.begin());
  }
  pin_.generation = number(*generation);
  pin_.last_time.ns = static_cast<std::int64_t>(number(*time));
  age_ms_ = number(*age);
  totals_.accepted = number(*accepted);
  totals_.shed = number(*shed);
  return ok();
}

Status Spool::load_incarnations() {
  incarnations_.clear();
  rt::Statement& rows = db_.prepare(
      "SELECT no, spool, value, parent_no, ordinal, highest, lease, seal FROM incarnation"
      " ORDER BY no");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return ok();
    const auto incarnation = read_incarnation_row(rows);
    if (!incarnation) return incarnation.error();
    incarnations_.push_back(*incarnation);
  }
}

Status Spool::draw_incarnation(rt::Random& random) {
  IncarnationRow row;
  row.id = {spool_id_, random.next_id()};
  row.parent_no = incarnations_.empty() ? 0 : incarnations_.back().no;
  row.lease = wire::kSeqLease;
  if (auto done = write_incarnation_row(db_, row); !done) return done;
  live_no_ = row.no;
  live_ = {row.id, row.lease, 0};
  incarnations_.push_back(row);
  return ok();
}

Status Spool::raise_lease() {
  IncarnationRow& row = incarnations_.back();
  FP_CHECK(row.no == live_no_);
  row.lease += wire::kSeqLease;
  live_.lease = row.lease;
  return write_incarnation_row(db_, row);
}

Status Spool::extend_lease(std::uint64_t accepted) {
  return transact([&]() -> Status {
    if (auto done = raise_lease(); !done) return done;
    return raise_accepted(accepted);
  });
}

Status Spool::raise_accepted(std::uint64_t accepted) {
  if (accepted <= totals_.accepted) return ok();
  totals_.accepted = accepted;
  return set_fact("accepted", std::to_string(accepted));
}

Result<wire::Name> Spool::take_name(std::uint64_t& next_seq) {
  while (next_seq > live_.lease) {
    if (auto done = raise_lease(); !done) return done.error();
  }
  return wire::Name{live_.id, next_seq++};
}

Status Spool::append(std::span<const SpoolRecord> records, std::uint64_t age_ms,
                     const Beside& beside) {
  return transact([&]() -> Status {
    for (const SpoolRecord& record : records) {
      if (auto done = insert_record(record, age_ms); !done) return done;
    }
    for (const SpoolWork& work : beside.also) {
      if (auto done = work(*this); !done) return done;
    }
    for (const Idempotency& key : beside.keys) {
      const std::string hash = wire::hash128(key.key).bytes();
      rt::Statement& insert = db_.prepare(
          "INSERT OR REPLACE INTO idempotency (key, lines, age_ms) VALUES (?1, ?2, ?3)");
      insert.bind_blob(1, hash).bind(2, std::uint64_t{key.lines}).bind(3, age_ms);
      if (auto done = insert.run(); !done) return done;
    }
    if (!beside.keys.empty() && age_ms > kIdempotencyAgeMs) {
      rt::Statement& sweep = db_.prepare("DELETE FROM idempotency WHERE age_ms < ?1");
      sweep.bind(1, age_ms - kIdempotencyAgeMs);
      if (auto done = sweep.run(); !done) return done;
    }
    age_ms_ = std::max(age_ms_, age_ms);
    if (auto done = set_fact("age_ms", std::to_string(age_ms_)); !done) return done;
    if (beside.shed > 0) {
      if (auto done = add_shed(beside.shed); !done) return done;
    }
    return raise_accepted(beside.accepted);
  });
}

Result<std::optional<std::size_t>> Spool::find_idempotency(std::string_view key,
                                                           std::uint64_t age_ms) {
  const std::string hash = wire::hash128(key).bytes();
  rt::Statement& find =
      db_.prepare("SELECT lines FROM idempotency WHERE key = ?1 AND age_ms + ?2 >= ?3");
  find.bind_blob(1, hash).bind(2, kIdempotencyAgeMs).bind(3, age_ms);
  const auto row = find.step();
  if (!row) return row.error();
  if (!*row) return std::optional<std::size_t>{};
  const auto lines = static_cast<std::size_t>(find.u64(0));
  find.reset();
  return std::optional<std::size_t>{lines};
}

Status Spool::insert_record(const SpoolRecord& record, std::uint64_t age_ms) {
  const auto incarnation = incarnation_no(record.name.incarnation);
  if (!incarnation) return incarnation.error();
  RecordRow row;
  row.incarnation_no = *incarnation;
  row.seq = record.name.seq;
  row.record_class = static_cast<int>(record.record_class);
  row.kind = record.kind;
  row.readings = record.readings;
  row.bytes = record.body->size();
  row.first_time = record.first_time;
  row.last_time = record.last_time;
  row.age_ms = age_ms;
  row.set = record.set;
  row.hash = record.hash;
  row.body = *record.body;
  if (auto done = insert_record_row(db_, row); !done) return done;
  const std::int64_t no = db_.last_insert_rowid();
  for (const wire::GapNames& covered : record.covers) {
    const auto covered_no = incarnation_no(covered.names.incarnation);
    if (!covered_no) return covered_no.error();
    rt::Statement& cover = db_.prepare(
        "INSERT OR REPLACE INTO gap_cover (record_no, incarnation_no, first, last)"
        " VALUES (?1, ?2, ?3, ?4)");
    cover.bind(1, no).bind(2, *covered_no).bind(3, covered.names.seqs.first);
    cover.bind(4, covered.names.seqs.last);
    if (auto done = cover.run(); !done) return done;
  }
  count_held(record.record_class, record.body->size(), record.readings);
  if (auto done = add_definition_use(record.set, record.definition.get()); !done) return done;
  return raise_highest(*incarnation, record.name.seq);
}

Status Spool::raise_highest(std::int64_t incarnation, std::uint64_t seq) {
  for (auto it = incarnations_.rbegin(); it != incarnations_.rend(); ++it) {
    if (it->no != incarnation) continue;
    if (it->highest >= seq) return ok();
    it->highest = seq;
    return write_incarnation_row(db_, *it);
  }
  FP_CHECK(false);
}

Status Spool::add_definition_use(const wire::Hash128& set, const std::string* bytes) {
  if (set.is_zero()) return ok();
  const std::string hash = set.bytes();
  rt::Statement& use = db_.prepare("UPDATE definition SET uses = uses + 1 WHERE hash = ?1");
  use.bind_blob(1, hash);
  if (auto done = use.run(); !done) return done;
  if (db_.changes() > 0) return ok();
  if (bytes == nullptr) return Error{Errc::kCorrupt, "a series set of the spool is missing"};
  rt::Statement& insert =
      db_.prepare("INSERT INTO definition (hash, uses, bytes) VALUES (?1, 1, ?2)");
  insert.bind_blob(1, hash).bind_blob(2, *bytes);
  return insert.run();
}

Status Spool::add_shed(std::uint64_t readings) {
  totals_.shed += readings;
  return set_fact("shed", std::to_string(totals_.shed));
}

void Spool::count_held(RecordClass record_class, std::uint64_t bytes, std::uint64_t readings) {
  totals_.records_held += 1;
  totals_.bytes_held += bytes;
  totals_.readings_held += readings;
  if (record_class == RecordClass::kGap) totals_.gap_bytes_held += bytes;
  if (is_event(record_class)) totals_.event_bytes_held += bytes;
  if (record_class == RecordClass::kBody) {
    totals_.bodies_held.records += 1;
    totals_.bodies_held.bytes += bytes;
  }
  if (const auto index = class_index(record_class)) {
    totals_.classes_held[*index].records += 1;
    totals_.classes_held[*index].bytes += bytes;
  }
}

void Spool::uncount_held(const SpoolRow& row) {
  totals_.records_held -= 1;
  totals_.bytes_held -= row.bytes;
  totals_.readings_held -= row.readings;
  if (row.record_class == RecordClass::kGap) totals_.gap_bytes_held -= row.bytes;
  if (is_event(row.record_class)) totals_.event_bytes_held -= row.bytes;
  if (row.record_class == RecordClass::kBody) {
    totals_.bodies_held.records -= 1;
    totals_.bodies_held.bytes -= row.bytes;
  }
  if (const auto index = class_index(row.record_class)) {
    totals_.classes_held[*index].records -= 1;
    totals_.classes_held[*index].bytes -= row.bytes;
  }
}

Status Spool::delete_record(const SpoolRow& row) {
  if (row.held) {
    uncount_held(row);
  } else {
    totals_.records_kept -= 1;
    totals_.bytes_kept -= row.bytes;
  }
  rt::Statement& cover = db_.prepare("DELETE FROM gap_cover WHERE record_no = ?1");
  cover.bind(1, row.no);
  if (auto done = cover.run(); !done) return done;
  rt::Statement& erase = db_.prepare("DELETE FROM record WHERE no = ?1");
  erase.bind(1, row.no);
  if (auto done = erase.run(); !done) return done;
  if (row.set.is_zero()) return ok();
  const std::string hash = row.set.bytes();
  rt::Statement& unuse = db_.prepare("UPDATE definition SET uses = uses - 1 WHERE hash = ?1");
  unuse.bind_blob(1, hash);
  if (auto done = unuse.run(); !done) return done;
  rt::Statement& sweep = db_.prepare("DELETE FROM definition WHERE hash = ?1 AND uses <= 0");
  sweep.bind_blob(1, hash);
  return sweep.run();
}

Result<std::uint64_t> Spool::evict_kept(std::uint64_t bytes) {
  std::uint64_t freed = 0;
  const auto done = transact([&]() -> Status {
    while (freed < bytes) {
      rt::Statement& oldest = db_.prepare(
          "SELECT no, bytes, series_set FROM record WHERE state = 2 ORDER BY no LIMIT 1");
      const auto row = oldest.step();
      if (!row) return row.error();
      if (!*row) return ok();
      const SpoolRow kept{oldest.i64(0), false, RecordClass::kEvent,
                          oldest.u64(1), 0,     wire::Id128::from_bytes(oldest.blob(2))};
      oldest.reset();
      if (auto erased = delete_record(kept); !erased) return erased;
      freed += kept.bytes;
    }
    return ok();
  });
  if (!done) return done.error();
  return freed;
}

Result<std::int64_t> Spool::incarnation_no(const wire::IncarnationId& id) {
  if (const IncarnationRow* found = find(id)) return found->no;
  return Error{Errc::kNotFound, "no such incarnation: " + id.spool.hex()};
}

wire::IncarnationId Spool::incarnation(std::int64_t no) const {
  const auto it =
      std::lower_bound(incarnations_.begin(), incarnations_.end(), no,
                       [](const IncarnationRow& a, std::int64_t b) { return a.no < b; });
  return it == incarnations_.end() || it->no != no ? wire::IncarnationId{} : it->id;
}

IncarnationRow* Spool::find(const wire::IncarnationId& id) {
  // The newest are asked for most.
  const auto it = std::find_if(incarnations_.rbegin(), incarnations_.rend(),
                               [&](const IncarnationRow& each) { return each.id == id; });
  return it == incarnations_.rend() ? nullptr : &*it;
}

Status Spool::reload_totals() {
  SpoolTotals totals;
  totals.accepted = totals_.accepted;
  totals.shed = totals_.shed;
  rt::Statement& sums = db_.prepare(
      "SELECT state, class, count(*), sum(bytes), sum(readings) FROM record GROUP BY state, class");
  for (;;) {
    const auto row = sums.step();
    if (!row) return row.error();
    if (!*row) break;
    if (sums.i64(0) == 2) {
      totals.records_kept += sums.u64(2);
      totals.bytes_kept += sums.u64(3);
      continue;
    }
    totals.records_held += sums.u64(2);
    totals.bytes_held += sums.u64(3);
    totals.readings_held += sums.u64(4);
    const auto record_class = static_cast<RecordClass>(sums.i64(1));
    if (record_class == RecordClass::kGap) totals.gap_bytes_held += sums.u64(3);
    if (is_event(record_class)) totals.event_bytes_held += sums.u64(3);
    if (record_class == RecordClass::kBody) totals.bodies_held = {sums.u64(2), sums.u64(3)};
    if (const auto index = class_index(record_class)) {
      totals.classes_held[*index] = {sums.u64(2), sums.u64(3)};
    }
  }
  totals_ = totals;
  return ok();
}

Result<std::optional<OldestHeld>> Spool::oldest_held(RecordClass from, RecordClass to) {
  std::optional<OldestHeld> oldest;
  // Rows of a class come in order of acceptance: one look into the index each.
  rt::Statement& first = db_.prepare(
      "SELECT age_ms FROM record INDEXED BY record_by_state WHERE state = 1 AND class = ?1"
      " ORDER BY no LIMIT 1");
  for (int each = static_cast<int>(from); each <= static_cast<int>(to); ++each) {
    first.bind(1, each);
    const auto row = first.step();
    if (!row) return row.error();
    if (*row && (!oldest || first.u64(0) < oldest->age_ms)) {
      oldest = OldestHeld{static_cast<RecordClass>(each), first.u64(0)};
    }
    first.reset();
  }
  return oldest;
}

Status Spool::set_fact(std::string_view key, std::string_view value) {
  return write_fact(db_, key, value);
}

Status Spool::remove_fact(std::string_view key) {
  rt::Statement& remove = db_.prepare("DELETE FROM fact WHERE key = ?1");
  remove.bind_text(1, key);
  return remove.run();
}

Result<std::string> Spool::fact(std::string_view key) {
  return read_fact(db_, key);
}

Status Spool::set_pin(const Pin& pin) {
  return transact([&]() -> Status {
    const std::string key(pin.public_key.begin(), pin.public_key.end());
    if (auto done = set_fact("store_id", pin.store_id.bytes()); !done) return done;
    if (auto done = set_fact("public_key", key); !done) return done;
    if (auto done = set_fact("generation", std::to_string(pin.generation)); !done) return done;
    if (auto done = set_fact("last_time", std::to_string(pin.last_time.ns)); !done) return done;
    pin_ = pin;
    return ok();
  });
}

Status Spool::set_ordinals(std::span<const wire::OrdinalOf> ordinals) {
  if (ordinals.empty()) return ok();
  return transact([&]() -> Status {
    for (const wire::OrdinalOf& each : ordinals) {
      IncarnationRow* incarnation = find(each.incarnation);
      if (incarnation == nullptr) continue;  // not ours: nothing to keep
      incarnation->ordinal = each.ordinal;
      if (auto done = write_incarnation_row(db_, *incarnation); !done) return done;
      if (incarnation->no == live_no_) live_.ordinal = each.ordinal;
    }
    return ok();
  });
}

}  // namespace fieldpost::agent

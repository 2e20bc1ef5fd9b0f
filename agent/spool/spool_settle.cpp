// What verdicts and time travel do to the records on disk.
#include <algorithm>
#include <utility>

#include "agent/spool/spool.h"
#include "agent/spool/spool_transaction.h"
#include "proto/wire/hash.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::string_view kRecordColumns =
    "SELECT no, incarnation_no, seq, class, kind, readings, first_time, last_time, series_set, "
    "hash,"
    " body, state FROM record ";

SpoolRecord read_row(const Spool& spool, rt::Statement& row) {
  SpoolRecord record;
  record.no = row.i64(0);
  record.name = {spool.incarnation(row.i64(1)), row.u64(2)};
  record.record_class = static_cast<RecordClass>(row.i64(3));
  record.kind = static_cast<std::uint16_t>(row.i64(4));
  record.readings = static_cast<std::uint32_t>(row.i64(5));
  record.first_time = row.i64(6);
  record.last_time = row.i64(7);
  record.set = wire::Id128::from_bytes(row.blob(8));
  record.hash = wire::Id128::from_bytes(row.blob(9));
  record.body = std::make_shared<const std::string>(row.blob(10));
  record.held = row.i64(11) == 1;
  return record;
}

SpoolRow row_of(const SpoolRecord& record, bool held) {
  return {record.no, held, record.record_class, record.body->size(), record.readings, record.set};
}

}  // namespace

Result<std::vector<SpoolRecord>> Spool::load_held(RecordClass from, RecordClass to,
                                                  std::int64_t after, std::size_t bytes_max) {
  std::vector<SpoolRecord> out;
  rt::Statement& rows = db_.prepare(
      "SELECT no, incarnation_no, seq, class, kind, readings, first_time, last_time, series_set,"
      " hash, body, state FROM record WHERE no > ?1 AND state = 1 AND class BETWEEN ?2 AND ?3 "
      "ORDER BY no");
  rows.bind(1, after).bind(2, static_cast<int>(from)).bind(3, static_cast<int>(to));
  std::size_t bytes = 0;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    out.push_back(read_row(*this, rows));
    bytes += out.back().body->size();
    if (bytes >= bytes_max) break;
  }
  rows.reset();
  for (SpoolRecord& record : out) {
    if (record.set.is_zero()) continue;
    auto definition = load_definition(record.set);
    if (!definition) return definition.error();
    record.definition = std::make_shared<const std::string>(std::move(*definition));
  }
  return out;
}

Result<std::string> Spool::load_definition(const wire::Hash128& hash) {
  const std::string key = hash.bytes();
  rt::Statement& get = db_.prepare("SELECT bytes FROM definition WHERE hash = ?1");
  get.bind_blob(1, key);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, "no such series set in the spool: " + hash.hex()};
  std::string bytes(get.blob(0));
  get.reset();
  return bytes;
}

Result<std::optional<SpoolRow>> Spool::find_row(const wire::Name& name) {
  const auto incarnation = incarnation_no(name.incarnation);
  if (!incarnation) return std::optional<SpoolRow>{};
  rt::Statement& get = db_.prepare(
      "SELECT no, state, class, bytes, readings, series_set FROM record"
      " WHERE incarnation_no = ?1 AND seq = ?2");
  get.bind(1, *incarnation).bind(2, name.seq);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return std::optional<SpoolRow>{};
  SpoolRow found{get.i64(0), get.i64(1) == 1, static_cast<RecordClass>(get.i64(2)),
                 get.u64(3), get.u64(4),      wire::Id128::from_bytes(get.blob(5))};
  get.reset();
  return std::optional<SpoolRow>{found};
}

Result<std::optional<bool>> Spool::has_hash(const wire::Name& name, const wire::Hash128& hash) {
  const auto incarnation = incarnation_no(name.incarnation);
  if (!incarnation) return std::optional<bool>{};
  rt::Statement& get =
      db_.prepare("SELECT hash FROM record WHERE incarnation_no = ?1 AND seq = ?2 AND state = 1");
  get.bind(1, *incarnation).bind(2, name.seq);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return std::optional<bool>{};
  const bool same = wire::Id128::from_bytes(get.blob(0)) == hash;
  get.reset();
  return std::optional<bool>{same};
}

Result<SpoolRecord> Spool::load(const wire::Name& name) {
  const auto incarnation = incarnation_no(name.incarnation);
  if (!incarnation) return incarnation.error();
  static const std::string kSql =
      std::string(kRecordColumns) + "WHERE incarnation_no = ?1 AND seq = ?2";
  rt::Statement& get = db_.prepare(kSql);
  get.bind(1, *incarnation).bind(2, name.seq);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, "no such record in the spool"};
  SpoolRecord record = read_row(*this, get);
  get.reset();
  if (wire::hash128(*record.body) != record.hash) {
    return Error{Errc::kCorrupt, "a record in the spool does not match its hash"};
  }
  return record;
}

Status Spool::settle(std::span<const wire::VerdictRange> verdicts, std::uint64_t& next_seq) {
  const std::uint64_t before = next_seq;
  auto done = transact([&]() -> Status {
    for (const wire::VerdictRange& range : verdicts) {
      if (range.verdict == wire::Verdict::kNone || range.verdict == wire::Verdict::kConflict)
        continue;
      if (auto settled = settle_range(range, next_seq); !settled) return settled;
    }
    return ok();
  });
  if (!done) next_seq = before;
  return done;
}

Status Spool::settle_range(const wire::VerdictRange& range, std::uint64_t& next_seq) {
  const Incarnation* incarnation = find(range.names.incarnation);
  if (incarnation == nullptr) return ok();
  std::vector<SpoolRow> rows;
  {
    rt::Statement& held = db_.prepare(
        "SELECT no, bytes, readings, class, series_set FROM record"
        " WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3 AND state = 1");
    held.bind(1, incarnation->no).bind(2, range.names.seqs.first).bind(3, range.names.seqs.last);
    for (;;) {
      const auto row = held.step();
      if (!row) return row.error();
      if (!*row) break;
      rows.push_back({held.i64(0), true, static_cast<RecordClass>(held.i64(3)), held.u64(1),
                      held.u64(2), wire::Id128::from_bytes(held.blob(4))});
    }
  }
  const bool stored = range.verdict == wire::Verdict::kStored;
  for (const SpoolRow& row : rows) {
    // A gap that was not stored goes out again ([rcpt-3]); quarantine takes gaps ([env-5]).
    const bool resend = !stored && range.verdict != wire::Verdict::kQuarantined;
    if (resend) {
      static const std::string kSql = std::string(kRecordColumns) + "WHERE no = ?1";
      rt::Statement& get = db_.prepare(kSql);
      get.bind(1, row.no);
      const auto found = get.step();
      if (!found) return found.error();
      const SpoolRecord record = read_row(*this, get);
      get.reset();
      if (auto done = resend_gaps(record, next_seq); !done) return done;
    }
    if (stored) {
      rt::Statement& keep = db_.prepare("UPDATE record SET state = 2 WHERE no = ?1");
      keep.bind(1, row.no);
      if (auto done = keep.run(); !done) return done;
      rt::Statement& uncover = db_.prepare("DELETE FROM gap_cover WHERE record_no = ?1");
      uncover.bind(1, row.no);
      if (auto done = uncover.run(); !done) return done;
      totals_.records_kept += 1;
      totals_.bytes_kept += row.bytes;
      totals_.records_held -= 1;
      totals_.bytes_held -= row.bytes;
      totals_.readings_held -= row.readings;
      if (row.record_class == RecordClass::kGap) totals_.gap_bytes_held -= row.bytes;
    } else if (auto done = delete_record(row); !done) {
      return done;
    }
  }
  return ok();
}

Status Spool::resend_gaps(const SpoolRecord& dropped, std::uint64_t& next_seq) {
  auto record = wire::decode_record(*dropped.body);
  if (!record) return ok();  // damaged: nothing to send again; the name itself is settled
  if (record->gaps.empty()) return ok();
  wire::Record again;
  again.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
  again.stamp = record->stamp;
  again.gaps = std::move(record->gaps);
  SpoolRecord out;
  out.name = {live_.id, next_seq++};
  FP_CHECK(out.name.seq <= live_.lease);
  out.record_class = RecordClass::kGap;
  out.body = std::make_shared<const std::string>(wire::encode(again));
  out.hash = wire::hash128(*out.body);
  for (const wire::Gap& gap : again.gaps) {
    out.covers.insert(out.covers.end(), gap.names.begin(), gap.names.end());
  }
  return insert_record(out, age_ms_);
}

Status Spool::held_conflicts(std::span<const wire::VerdictRange> verdicts,
                             std::vector<wire::Name>& names) {
  for (const wire::VerdictRange& range : verdicts) {
    if (range.verdict != wire::Verdict::kConflict) continue;
    const Incarnation* incarnation = find(range.names.incarnation);
    if (incarnation == nullptr) continue;
    rt::Statement& held = db_.prepare(
        "SELECT seq FROM record WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3 AND state = 1");
    held.bind(1, incarnation->no).bind(2, range.names.seqs.first).bind(3, range.names.seqs.last);
    for (;;) {
      const auto row = held.step();
      if (!row) return row.error();
      if (!*row) break;
      names.push_back({incarnation->id, held.u64(0)});
    }
  }
  return ok();
}

Status Spool::hold_again(std::span<const wire::NameRange> ranges) {
  return transact([&]() -> Status {
    for (const wire::NameRange& range : ranges) {
      const Incarnation* incarnation = find(range.incarnation);
      if (incarnation == nullptr) continue;
      rt::Statement& hold = db_.prepare(
          "UPDATE record SET state = 1 WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3"
          " AND state = 2");
      hold.bind(1, incarnation->no).bind(2, range.seqs.first).bind(3, range.seqs.last);
      if (auto done = hold.run(); !done) return done;
    }
    return reload_totals();
  });
}

Result<SpoolRecord> Spool::renamed(SpoolRecord record, std::uint64_t seq) {
  auto content = wire::decode_record(*record.body);
  if (!content) return content.error();
  if (!content->first_name) content->first_name = record.name;
  record.no = 0;
  record.name = {live_.id, seq};
  record.body = std::make_shared<const std::string>(wire::encode(*content));
  record.hash = wire::hash128(*record.body);
  record.covers.clear();
  for (const wire::Gap& gap : content->gaps) {
    record.covers.insert(record.covers.end(), gap.names.begin(), gap.names.end());
  }
  return record;
}

Status Spool::rename(std::span<const wire::Name> on_disk, std::span<const SpoolRecord> in_memory,
                     rt::Random& random, std::uint64_t& next_seq) {
  std::uint64_t seq = 1;
  auto done = transact([&]() -> Status {
    if (auto drawn = draw_incarnation(random); !drawn) return drawn;
    for (const wire::Name& name : on_disk) {
      auto old = load(name);
      if (!old) {
        if (old.error().code == Errc::kNotFound) continue;  // shed meanwhile
        return old.error();
      }
      auto fresh = renamed(*old, seq++);
      if (!fresh) return fresh.error();
      if (auto inserted = insert_record(*fresh, age_ms_); !inserted) return inserted;
      // The old name is settled at the coordinator; its bytes live on under the new one.
      if (auto erased = delete_record(row_of(*old, old->held)); !erased) return erased;
    }
    for (const SpoolRecord& record : in_memory) {
      auto fresh = renamed(record, seq++);
      if (!fresh) return fresh.error();
      if (auto inserted = insert_record(*fresh, age_ms_); !inserted) return inserted;
    }
    return reload_totals();
  });
  if (done) next_seq = seq;
  return done;
}

Result<std::vector<wire::IncarnationStatement>> Spool::statement() {
  std::vector<wire::IncarnationStatement> out;
  out.reserve(incarnations_.size());
  for (const Incarnation& each : incarnations_) {
    wire::IncarnationStatement statement;
    statement.id = each.id;
    if (each.parent_no != 0) statement.parent = incarnation(each.parent_no);
    statement.ordinal = each.ordinal;
    statement.highest = each.highest;
    statement.live = each.no == live_no_;
    out.push_back(std::move(statement));
  }
  const auto at = [&](std::int64_t no) -> wire::IncarnationStatement& {
    const auto it = std::lower_bound(incarnations_.begin(), incarnations_.end(), no,
                                     [](const Incarnation& a, std::int64_t b) { return a.no < b; });
    FP_CHECK(it != incarnations_.end() && it->no == no);
    return out[static_cast<std::size_t>(it - incarnations_.begin())];
  };
  // Held names, names that held gaps cover, and kept names; each list in order of seq.
  rt::Statement& rows = db_.prepare(
      "SELECT incarnation_no, seq, seq, 1 FROM record INDEXED BY record_by_state WHERE state = 1"
      " UNION ALL SELECT incarnation_no, first, last, 1 FROM gap_cover"
      " UNION ALL SELECT incarnation_no, seq, seq, 2 FROM record INDEXED BY record_by_state"
      " WHERE state = 2 ORDER BY 1, 2");
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    wire::IncarnationStatement& statement = at(rows.i64(0));
    auto& ranges = rows.i64(3) == 1 ? statement.held : statement.kept;
    const wire::SeqRange range{rows.u64(1), rows.u64(2)};
    if (!ranges.empty() && range.first <= ranges.back().last + 1) {
      ranges.back().last = std::max(ranges.back().last, range.last);
    } else {
      ranges.push_back(range);
    }
  }
}

}  // namespace fieldpost::agent

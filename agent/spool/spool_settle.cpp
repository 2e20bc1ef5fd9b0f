// What verdicts and time travel do to the records on disk.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/spool/gap_records.h"
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

std::string select_where(std::string_view condition) {
  return fmt::format("SELECT {} FROM record WHERE {}", kRecordColumns, condition);
}

/// kCorrupt when the row does not say what was written; a damaged body is marked.
Result<SpoolRecord> read_row(const Spool& spool, const rt::Statement& statement) {
  RecordRow row = read_record_row(statement);
  SpoolRecord record;
  record.no = row.no;
  record.name = {spool.incarnation(row.incarnation_no), row.seq};
  if (!is_sealed(row) || record.name.incarnation.is_none()) {
    return Error{Errc::kCorrupt, "reading a record of the spool: its seal does not match"};
  }
  record.record_class = static_cast<RecordClass>(row.record_class);
  record.kind = static_cast<std::uint16_t>(row.kind);
  record.readings = static_cast<std::uint32_t>(row.readings);
  record.first_time = row.first_time;
  record.last_time = row.last_time;
  record.set = row.set;
  record.hash = row.hash;
  record.damaged = !body_is_whole(row);
  record.bytes = row.bytes;
  record.age_ms = row.age_ms;
  record.held = row.state == 1;
  record.body = std::make_shared<const std::string>(std::move(row.body));
  return record;
}

SpoolRow row_of(const SpoolRecord& record, bool held) {
  return {record.no, held, record.record_class, record.bytes, record.readings, record.set};
}

}  // namespace

Result<std::vector<SpoolRecord>> Spool::load_held(RecordClass from, RecordClass to,
                                                  std::int64_t after, std::size_t bytes_max) {
  std::vector<SpoolRecord> out;
  static const std::string kSql =
      select_where("no > ?1 AND state = 1 AND class BETWEEN ?2 AND ?3 ORDER BY no");
  rt::Statement& rows = db_.prepare(kSql);
  rows.bind(1, after).bind(2, static_cast<int>(from)).bind(3, static_cast<int>(to));
  std::size_t bytes = 0;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    auto record = read_row(*this, rows);
    if (!record) return record.error();
    out.push_back(std::move(*record));
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
  if (wire::hash128(bytes) == hash) return bytes;
  return Error{Errc::kCorrupt, "a series set in the spool does not match its hash"};
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

Result<SpoolRecord> Spool::load_as_is(const wire::Name& name) {
  const auto incarnation = incarnation_no(name.incarnation);
  if (!incarnation) return incarnation.error();
  static const std::string kSql = select_where("incarnation_no = ?1 AND seq = ?2");
  rt::Statement& get = db_.prepare(kSql);
  get.bind(1, *incarnation).bind(2, name.seq);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, "no such record in the spool"};
  auto record = read_row(*this, get);
  get.reset();
  return record;
}

Result<SpoolRecord> Spool::load(const wire::Name& name) {
  auto record = load_as_is(name);
  if (record && record->damaged) {
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
  const IncarnationRow* incarnation = find(range.names.incarnation);
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
      static const std::string kSql = select_where("no = ?1");
      rt::Statement& get = db_.prepare(kSql);
      get.bind(1, row.no);
      const auto found = get.step();
      if (!found) return found.error();
      if (!*found) return Error{Errc::kCorrupt, "an index of the spool names no record"};
      const auto record = read_row(*this, get);
      get.reset();
      if (!record) return record.error();
      if (auto done = resend_gaps(*record, next_seq); !done) return done;
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
      uncount_held(row);
    } else if (auto done = delete_record(row); !done) {
      return done;
    }
  }
  return ok();
}

Result<std::vector<wire::Gap>> Spool::gaps_of(const SpoolRecord& record) {
  if (!record.damaged) {
    auto content = wire::decode_record(*record.body);
    if (content) return std::move(content->gaps);
  }
  // What its gaps listed is still known by name, though not how much was lost under each.
  wire::Gap gap;
  gap.cause = wire::GapCause::kDamaged;
  rt::Statement& rows =
      db_.prepare("SELECT incarnation_no, first, last FROM gap_cover WHERE record_no = ?1");
  rows.bind(1, record.no);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    const wire::IncarnationId id = incarnation(rows.i64(0));
    if (!id.is_none()) gap.names.push_back({{id, {rows.u64(1), rows.u64(2)}}, 0, false});
  }
  if (gap.names.empty()) return std::vector<wire::Gap>{};
  return std::vector<wire::Gap>{std::move(gap)};
}

Status Spool::resend_gaps(const SpoolRecord& dropped, std::uint64_t& next_seq) {
  auto gaps = gaps_of(dropped);
  if (!gaps) return gaps.error();
  if (gaps->empty()) return ok();
  wire::Record again;
  again.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
  if (const auto content = wire::decode_record(*dropped.body)) again.stamp = content->stamp;
  again.gaps = std::move(*gaps);
  SpoolRecord out = make_spool_record(again, RecordClass::kGap);
  const auto name = take_name(next_seq);
  if (!name) return name.error();
  out.name = *name;
  return insert_record(out, age_ms_);
}

Status Spool::held_conflicts(std::span<const wire::VerdictRange> verdicts,
                             std::vector<wire::Name>& names) {
  for (const wire::VerdictRange& range : verdicts) {
    if (range.verdict != wire::Verdict::kConflict) continue;
    const IncarnationRow* incarnation = find(range.names.incarnation);
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

Result<std::uint64_t> Spool::hold_again(std::span<const wire::NameRange> ranges) {
  std::uint64_t gone = 0;
  const auto done = transact([&]() -> Status {
    for (const wire::NameRange& range : ranges) {
      const IncarnationRow* incarnation = find(range.incarnation);
      if (incarnation == nullptr) continue;
      rt::Statement& hold = db_.prepare(
          "UPDATE record SET state = 1 WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3"
          " AND state = 2");
      hold.bind(1, incarnation->no).bind(2, range.seqs.first).bind(3, range.seqs.last);
      if (auto held = hold.run(); !held) return held;
      const auto there = count_on_disk(incarnation->no, range.seqs);
      if (!there) return there.error();
      gone += range.seqs.count() - *there;
    }
    return reload_totals();
  });
  return done ? Result<std::uint64_t>(gone) : done.error();
}

Result<std::uint64_t> Spool::count_on_disk(std::int64_t incarnation, const wire::SeqRange& seqs) {
  rt::Statement& count = db_.prepare(
      "SELECT count(*) FROM record WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3");
  count.bind(1, incarnation).bind(2, seqs.first).bind(3, seqs.last);
  const auto row = count.step();
  if (!row) return row.error();
  const std::uint64_t there = count.u64(0);
  count.reset();
  return there;
}

Result<SpoolRecord> Spool::renamed(SpoolRecord record, const wire::Name& name) {
  auto content = wire::decode_record(*record.body);
  if (!content) return content.error();
  if (!content->first_name) content->first_name = record.name;
  record.no = 0;
  record.name = name;
  record.body = std::make_shared<const std::string>(wire::encode(*content));
  record.hash = wire::hash128(*record.body);
  record.covers.clear();
  for (const wire::Gap& gap : content->gaps) {
    record.covers.insert(record.covers.end(), gap.names.begin(), gap.names.end());
  }
  return record;
}

Status Spool::rename_on_disk(const wire::Name& name, wire::Gap& lost, std::uint64_t& seq) {
  auto old = load_as_is(name);
  if (!old) return old.error().code == Errc::kNotFound ? ok() : Status(old.error());  // shed
  const auto fresh_name = take_name(seq);
  if (!fresh_name) return fresh_name.error();
  auto fresh = old->damaged ? Error{Errc::kCorrupt, ""} : renamed(*old, *fresh_name);
  if (fresh) {
    if (auto inserted = insert_record(*fresh, old->age_ms); !inserted) return inserted;
  } else {
    // The old name is settled with other content: what was lost is counted under the new one.
    auto gaps = gaps_of(*old);
    if (!gaps) return gaps.error();
    lost.names.push_back(
        {{fresh_name->incarnation, {fresh_name->seq, fresh_name->seq}}, old->readings, true});
    if (is_fragment(*old)) lost.fragments += 1;
    for (const wire::Gap& gap : *gaps) {
      lost.names.insert(lost.names.end(), gap.names.begin(), gap.names.end());
      lost.fragments += gap.fragments;
    }
  }
  // The old name is settled at the coordinator; its bytes live on under the new one.
  return delete_record(row_of(*old, old->held));
}

Status Spool::rename(std::span<const wire::Name> on_disk, std::span<const SpoolRecord> in_memory,
                     rt::Random& random, std::uint64_t& next_seq) {
  std::uint64_t seq = 1;
  auto done = transact([&]() -> Status {
    if (auto drawn = draw_incarnation(random); !drawn) return drawn;
    wire::Gap gap;
    gap.cause = wire::GapCause::kDamaged;
    for (const wire::Name& name : on_disk) {
      if (auto renamed_one = rename_on_disk(name, gap, seq); !renamed_one) return renamed_one;
    }
    for (const SpoolRecord& record : in_memory) {
      const auto name = take_name(seq);
      if (!name) return name.error();
      auto fresh = renamed(record, *name);
      if (!fresh) return fresh.error();
      if (auto inserted = insert_record(*fresh, age_ms_); !inserted) return inserted;
    }
    std::vector<wire::Gap> gaps;
    if (!gap.names.empty()) gaps.push_back(std::move(gap));
    if (auto inserted = insert_gaps(*this, std::move(gaps), {}, seq); !inserted) return inserted;
    return reload_totals();
  });
  if (done) next_seq = seq;
  return done;
}

Result<std::vector<wire::IncarnationStatement>> Spool::statement() {
  std::vector<wire::IncarnationStatement> out;
  out.reserve(incarnations_.size());
  for (const IncarnationRow& each : incarnations_) {
    wire::IncarnationStatement statement;
    statement.id = each.id;
    if (each.parent_no != 0) statement.parent = incarnation(each.parent_no);
    statement.ordinal = each.ordinal;
    statement.highest = each.highest;
    statement.live = each.no == live_no_;
    out.push_back(std::move(statement));
  }
  const auto at = [&](std::int64_t no) -> wire::IncarnationStatement* {
    const auto it =
        std::lower_bound(incarnations_.begin(), incarnations_.end(), no,
                         [](const IncarnationRow& a, std::int64_t b) { return a.no < b; });
    if (it == incarnations_.end() || it->no != no) return nullptr;
    return &out[static_cast<std::size_t>(it - incarnations_.begin())];
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
    wire::IncarnationStatement* statement = at(rows.i64(0));
    if (statement == nullptr || rows.u64(1) == 0 || rows.u64(1) > rows.u64(2)) {
      return Error{Errc::kCorrupt, "stating the spool: an index names what cannot be"};
    }
    auto& ranges = rows.i64(3) == 1 ? statement->held : statement->kept;
    const wire::SeqRange range{rows.u64(1), rows.u64(2)};
    if (!ranges.empty() && range.first <= ranges.back().last + 1) {
      ranges.back().last = std::max(ranges.back().last, range.last);
    } else {
      ranges.push_back(range);
    }
  }
}

}  // namespace fieldpost::agent

#include "coordinator/ingest/quarantine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "proto/wire/hash.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::ok;
using rt::Result;
using rt::Status;
using wire::Verdict;

Result<bool> Quarantine::add(const IncarnationRow& incarnation, std::uint64_t seq,
                             const std::string& record, const std::string& why, rt::UnixTime now) {
  const auto has_room = make_room(record.size(), now);
  if (!has_room || !*has_room) return has_room;
  rt::Statement& add = db_.prepare(
      "INSERT INTO quarantine (incarnation_no, seq, node_no, received_ns, why, record, readings)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  add.bind(1, incarnation.no).bind(2, seq).bind(3, incarnation.node).bind(4, now.ns);
  add.bind_text(5, why).bind_blob(6, record);
  if (const auto content = wire::decode_record(record)) {
    add.bind(7, std::uint64_t{content->readings});
  } else {
    add.bind_null(7);
  }
  auto done = add.run();
  if (done) *used_ += record.size();
  if (done) done = ledger_.leave_unconfirmed(incarnation.no, {seq, seq});
  if (done) done = ledger_.settle_alone(incarnation.no, seq, Verdict::kQuarantined);
  if (done) done = ledger_.keep_hash(incarnation.no, seq, wire::hash128(record));
  if (done) done = ledger_.raise_known(incarnation, seq);
  if (!done) return done.error();
  return true;
}

Result<std::uint64_t> Quarantine::used() {
  if (used_) return *used_;
  rt::Statement& sum = db_.prepare("SELECT coalesce(sum(length(record)), 0) FROM quarantine");
  const auto row = sum.step();
  if (!row) return row.error();
  used_ = sum.u64(0);
  sum.reset();
  return *used_;
}

Result<bool> Quarantine::make_room(std::size_t bytes, rt::UnixTime now) {
  for (;;) {
    const auto taken = used();
    if (!taken) return taken.error();
    if (*taken == 0 || *taken + bytes <= options_.bytes_max) return true;
    if (options_.when_full == WhenFull::kStop) return false;
    const auto record = load_oldest();
    if (!record) return record.error();
    const auto gap = give_up(*record, wire::GapCause::kQuarantineFull, now);
    if (!gap) return gap.error();
  }
}

Result<QuarantinedRecord> Quarantine::load_oldest() {
  rt::Statement& oldest = db_.prepare(
      "SELECT incarnation_no, seq, node_no, record FROM quarantine ORDER BY received_ns LIMIT 1");
  const auto found = oldest.step();
  if (!found) return found.error();
  QuarantinedRecord record{
      {oldest.i64(0), oldest.u64(1)}, oldest.i64(2), std::string(oldest.blob(3))};
  oldest.reset();
  return record;
}

Result<std::vector<QuarantinedRecord>> Quarantine::load(NamePlace after, NodeNo node,
                                                        std::size_t count_max) {
  std::vector<QuarantinedRecord> out;
  rt::Statement& rows = db_.prepare(
      "SELECT incarnation_no, seq, node_no, record FROM quarantine"
      " WHERE (incarnation_no, seq) > (?1, ?2) AND (?3 = 0 OR node_no = ?3)"
      " ORDER BY incarnation_no, seq LIMIT ?4");
  rows.bind(1, after.incarnation).bind(2, after.seq).bind(3, node);
  rows.bind(4, std::uint64_t{count_max});
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back({{rows.i64(0), rows.u64(1)}, rows.i64(2), std::string(rows.blob(3))});
  }
}

Status Quarantine::leave(NamePlace place) {
  rt::Statement& erase = db_.prepare(
      "DELETE FROM quarantine WHERE incarnation_no = ?1 AND seq = ?2 RETURNING length(record)");
  erase.bind(1, place.incarnation).bind(2, place.seq);
  for (;;) {
    const auto row = erase.step();
    if (!row) return row.error();
    if (!*row) return ok();
    if (used_) *used_ -= erase.u64(0);
  }
}

Result<std::int64_t> Quarantine::give_up(const QuarantinedRecord& record, wire::GapCause cause,
                                         rt::UnixTime now) {
  const NamePlace place = record.place;
  const auto node_says = told(place);
  if (!node_says) return node_says.error();
  auto shares = lost_shares(record);
  if (!shares) return shares.error();
  if (*node_says) *shares = std::vector<Share>{{place, **node_says}};
  NewGap gap{record.node, cause};
  if (const auto content = wire::decode_record(record.record)) {
    gap.first_time = content->first_time;
    gap.last_time = content->last_time;
    if (!content->set.is_zero()) gap.sets.push_back(content->set);
    gap.sets_known = !gap.sets.empty();
  }
  const auto number = ledger_.add_gap(gap, now);
  if (!number) return number;
  std::uint64_t lost = 0;
  for (const Share& share : shares->value_or(std::vector<Share>{{place, 0}})) {
    lost += share.readings;
    if (auto done = note_given_up(place, share, *number, node_says->has_value()); !done) {
      return done.error();
    }
  }
  // Its number is not that of the row's names: what the node tells later changes it (note_told).
  auto done = ledger_.add_gap_names(*number, place.incarnation, {place.seq, place.seq}, {});
  if (done) {
    rt::Statement& count =
        db_.prepare("UPDATE gap SET readings = ?2, readings_known = ?3 WHERE no = ?1");
    count.bind(1, *number).bind(2, lost).bind(3, shares->has_value() ? 1 : 0);
    done = count.run();
  }
  if (done) {
    rt::Statement& verdict =
        db_.prepare("UPDATE not_stored SET verdict = ?3 WHERE incarnation_no = ?1 AND first = ?2");
    verdict.bind(1, place.incarnation).bind(2, place.seq);
    verdict.bind(3, static_cast<int>(Verdict::kGapped));
    done = verdict.run();
  }
  if (done) done = leave(place);
  if (!done) return done.error();
  return number;
}

Status Quarantine::note_given_up(NamePlace place, const Share& share, std::int64_t gap, bool told) {
  rt::Statement& note = db_.prepare(
      "INSERT OR REPLACE INTO given_up (incarnation_no, seq, origin_no, origin_seq, gap_no,"
      " readings, told) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
  note.bind(1, place.incarnation).bind(2, place.seq);
  note.bind(3, share.origin.incarnation).bind(4, share.origin.seq);
  note.bind(5, gap).bind(6, share.readings).bind(7, told ? 1 : 0);
  return note.run();
}

Result<std::optional<std::uint64_t>> Quarantine::told(NamePlace place) {
  rt::Statement& get =
      db_.prepare("SELECT told FROM quarantine WHERE incarnation_no = ?1 AND seq = ?2");
  get.bind(1, place.incarnation).bind(2, place.seq);
  const auto row = get.step();
  if (!row) return row.error();
  std::optional<std::uint64_t> out;
  if (*row && !get.is_null(0)) out = get.u64(0);
  get.reset();
  return out;
}

Result<std::optional<std::vector<Quarantine::Share>>> Quarantine::shares_of(
    const QuarantinedRecord& record) {
  using Shares = std::optional<std::vector<Share>>;
  const auto content = wire::decode_record(record.record);
  if (!content) return Shares{};
  const Shares all_its_own = std::vector<Share>{{record.place, content->readings}};
  if (content->readings == 0) return all_its_own;
  if (content->kind != static_cast<std::uint16_t>(wire::RecordKind::kReadings)) return Shares{};
  const auto set = readings_.find_set(content->set);
  if (!set && set.error().code != Errc::kNotFound) return set.error();
  const auto raw = wire::decompress(content->payload, content->codec, content->raw_size);
  if (!raw) return Shares{};
  if (!set) return wire::says_origins(*raw) ? Shares{} : all_its_own;
  const auto columns = wire::decode_columns(*raw, (*set)->types);
  if (!columns) return Shares{};
  std::map<NamePlace, std::uint64_t> counts;
  std::uint64_t own = columns->readings();
  for (const auto& runs : columns->origin_runs) {
    for (const wire::OriginRun& run : runs) {
      const wire::Name& origin = columns->origins[run.origin];
      const auto incarnation = ledger_.find(origin.incarnation);
      if (!incarnation) return incarnation.error();
      if (!*incarnation) continue;  // of no name that this store knows: the record's own
      counts[{(*incarnation)->no, origin.seq}] += run.count;
      own -= run.count;
    }
  }
  counts[record.place] += own;
  std::vector<Share> out;
  for (const auto& [origin, readings] : counts) out.push_back({origin, readings});
  return Shares(std::move(out));
}

Result<std::optional<std::vector<Quarantine::Share>>> Quarantine::lost_shares(
    const QuarantinedRecord& record) {
  auto shares = shares_of(record);
  if (!shares || !*shares) return shares;
  std::vector<Share> lost;
  for (const Share& share : **shares) {
    if (share.origin != record.place) {
      const auto origin = ledger_.settled(share.origin.incarnation, share.origin.seq);
      if (!origin) return origin.error();
      if (origin->verdict == Verdict::kStored) continue;  // under the name they were accepted in
    }
    lost.push_back(share);
  }
  *shares = std::move(lost);
  return shares;
}

Status Quarantine::release(NamePlace place) {
  if (auto done = leave(place); !done) return done;
  rt::Statement& verdict =
      db_.prepare("DELETE FROM not_stored WHERE incarnation_no = ?1 AND first = ?2");
  verdict.bind(1, place.incarnation).bind(2, place.seq);
  if (auto done = verdict.run(); !done) return done;
  // Readings of it that another record carried on, and was given up with, are stored now.
  rt::Statement& found = db_.prepare(
      "UPDATE gap SET readings = readings - (SELECT sum(readings) FROM given_up"
      " WHERE gap_no = gap.no AND origin_no = ?1 AND origin_seq = ?2)"
      " WHERE no IN (SELECT gap_no FROM given_up WHERE origin_no = ?1 AND origin_seq = ?2)");
  found.bind(1, place.incarnation).bind(2, place.seq);
  if (auto done = found.run(); !done) return done;
  rt::Statement& erase =
      db_.prepare("DELETE FROM given_up WHERE origin_no = ?1 AND origin_seq = ?2");
  erase.bind(1, place.incarnation).bind(2, place.seq);
  return erase.run();
}

Status Quarantine::note_told(IncarnationNo incarnation, wire::SeqRange range, std::uint64_t each) {
  rt::Statement& waiting = db_.prepare(
      "UPDATE quarantine SET told = max(coalesce(told, 0), ?4)"
      " WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3");
  waiting.bind(1, incarnation).bind(2, range.first).bind(3, range.last).bind(4, each);
  if (auto done = waiting.run(); !done) return done;
  struct Row {
    NamePlace place, origin;
    std::int64_t gap = 0;
    std::uint64_t readings = 0;
    bool told = false;
  };
  std::vector<Row> rows;
  rt::Statement& found = db_.prepare(
      "SELECT seq, origin_no, origin_seq, gap_no, readings, told FROM given_up"
      " WHERE incarnation_no = ?1 AND seq BETWEEN ?2 AND ?3");
  found.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  for (;;) {
    const auto row = found.step();
    if (!row) return row.error();
    if (!*row) break;
    rows.push_back({{incarnation, found.u64(0)},
                    {found.i64(1), found.u64(2)},
                    found.i64(3),
                    found.u64(4),
                    found.i64(5) != 0});
  }
  for (const Row& row : rows) {
    // What it carried of other records counts where those are: the node listed them, too.
    std::uint64_t now_lost = row.origin == row.place ? each : 0;
    if (row.told && row.origin == row.place) now_lost = std::max(now_lost, row.readings);
    rt::Statement& count =
        db_.prepare("UPDATE gap SET readings = readings + ?2, readings_known = 1 WHERE no = ?1");
    count.bind(1, row.gap)
        .bind(2, static_cast<std::int64_t>(now_lost) - static_cast<std::int64_t>(row.readings));
    if (auto done = count.run(); !done) return done;
    auto done = note_given_up(row.place, {row.origin, now_lost}, row.gap, true);
    if (!done) return done;
  }
  return ok();
}

}  // namespace fieldpost::coordinator

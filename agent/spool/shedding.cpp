#include "agent/spool/shedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "agent/spool/spool_transaction.h"
#include "agent/spool/thinning.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

/// Shedding frees a little more than was asked for, so that a full spool does not shed on each
/// write.
constexpr std::uint64_t kExtraShare = 64;
constexpr std::size_t kVictimsMax = 4096;  ///< records shed in one transaction

struct Victim {
  SpoolRow row;
  wire::Name name;
  std::int64_t first_time = 0, last_time = 0;
};

Result<std::vector<Victim>> oldest(Spool& spool, int record_class, std::uint64_t bytes,
                                   std::uint64_t accepted_before_ms, std::size_t records_max) {
  static const std::string kSql = fmt::format(
      "SELECT {} FROM record WHERE state = 1 AND class = ?1 AND age_ms < ?2"
      " ORDER BY no LIMIT ?3",
      kRecordColumns);
  rt::Statement& rows = spool.database().prepare(kSql);
  rows.bind(1, record_class).bind(2, accepted_before_ms).bind(3, std::uint64_t{records_max});
  std::vector<Victim> out;
  std::uint64_t freed = 0;
  while (freed < bytes) {
    const auto step = rows.step();
    if (!step) return step.error();
    if (!*step) return out;
    const RecordRow row = read_record_row(rows);
    const wire::Name name{spool.incarnation(row.incarnation_no), row.seq};
    if (!is_sealed(row) || name.incarnation.is_none()) {
      rows.reset();
      return Error{Errc::kCorrupt, "shedding: the seal of a record does not match"};
    }
    out.push_back(
        {{row.no, true, static_cast<RecordClass>(record_class), row.bytes, row.readings, row.set},
         name,
         row.first_time,
         row.last_time});
    freed += row.bytes + kRowOverheadBytes;
  }
  rows.reset();
  return out;
}

wire::Gap gap_over(const std::vector<Victim>& victims, wire::GapCause cause) {
  wire::Gap gap;
  gap.cause = cause;
  gap.first_time = std::numeric_limits<std::int64_t>::max();
  gap.last_time = std::numeric_limits<std::int64_t>::min();
  gap.sets_known = true;
  for (const Victim& victim : victims) {
    add_gap_name(gap.names, {{victim.name.incarnation, {victim.name.seq, victim.name.seq}},
                             static_cast<std::uint32_t>(victim.row.readings),
                             true});
    gap.first_time = std::min(gap.first_time, victim.first_time);
    gap.last_time = std::max(gap.last_time, victim.last_time);
    if (std::find(gap.sets.begin(), gap.sets.end(), victim.row.set) == gap.sets.end()) {
      gap.sets.push_back(victim.row.set);
    }
  }
  if (gap.sets.size() > wire::kGapSetsMax) {
    gap.sets.clear();
    gap.sets_known = false;
  }
  return gap;
}

Status shed_victims(Spool& spool, const ShedOptions& options, int index,
                    const std::vector<Victim>& victims, wire::GapCause cause,
                    const wire::Clock& stamp, std::uint64_t& next_seq, ShedReport& report) {
  std::vector<wire::Gap> gaps;
  const bool thin = cause == wire::GapCause::kShed &&
                    options.policies[static_cast<std::size_t>(index)] == ShedPolicy::kThin;
  if (thin) {
    std::vector<wire::Name> names;
    for (const Victim& victim : victims) names.push_back(victim.name);
    auto thinned = thin_records(spool, names, options.thin_window, stamp);
    if (!thinned) return thinned.error();
    gaps = std::move(thinned->gaps);
    for (SpoolRecord& kept : thinned->records) {
      const auto name = spool.take_name(next_seq);
      if (!name) return name.error();
      kept.name = *name;
      if (auto done = spool.insert_record(kept, spool.age_ms()); !done) return done;
      report.bytes -= std::min<std::uint64_t>(report.bytes, kept.body->size() + kRowOverheadBytes);
    }
    report.readings += thinned->readings_lost;
  } else {
    gaps.push_back(gap_over(victims, cause));
    for (const Victim& victim : victims) report.readings += victim.row.readings;
  }
  for (const Victim& victim : victims) {
    if (auto done = spool.delete_record(victim.row); !done) return done;
    report.bytes += victim.row.bytes + kRowOverheadBytes;
    report.names.push_back(victim.name);
  }
  return insert_gaps(spool, std::move(gaps), stamp, next_seq);
}

}  // namespace

std::uint64_t spool_bytes(const SpoolTotals& totals) {
  return totals.bytes_held + totals.bytes_kept +
         (totals.records_held + totals.records_kept) * kRowOverheadBytes;
}

ClassBytes class_bytes(const SpoolTotals& totals) {
  ClassBytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const ClassTotals& held = totals.classes_held[i];
    bytes[i] = static_cast<double>(held.bytes + held.records * kRowOverheadBytes);
  }
  return bytes;
}

std::optional<std::size_t> class_to_shed(const ClassBytes& held, const ShedOptions& options) {
  std::optional<std::size_t> heaviest;
  for (std::size_t i = 0; i < std::min(held.size(), options.policies.size()); ++i) {
    if (options.policies[i] == ShedPolicy::kDropNewest || held[i] <= 0) continue;
    if (!heaviest || held[i] > held[*heaviest]) heaviest = i;
  }
  return heaviest;
}

void add_gap_name(std::vector<wire::GapNames>& names, const wire::GapNames& more) {
  if (!names.empty()) {
    wire::GapNames& last = names.back();
    if (last.names.incarnation == more.names.incarnation && last.each == more.each &&
        last.known == more.known && last.names.seqs.last + 1 == more.names.seqs.first) {
      last.names.seqs.last = more.names.seqs.last;
      return;
    }
  }
  names.push_back(more);
}

Status insert_gaps(Spool& spool, std::vector<wire::Gap> gaps, const wire::Clock& stamp,
                   std::uint64_t& next_seq) {
  std::vector<wire::Gap> pieces;
  for (wire::Gap& gap : gaps) {
    while (gap.names.size() > wire::kGapNamesMax) {
      wire::Gap piece = gap;
      const auto cut = gap.names.begin() + static_cast<std::ptrdiff_t>(wire::kGapNamesMax);
      piece.names.assign(gap.names.begin(), cut);
      gap.names.erase(gap.names.begin(), cut);
      pieces.push_back(std::move(piece));
    }
    pieces.push_back(std::move(gap));
  }
  // A gap of kGapNamesMax names nearly fills an envelope, so each large one travels alone.
  std::size_t i = 0;
  while (i < pieces.size()) {
    wire::Record record;
    record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
    record.stamp = stamp;
    std::size_t names = 0;
    while (i < pieces.size() && record.gaps.size() < wire::kGapsPerRecordMax / 2 &&
           (names == 0 || names + pieces[i].names.size() <= wire::kGapNamesMax / 2)) {
      names += pieces[i].names.size() + pieces[i].sets.size();
      record.gaps.push_back(std::move(pieces[i++]));
    }
    SpoolRecord made = make_spool_record(record, RecordClass::kGap);
    const auto name = spool.take_name(next_seq);
    if (!name) return name.error();
    made.name = *name;
    if (auto done = spool.insert_record(made, spool.age_ms()); !done) return done;
  }
  return ok();
}

Result<ShedReport> shed_for_space(Spool& spool, const ShedOptions& options, std::uint64_t bytes,
                                  const wire::Clock& stamp, std::uint64_t& next_seq) {
  ShedReport report;
  const std::uint64_t wanted = bytes + options.bytes_max / kExtraShare;
  auto evicted = spool.evict_kept(wanted);
  if (!evicted) return evicted.error();
  if (spool_bytes(spool.totals()) + bytes <= options.bytes_max) return report;
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    while (report.bytes < wanted) {
      const auto index = class_to_shed(class_bytes(spool.totals()), options);
      if (!index) break;
      const auto victims =
          oldest(spool, static_cast<int>(readings_class(static_cast<int>(*index))),
                 wanted - report.bytes, std::numeric_limits<std::int64_t>::max(), kVictimsMax);
      if (!victims) return victims.error();
      if (victims->empty()) break;
      const std::uint64_t freed = report.bytes;
      auto shed = shed_victims(spool, options, static_cast<int>(*index), *victims,
                               wire::GapCause::kShed, stamp, next_seq, report);
      if (!shed) return shed;
      if (report.bytes <= freed) break;  // thinning what is thin already frees nothing more
      if (report.names.size() >= kVictimsMax) break;
    }
    if (report.names.empty()) {
      return Error{Errc::kFull, "the spool is full and no class of readings may be shed"};
    }
    return spool.add_shed(report.readings);
  });
  if (done) return report;
  next_seq = before;
  return done.error();
}

Result<ShedReport> shed_by_age(Spool& spool, const ShedOptions& options, std::uint64_t age_ms,
                               std::size_t records_max, const wire::Clock& stamp,
                               std::uint64_t& next_seq) {
  ShedReport report;
  if (age_ms <= options.age_max_ms) return report;
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    for (int index = 0; index < static_cast<int>(options.policies.size()); ++index) {
      const auto victims = oldest(spool, static_cast<int>(readings_class(index)),
                                  std::numeric_limits<std::uint64_t>::max(),
                                  age_ms - options.age_max_ms, records_max);
      if (!victims) return victims.error();
      if (victims->empty()) continue;
      auto shed = shed_victims(spool, options, index, *victims, wire::GapCause::kAged, stamp,
                               next_seq, report);
      if (!shed) return shed;
    }
    return report.names.empty() ? ok() : spool.add_shed(report.readings);
  });
  if (done) return report;
  next_seq = before;
  return done.error();
}

Status replace_by_gap(Spool& spool, const wire::Name& name, wire::Gap gap, const wire::Clock& stamp,
                      std::uint64_t& next_seq) {
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    const auto row = spool.find_row(name);
    if (!row) return row.error();
    std::vector<wire::Gap> gaps;
    if (*row) {
      const auto record = spool.load_as_is(name);
      if (!record) return record.error();
      auto carried = spool.gaps_of(*record);
      if (!carried) return carried.error();
      gaps = std::move(*carried);
      if (auto erased = spool.delete_record(**row); !erased) return erased;
    }
    gaps.push_back(std::move(gap));
    return insert_gaps(spool, std::move(gaps), stamp, next_seq);
  });
  if (!done) next_seq = before;
  return done;
}

Result<bool> merge_gaps(Spool& spool, const ShedOptions& options, const wire::Clock& stamp,
                        std::uint64_t& next_seq) {
  if (spool.totals().gap_bytes_held <= options.gap_reserve) return false;
  auto records = spool.load_held(RecordClass::kGap, RecordClass::kGap, 0,
                                 std::numeric_limits<std::size_t>::max());
  if (!records) return records.error();
  if (records->size() < 2) return false;
  wire::Gap merged;
  merged.cause = wire::GapCause::kShed;
  std::vector<wire::GapNames> names;
  for (const SpoolRecord& record : *records) {
    auto gaps = spool.gaps_of(record);
    if (!gaps) return gaps.error();
    // The superseded record's own name is listed too, with no readings of its own.
    names.push_back({{record.name.incarnation, {record.name.seq, record.name.seq}}, 0, true});
    for (const wire::Gap& gap : *gaps) {
      names.insert(names.end(), gap.names.begin(), gap.names.end());
      if (gap.first_time == 0 && gap.last_time == 0) continue;
      const bool first = merged.first_time == 0 && merged.last_time == 0;
      merged.first_time = first ? gap.first_time : std::min(merged.first_time, gap.first_time);
      merged.last_time = first ? gap.last_time : std::max(merged.last_time, gap.last_time);
    }
  }
  std::sort(names.begin(), names.end(),
            [](const wire::GapNames& a, const wire::GapNames& b) { return a.names < b.names; });
  for (const wire::GapNames& each : names) add_gap_name(merged.names, each);
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    for (const SpoolRecord& record : *records) {
      const SpoolRow row{record.no,       true,      record.record_class, record.bytes,
                         record.readings, record.set};
      if (auto erased = spool.delete_record(row); !erased) return erased;
    }
    std::vector<wire::Gap> gaps;
    gaps.push_back(std::move(merged));
    return insert_gaps(spool, std::move(gaps), stamp, next_seq);
  });
  if (done) return true;
  next_seq = before;
  return done.error();
}

}  // namespace fieldpost::agent

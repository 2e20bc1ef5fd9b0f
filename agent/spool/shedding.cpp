#include "agent/spool/shedding.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include "agent/spool/gap_records.h"
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
/// No step of shedding frees this part of the bound beyond what it was asked for.
constexpr std::uint64_t kDisplacedShare = 8;
constexpr std::size_t kVictimsMax = 4096;            ///< records shed in one transaction
constexpr std::size_t kThinRecordsMax = 256;         ///< thinned together, …
constexpr std::uint64_t kThinReadingsMax = 262'144;  ///< … with this many readings
/// Thinning that frees less than this part of what it takes has nothing left to thin.
constexpr std::uint64_t kThinGainShare = 4;

constexpr int kThinnedColumn = 15;  ///< behind kRecordColumns: only thinned readings carry a gap

struct Victim {
  SpoolRow row;
  wire::Name name;
  std::int64_t first_time = 0, last_time = 0;
  std::uint64_t age_ms = 0;
  bool thinned = false;
};

/// What a look for victims stops at; at least one is taken.
struct Wanted {
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t accepted_before_ms = std::numeric_limits<std::int64_t>::max();
  std::size_t records = kVictimsMax;
  std::uint64_t readings = std::numeric_limits<std::uint64_t>::max();
};

Result<Victim> read_victim(Spool& spool, const rt::Statement& rows, RecordClass record_class) {
  const RecordRow row = read_record_row(rows);
  const wire::Name name{spool.incarnation(row.incarnation_no), row.seq};
  if (!is_sealed(row) || name.incarnation.is_none()) {
    return Error{Errc::kCorrupt, "shedding: the seal of a record does not match"};
  }
  return Victim{{row.no, true, record_class, row.bytes, row.readings, row.set},
                name,
                row.first_time,
                row.last_time,
                row.age_ms,
                rows.i64(kThinnedColumn) != 0};
}

Result<std::vector<Victim>> oldest(Spool& spool, RecordClass record_class, const Wanted& wanted) {
  static const std::string kSql = fmt::format(
      "SELECT {}, EXISTS (SELECT 1 FROM gap_cover WHERE record_no = record.no) FROM record"
      " WHERE state = 1 AND class = ?1 AND age_ms < ?2 ORDER BY no LIMIT ?3",
      kRecordColumns);
  rt::Statement& rows = spool.database().prepare(kSql);
  rows.bind(1, static_cast<int>(record_class)).bind(2, wanted.accepted_before_ms);
  rows.bind(3, std::uint64_t{wanted.records});
  std::vector<Victim> out;
  std::uint64_t bytes = 0, readings = 0;
  while (bytes < wanted.bytes) {
    const auto step = rows.step();
    if (!step) return step.error();
    if (!*step) return out;
    auto victim = read_victim(spool, rows, record_class);
    if (!victim) {
      rows.reset();
      return victim.error();
    }
    bytes += victim->row.bytes + kRowOverheadBytes;
    readings += victim->row.readings;
    if (!out.empty() && readings > wanted.readings) break;
    out.push_back(std::move(*victim));
  }
  rows.reset();
  return out;
}

Result<wire::Gap> gap_over(Spool& spool, const std::vector<Victim>& victims, wire::GapCause cause) {
  wire::Gap gap;
  gap.cause = cause;
  // Nothing here tells of which series a fragment's body is.
  const bool of_bodies = victims.front().row.record_class == RecordClass::kBody;
  gap.sets_known = !of_bodies;
  if (of_bodies) gap.fragments = static_cast<std::uint32_t>(victims.size());
  for (const Victim& victim : victims) {
    if (victim.thinned) {
      if (auto done = add_lost_names(spool, victim.name, gap.names); !done) return done.error();
    } else {
      add_gap_name(gap.names, {{victim.name.incarnation, {victim.name.seq, victim.name.seq}},
                               static_cast<std::uint32_t>(victim.row.readings),
                               true});
    }
    add_gap_span(gap, victim.first_time, victim.last_time);
    add_gap_set(gap, victim.row.set);
  }
  return gap;
}

Status erase(Spool& spool, const std::vector<Victim>& victims, ShedReport& report) {
  for (const Victim& victim : victims) {
    if (auto done = spool.delete_record(victim.row); !done) return done;
    report.names.push_back(victim.name);
  }
  return ok();
}

Status drop(Spool& spool, const std::vector<Victim>& victims, wire::GapCause cause,
            std::vector<wire::Gap>& gaps, ShedReport& report) {
  for (const Victim& victim : victims) report.readings += victim.row.readings;
  if (victims.front().row.record_class == RecordClass::kBody) report.fragments += victims.size();
  auto gap = gap_over(spool, victims, cause);
  if (!gap) return gap.error();
  gaps.push_back(std::move(*gap));
  return erase(spool, victims, report);
}

/// Gaps and events wait for the coordinator however long it takes.
std::vector<RecordClass> aging_classes() {
  std::vector<RecordClass> classes{RecordClass::kBody};
  for (int index = 0; index < wire::kReadingClassesMax; ++index) {
    classes.push_back(readings_class(index));
  }
  return classes;
}

bool is_worth_it(const Thinned& thinned, const std::vector<Victim>& victims) {
  std::uint64_t taken = 0, stays = 0;
  for (const Victim& victim : victims) taken += victim.row.bytes + kRowOverheadBytes;
  for (const SpoolRecord& record : thinned.records) stays += bytes_on_disk(record);
  for (const wire::Gap& gap : thinned.gaps) stays += gap.names.size() * kGapRangeBytes;
  return stays + taken / kThinGainShare <= taken;
}

/// false: it would free too little, or what is left fits no record; nothing was changed.
Result<bool> try_thin(Spool& spool, const ShedOptions& options, const std::vector<Victim>& victims,
                      const wire::Clock& stamp, std::uint64_t& next_seq,
                      std::vector<wire::Gap>& gaps, ShedReport& report) {
  std::vector<wire::Name> names;
  for (const Victim& victim : victims) names.push_back(victim.name);
  auto thinned = thin_records(spool, names, options.thin_window, stamp);
  if (!thinned && thinned.error().code == Errc::kFull) return false;
  if (!thinned) return thinned.error();
  if (!is_worth_it(*thinned, victims)) return false;
  // Thinned readings are as old as the oldest of them: the age bound is not moved by thinning.
  std::uint64_t age_ms = spool.age_ms();
  for (const Victim& victim : victims) age_ms = std::min(age_ms, victim.age_ms);
  for (SpoolRecord& kept : thinned->records) {
    const auto name = spool.take_name(next_seq);
    if (!name) return name.error();
    kept.name = *name;
    if (auto done = spool.insert_record(kept, age_ms); !done) return done.error();
  }
  report.readings += thinned->readings_lost;
  std::move(thinned->gaps.begin(), thinned->gaps.end(), std::back_inserter(gaps));
  auto done = erase(spool, victims, report);
  return done ? Result<bool>(true) : done.error();
}

/// One class, by its policy; at most `bytes` or what one look takes.
Status shed_class(Spool& spool, const ShedOptions& options, std::size_t index, std::uint64_t bytes,
                  const wire::Clock& stamp, std::uint64_t& next_seq, std::vector<wire::Gap>& gaps,
                  ShedReport& report) {
  const bool thin = policy_of(options, index) == ShedPolicy::kThin;
  Wanted wanted;
  wanted.bytes = bytes;
  if (thin) {
    wanted.records = kThinRecordsMax;
    wanted.readings = kThinReadingsMax;
  }
  const auto victims = oldest(spool, readings_class(static_cast<int>(index)), wanted);
  if (!victims) return victims.error();
  if (victims->empty()) return Error{Errc::kCorrupt, "shedding: records that count are not there"};
  if (thin) {
    const auto thinned = try_thin(spool, options, *victims, stamp, next_seq, gaps, report);
    if (!thinned) return thinned.error();
    if (*thinned) return ok();
  }
  return drop(spool, *victims, wire::GapCause::kShed, gaps, report);
}

/// One transaction's work: until the spool takes `goal`, or kVictimsMax records went. kFull when
/// none may go.
Status shed_down_to(Spool& spool, const ShedOptions& options, std::uint64_t goal,
                    const wire::Clock& stamp, std::uint64_t& next_seq, ShedReport& report) {
  const std::size_t names = report.names.size();
  const std::uint64_t readings = report.readings;
  std::vector<wire::Gap> gaps;
  while (report.names.size() - names < kVictimsMax) {
    const std::uint64_t bytes = spool_bytes(spool.totals());
    if (bytes <= goal) break;
    const auto index = class_to_shed(class_bytes(spool.totals()), options);
    if (!index) break;
    auto shed = shed_class(spool, options, *index, bytes - goal, stamp, next_seq, gaps, report);
    if (!shed) return shed;
  }
  if (report.names.size() == names) {
    return Error{Errc::kFull, "the spool is full and no class of readings may be shed"};
  }
  if (auto done = insert_gaps(spool, std::move(gaps), stamp, next_seq); !done) return done;
  return spool.add_shed(report.readings - readings);
}

}  // namespace

std::uint64_t spool_bytes(const SpoolTotals& totals) {
  return held_bytes(totals) + totals.bytes_kept + totals.records_kept * kRowOverheadBytes;
}

std::uint64_t held_bytes(const SpoolTotals& totals) {
  std::uint64_t bytes = 0;
  for (const ClassTotals& held : totals.classes_held) {
    bytes += held.bytes + held.records * kRowOverheadBytes;
  }
  return bytes + bodies_bytes(totals);
}

std::uint64_t bodies_bytes(const SpoolTotals& totals) {
  return totals.bodies_held.bytes + totals.bodies_held.records * kRowOverheadBytes;
}

std::uint64_t bytes_for_newest(const ShedOptions& options) {
  const bool all = std::all_of(options.policies.begin(), options.policies.end(),
                               [](ShedPolicy each) { return each == ShedPolicy::kDropNewest; });
  return all ? options.bytes_max : options.bytes_max - options.bytes_max / kDisplacedShare;
}

ClassBytes class_bytes(const SpoolTotals& totals) {
  ClassBytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const ClassTotals& held = totals.classes_held[i];
    bytes[i] = static_cast<double>(held.bytes + held.records * kRowOverheadBytes);
  }
  return bytes;
}

ShedPolicy policy_of(const ShedOptions& options, std::size_t class_index) {
  return options.policies[class_index < options.policies.size() ? class_index : 0];
}

std::optional<std::size_t> class_to_shed(const ClassBytes& held, const ShedOptions& options) {
  std::optional<std::size_t> heaviest;
  for (std::size_t i = 0; i < held.size(); ++i) {
    if (policy_of(options, i) == ShedPolicy::kDropNewest || held[i] <= 0) continue;
    if (!heaviest || held[i] > held[*heaviest]) heaviest = i;
  }
  return heaviest;
}

Result<ShedReport> shed_for_space(Spool& spool, const ShedOptions& options, std::uint64_t bytes,
                                  const wire::Clock& stamp, std::uint64_t& next_seq) {
  ShedReport report;
  if (bytes > options.bytes_max) return Error{Errc::kFull, "more than the spool may hold"};
  const std::uint64_t extra = options.bytes_max / kExtraShare;
  auto evicted = spool.evict_kept(bytes + extra);
  if (!evicted) return evicted.error();
  const std::uint64_t goal = options.bytes_max - std::min(options.bytes_max, bytes + extra);
  while (spool_bytes(spool.totals()) + bytes > options.bytes_max) {
    const std::uint64_t before = next_seq;
    auto done =
        spool.transact([&] { return shed_down_to(spool, options, goal, stamp, next_seq, report); });
    if (done) continue;
    next_seq = before;
    return done.error();
  }
  return report;
}

Result<ShedReport> shed_by_age(Spool& spool, const ShedOptions& options, std::uint64_t age_ms,
                               std::size_t records_max, const wire::Clock& stamp,
                               std::uint64_t& next_seq) {
  ShedReport report;
  if (age_ms <= options.age_max_ms) return report;
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    std::vector<wire::Gap> gaps;
    Wanted wanted;
    wanted.accepted_before_ms = age_ms - options.age_max_ms;
    wanted.records = records_max;
    for (const RecordClass each : aging_classes()) {
      const auto victims = oldest(spool, each, wanted);
      if (!victims) return victims.error();
      if (victims->empty()) continue;
      auto shed = drop(spool, *victims, wire::GapCause::kAged, gaps, report);
      if (!shed) return shed;
    }
    if (report.names.empty()) return ok();
    if (auto told = insert_gaps(spool, std::move(gaps), stamp, next_seq); !told) return told;
    return spool.add_shed(report.readings);
  });
  if (done) return report;
  next_seq = before;
  return done.error();
}

}  // namespace fieldpost::agent

#include "agent/spool/gap_records.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

#include "agent/spool/spool_transaction.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

/// Gaps of one sort become one, so that what is known stays known: cause, whether sets are known,
/// whether times are.
using GapSort = std::tuple<wire::GapCause, bool, bool>;
using MergedGaps = std::map<GapSort, wire::Gap>;

bool has_span(const wire::Gap& gap) {
  return gap.first_time != 0 || gap.last_time != 0;
}

wire::Gap& merged_gap(MergedGaps& merged, const wire::Gap& like) {
  const auto [found, is_new] =
      merged.try_emplace({like.cause, like.sets_known, has_span(like)}, wire::Gap{});
  if (is_new) {
    found->second.cause = like.cause;
    found->second.sets_known = like.sets_known;
  }
  return found->second;
}

void merge_into(MergedGaps& merged, const SpoolRecord& record, const std::vector<wire::Gap>& gaps) {
  for (const wire::Gap& gap : gaps) {
    wire::Gap& into = merged_gap(merged, gap);
    into.names.insert(into.names.end(), gap.names.begin(), gap.names.end());
    into.fragments += gap.fragments;
    if (has_span(gap)) add_gap_span(into, gap.first_time, gap.last_time);
    for (const wire::Hash128& set : gap.sets) add_gap_set(into, set);
  }
  // The superseded record's own name is listed too, with no readings of its own.
  wire::Gap& own = merged_gap(merged, gaps.empty() ? wire::Gap{} : gaps.front());
  own.names.push_back({{record.name.incarnation, {record.name.seq, record.name.seq}}, 0, true});
}

std::vector<wire::Gap> gaps_of(MergedGaps merged) {
  std::vector<wire::Gap> out;
  for (auto& [sort, gap] : merged) {
    auto names = std::exchange(gap.names, {});
    std::sort(names.begin(), names.end(),
              [](const wire::GapNames& a, const wire::GapNames& b) { return a.names < b.names; });
    for (const wire::GapNames& each : names) add_gap_name(gap.names, each);
    out.push_back(std::move(gap));
  }
  return out;
}

}  // namespace

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

void add_gap_set(wire::Gap& gap, const wire::Hash128& set) {
  if (!gap.sets_known || std::find(gap.sets.begin(), gap.sets.end(), set) != gap.sets.end()) return;
  gap.sets.push_back(set);
  if (gap.sets.size() <= wire::kGapSetsMax) return;
  gap.sets.clear();
  gap.sets_known = false;
}

void add_gap_span(wire::Gap& gap, std::int64_t first_time, std::int64_t last_time) {
  const bool is_first = gap.first_time == 0 && gap.last_time == 0;
  gap.first_time = is_first ? first_time : std::min(gap.first_time, first_time);
  gap.last_time = is_first ? last_time : std::max(gap.last_time, last_time);
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
      gap.fragments = 0;  // the first piece tells of all
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

Result<bool> merge_gaps(Spool& spool, std::uint64_t reserve, const wire::Clock& stamp,
                        std::uint64_t& next_seq) {
  if (spool.totals().gap_bytes_held <= reserve) return false;
  const auto records = spool.load_held(RecordClass::kGap, RecordClass::kGap, 0,
                                       std::numeric_limits<std::size_t>::max());
  if (!records) return records.error();
  if (records->size() < 2) return false;
  MergedGaps merged;
  for (const SpoolRecord& record : *records) {
    const auto gaps = spool.gaps_of(record);
    if (!gaps) return gaps.error();
    merge_into(merged, record, *gaps);
  }
  const std::uint64_t before = next_seq;
  auto done = spool.transact([&]() -> Status {
    for (const SpoolRecord& record : *records) {
      const SpoolRow row{record.no,       true,      record.record_class, record.bytes,
                         record.readings, record.set};
      if (auto erased = spool.delete_record(row); !erased) return erased;
    }
    return insert_gaps(spool, gaps_of(std::move(merged)), stamp, next_seq);
  });
  if (done) return true;
  next_seq = before;
  return done.error();
}

}  // namespace fieldpost::agent

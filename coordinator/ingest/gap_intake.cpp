#include "coordinator/ingest/gap_intake.h"

#include <algorithm>
#include <map>

#include "proto/wire/seq_ranges.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Status;
using wire::SeqRange;
using wire::Verdict;

Status GapIntake::take(const IncarnationRow& carrier, std::uint64_t seq, const wire::Gap& gap,
                       rt::UnixTime now, std::vector<std::int64_t>& added) {
  std::vector<Part> parts;
  std::map<IncarnationNo, std::vector<SeqRange>> listed;
  // A merged gap may list a name twice: thinned once, and again. The larger number holds; an
  // unknown one before all.
  std::vector<wire::GapNames> ordered = gap.names;
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.known != b.known ? !a.known : a.each > b.each;
  });
  for (const wire::GapNames& names : ordered) {
    const auto incarnation = ledger_.find(names.names.incarnation);
    if (!incarnation) return incarnation.error();
    if (!*incarnation || (*incarnation)->node != carrier.node) continue;
    const auto open = ledger_.unsettled((*incarnation)->no, names.names.seqs);
    if (!open) return open.error();
    std::vector<SeqRange>& before = listed[(*incarnation)->no];
    const std::vector<SeqRange> fresh = wire::subtract(*open, before);
    before = wire::unite(before, fresh);
    std::optional<std::uint64_t> each;
    if (names.known) each = names.each;
    for (const SeqRange& range : fresh) {
      if ((*incarnation)->no == carrier.no && range.first <= seq && seq <= range.last) {
        continue;  // a gap cannot list the record that carries it
      }
      parts.push_back({**incarnation, range, each});
    }
    if (!each) continue;
    for (const SeqRange& range : wire::subtract({names.names.seqs}, *open)) {
      if (auto done = tell_again(**incarnation, range, *each, before, parts); !done) return done;
    }
  }
  // Fragments count as no readings. A gap that is told again settles nothing more.
  const bool shows = std::any_of(parts.begin(), parts.end(), [&gap](const Part& part) {
    return part.each != std::uint64_t{0} || (gap.fragments > 0 && part.settles);
  });
  std::int64_t row = 0;
  if (shows) {
    NewGap fresh{carrier.node,  gap.cause, false,         gap.first_time,
                 gap.last_time, gap.sets,  gap.sets_known};
    fresh.fragments = gap.fragments;
    const auto number = ledger_.add_gap(fresh, now);
    if (!number) return number.error();
    row = *number;
    added.push_back(row);
  }
  for (const Part& part : parts) {
    if (part.settles) {
      if (auto done = ledger_.leave_unconfirmed(part.incarnation.no, part.range); !done) {
        return done;
      }
      auto done = ledger_.settle(part.incarnation.no, part.range, Verdict::kGapped);
      if (done) done = ledger_.raise_known(part.incarnation, part.range.last);
      if (!done) return done;
    }
    if (!shows) continue;
    auto done = ledger_.add_gap_names(row, part.incarnation.no, part.range, part.each);
    if (!done) return done;
  }
  return ok();
}

Status GapIntake::tell_again(const IncarnationRow& incarnation, SeqRange range, std::uint64_t each,
                             std::vector<SeqRange>& listed, std::vector<Part>& parts) {
  // What is stored counts nothing. What is quarantined, or was, counts what the node says: the rest
  // lives on in a thinned record [commit-7]. What is gapped counts the most that was told: thinned
  // again, it lost more.
  if (auto done = quarantine_.note_told(incarnation.no, range, each); !done) return done;
  if (each == 0) return ok();
  const auto others = ledger_.not_stored(incarnation.no, range);
  if (!others) return others.error();
  for (const auto& [part, verdict] : *others) {
    if (verdict != Verdict::kGapped) continue;
    const auto unlisted = ledger_.raise_gap_names(incarnation.no, part, each);
    if (!unlisted) return unlisted.error();
    const std::vector<SeqRange> fresh = wire::subtract(*unlisted, listed);
    listed = wire::unite(listed, fresh);
    for (const SeqRange& names : fresh) {
      parts.push_back({incarnation, names, each, /*settles=*/false});
    }
  }
  return ok();
}

}  // namespace fieldpost::coordinator

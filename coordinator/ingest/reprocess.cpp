// The way out of quarantine: records that a newer coordinator understands, or that are given up.
#include "coordinator/ingest/ingest.h"

namespace fieldpost::coordinator {

using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kRowsPerStep = 64;

}  // namespace

Result<Reprocessed> Ingest::reprocess(const ReprocessOptions& options, rt::UnixTime now) {
  const auto rows = quarantine_.load(options.after, options.node, kRowsPerStep);
  if (!rows) return rows.error();
  auto out = reprocess_rows(*rows, options.give_up, now);
  if (!out) {
    forget_uncommitted();
    return out;
  }
  if (rows->size() == kRowsPerStep) out->more = rows->back().place;
  return out;
}

Result<Reprocessed> Ingest::reprocess_rows(const std::vector<QuarantinedRecord>& rows, bool give_up,
                                           rt::UnixTime now) {
  Reprocessed out;
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  for (const QuarantinedRecord& row : rows) {
    const auto stored = try_store(row, now, out);
    if (!stored) return stored.error();
    if (*stored) {
      out.stored += 1;
    } else if (!give_up) {
      out.left += 1;
    } else {
      const auto gap = quarantine_.give_up(row, wire::GapCause::kGivenUp, now);
      if (!gap) return gap.error();
      out.gaps[row.node].push_back(*gap);
      out.given_up += 1;
    }
  }
  if (auto done = transaction.commit(); !done) return done.error();
  return out;
}

Result<bool> Ingest::try_store(const QuarantinedRecord& row, rt::UnixTime now, Reprocessed& out) {
  const auto record = wire::decode_record(row.record);
  if (!record) return false;
  const auto incarnation = ledger_.row(row.place.incarnation);
  if (!incarnation) return incarnation.error();
  Settled settled;
  Status done = try_apply(*incarnation, row.place.seq, *record, now, settled);
  if (!done && is_content_fault(done.error())) return false;
  if (done && settled.waits) return false;
  if (settled.build) out.builds.push_back(*settled.build);
  if (done) done = quarantine_.release(row.place);
  // Taken already, unless the record could not be read at all then.
  for (const wire::Gap& gap : record->gaps) {
    if (done) done = gaps_.take(*incarnation, row.place.seq, gap, now, out.gaps[row.node]);
  }
  if (done) done = count_delivered(row.node, record->readings);
  if (!done) return done.error();
  return true;
}

}  // namespace fieldpost::coordinator

#include "agent/spool/kept_ranges.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "agent/spool/spool_transaction.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

struct Kept {
  std::int64_t no = 0;
  bool begins_range = true;
};

/// In order of their names, which is that of their age.
Result<std::vector<Kept>> kept_records(Spool& spool) {
  rt::Statement& rows = spool.database().prepare(
      "SELECT no, incarnation_no, seq FROM record INDEXED BY record_by_state WHERE state = 2"
      " ORDER BY incarnation_no, seq");
  std::vector<Kept> out;
  std::pair<std::int64_t, std::uint64_t> next;
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return out;
    const std::pair name(rows.i64(1), rows.u64(2));
    out.push_back({rows.i64(0), name != next});
    next = {name.first, name.second + 1};
  }
}

Status erase_kept(Spool& spool, std::int64_t no) {
  rt::Statement& get =
      spool.database().prepare("SELECT bytes, series_set FROM record WHERE no = ?1");
  get.bind(1, no);
  const auto row = get.step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kCorrupt, "an index of the spool names no record"};
  const SpoolRow kept{no,         false, RecordClass::kEvent,
                      get.u64(0), 0,     wire::Id128::from_bytes(get.blob(1))};
  get.reset();
  return spool.delete_record(kept);
}

}  // namespace

Result<bool> trim_kept(Spool& spool, std::size_t ranges_max, std::size_t records_max) {
  const auto kept = kept_records(spool);
  if (!kept) return kept.error();
  auto ranges = static_cast<std::size_t>(std::count_if(
      kept->begin(), kept->end(), [](const Kept& each) { return each.begins_range; }));
  std::size_t count = 0;
  for (; ranges > ranges_max; ++count) {
    const bool ends_range = count + 1 == kept->size() || (*kept)[count + 1].begins_range;
    ranges -= ends_range ? 1 : 0;
  }
  const std::size_t now = std::min(count, records_max);
  if (now == 0) return false;
  auto done = spool.transact([&]() -> Status {
    for (std::size_t i = 0; i < now; ++i) {
      if (auto erased = erase_kept(spool, (*kept)[i].no); !erased) return erased;
    }
    return ok();
  });
  if (!done) return done.error();
  return now < count;
}

}  // namespace fieldpost::agent

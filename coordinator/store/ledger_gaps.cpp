// The ledger's gaps: what is known to be lost, and what may be.
#include <algorithm>
#include <tuple>

#include "coordinator/store/ledger.h"
#include "proto/wire/seq_ranges.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Result;
using rt::Status;

namespace {

/// Of one gap; a node that says more is not counted on. Doubles, and so JSON, are exact up to it.
constexpr std::uint64_t kReadingsMax = 1ull << 53;

std::uint64_t readings_of(std::uint64_t each, const wire::SeqRange& names) {
  return each > kReadingsMax / names.count() ? kReadingsMax : each * names.count();
}

struct GapNameRow {
  std::int64_t gap = 0;
  wire::SeqRange range;
  std::optional<std::uint64_t> each;
};

}  // namespace

Result<std::int64_t> Ledger::add_gap(const NewGap& gap, rt::UnixTime now) {
  if (gap.unconfirmed) has_unconfirmed_ = true;
  return insert_gap(db_, gap, now);
}

Status Ledger::put_gap_names(std::int64_t gap, IncarnationNo incarnation, wire::SeqRange range,
                             std::optional<std::uint64_t> each) {
  rt::Statement& add = db_.prepare(
      "INSERT OR REPLACE INTO gap_name (incarnation_no, first, last, gap_no, each)"
      " VALUES (?1, ?2, ?3, ?4, ?5)");
  add.bind(1, incarnation).bind(2, range.first).bind(3, range.last).bind(4, gap);
  if (each) {
    add.bind(5, *each);
  } else {
    add.bind_null(5);
  }
  return add.run();
}

Status Ledger::add_gap_names(std::int64_t gap, IncarnationNo incarnation, wire::SeqRange range,
                             std::optional<std::uint64_t> each) {
  if (auto done = put_gap_names(gap, incarnation, range, each); !done) return done;
  rt::Statement& count = db_.prepare(
      "UPDATE gap SET readings = min(readings + ?1, ?4),"
      " readings_known = min(readings_known, ?2) WHERE no = ?3");
  count.bind(1, readings_of(each.value_or(0), range)).bind(2, each ? 1 : 0).bind(3, gap);
  count.bind(4, kReadingsMax);
  return count.run();
}

Result<std::vector<wire::SeqRange>> Ledger::raise_gap_names(IncarnationNo incarnation,
                                                            wire::SeqRange range,
                                                            std::uint64_t each) {
  std::vector<GapNameRow> touched;
  // The row that begins at or before the range may reach into it; then those inside.
  rt::Statement& rows = db_.prepare(
      "SELECT gap_no, first, last, each FROM gap_name WHERE incarnation_no = ?1 AND first <= ?3"
      " AND last >= ?2 AND first >= coalesce((SELECT max(first) FROM gap_name"
      " WHERE incarnation_no = ?1 AND first <= ?2), ?2) ORDER BY first");
  rows.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    GapNameRow found{rows.i64(0), {rows.u64(1), rows.u64(2)}, std::nullopt};
    if (!rows.is_null(3)) found.each = rows.u64(3);
    touched.push_back(found);
  }
  std::vector<wire::SeqRange> listed;
  for (const GapNameRow& row : touched) {
    const wire::SeqRange part{std::max(row.range.first, range.first),
                              std::min(row.range.last, range.last)};
    listed.push_back(part);
    if (!row.each || *row.each >= each) continue;
    if (row.range.first < part.first) {
      auto done = put_gap_names(row.gap, incarnation, {row.range.first, part.first - 1}, row.each);
      if (!done) return done.error();
    }
    if (auto done = put_gap_names(row.gap, incarnation, part, each); !done) return done.error();
    if (row.range.last > part.last) {
      auto done = put_gap_names(row.gap, incarnation, {part.last + 1, row.range.last}, row.each);
      if (!done) return done.error();
    }
    rt::Statement& count =
        db_.prepare("UPDATE gap SET readings = min(readings + ?1, ?3) WHERE no = ?2");
    count.bind(1, readings_of(each - *row.each, part)).bind(2, row.gap).bind(3, kReadingsMax);
    if (auto done = count.run(); !done) return done.error();
  }
  return wire::subtract({range}, listed);
}

Result<bool> Ledger::has_unconfirmed(IncarnationNo incarnation, wire::SeqRange range) {
  rt::Statement& get = db_.prepare(
      "SELECT 1 FROM gap_name n JOIN gap g ON g.no = n.gap_no WHERE n.incarnation_no = ?1"
      " AND n.first <= ?3 AND n.last >= ?2 AND g.state = 1 AND n.first >="
      " coalesce((SELECT max(first) FROM gap_name WHERE incarnation_no = ?1 AND first <= ?2), ?2)"
      " LIMIT 1");
  get.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  const auto row = get.step();
  if (!row) return row.error();
  get.reset();
  return *row;
}

Status Ledger::leave_unconfirmed(IncarnationNo incarnation, wire::SeqRange range) {
  if (!has_unconfirmed_) return ok();
  rt::Statement& any = db_.prepare("SELECT 1 FROM gap WHERE state = 1 LIMIT 1");
  const auto some = any.step();
  if (!some) return some.error();
  any.reset();
  if (!*some) {
    has_unconfirmed_ = false;
    return ok();
  }
  std::vector<GapNameRow> touched;
  rt::Statement& rows = db_.prepare(
      "SELECT n.gap_no, n.first, n.last FROM gap_name n JOIN gap g ON g.no = n.gap_no"
      " WHERE n.incarnation_no = ?1 AND n.first <= ?3 AND n.last >= ?2 AND g.state = 1"
      " AND n.first >= coalesce((SELECT max(first) FROM gap_name WHERE incarnation_no = ?1"
      " AND first <= ?2), ?2)");
  rows.bind(1, incarnation).bind(2, range.first).bind(3, range.last);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    touched.push_back({rows.i64(0), {rows.u64(1), rows.u64(2)}, std::nullopt});
  }
  for (const GapNameRow& row : touched) {
    rt::Statement& erase =
        db_.prepare("DELETE FROM gap_name WHERE incarnation_no = ?1 AND first = ?2");
    erase.bind(1, incarnation).bind(2, row.range.first);
    if (auto done = erase.run(); !done) return done;
    if (row.range.first < range.first) {
      auto done =
          add_gap_names(row.gap, incarnation, {row.range.first, range.first - 1}, std::nullopt);
      if (!done) return done;
    }
    if (row.range.last > range.last) {
      auto done =
          add_gap_names(row.gap, incarnation, {range.last + 1, row.range.last}, std::nullopt);
      if (!done) return done;
    }
    if (auto done = close_if_empty(row.gap); !done) return done;
  }
  return ok();
}

Status Ledger::close_if_empty(std::int64_t gap) {
  return execute(
      "UPDATE gap SET state = 3 WHERE no = ?1"
      " AND NOT EXISTS (SELECT 1 FROM gap_name WHERE gap_no = ?1)",
      gap);
}

Status Ledger::declare_unconfirmed(const Moment& now, rt::Nanos wait) {
  if (!now.synchronised) return ok();
  auto done = execute("UPDATE gap SET since_ns = ?1 WHERE state = 1 AND since_ns = ?2", now.now.ns,
                      kSinceNotKnown.ns);
  if (!done) return done;
  const auto due = list_unconfirmed("since_ns < ?1", (now.now + -wait).ns);
  return due ? declare(*due) : Status(due.error());
}

Status Ledger::declare_unconfirmed(NodeNo node) {
  const auto all = list_unconfirmed("node_no = ?1", node);
  return all ? declare(*all) : Status(all.error());
}

Result<std::vector<std::int64_t>> Ledger::list_unconfirmed(std::string_view where,
                                                           std::int64_t argument) {
  std::vector<std::int64_t> gaps;
  rt::Statement& rows =
      db_.prepare("SELECT no FROM gap WHERE state = 1 AND " + std::string(where) + " ORDER BY no");
  rows.bind(1, argument);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return gaps;
    gaps.push_back(rows.i64(0));
  }
}

Status Ledger::declare(const std::vector<std::int64_t>& gaps) {
  for (const std::int64_t gap : gaps) {
    if (auto done = settle_names_of(gap); !done) return done;
    if (auto done = execute("UPDATE gap SET state = 2 WHERE no = ?1", gap); !done) return done;
  }
  return ok();
}

Status Ledger::settle_names_of(std::int64_t gap) {
  std::vector<std::pair<IncarnationNo, wire::SeqRange>> names;
  rt::Statement& rows =
      db_.prepare("SELECT incarnation_no, first, last FROM gap_name WHERE gap_no = ?1");
  rows.bind(1, gap);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    names.emplace_back(rows.i64(0), wire::SeqRange{rows.u64(1), rows.u64(2)});
  }
  for (const auto& [incarnation, range] : names) {
    const auto open = unsettled(incarnation, range);
    if (!open) return open.error();
    for (const wire::SeqRange& part : *open) {
      if (auto done = settle(incarnation, part, wire::Verdict::kGapped); !done) return done;
    }
  }
  return ok();
}

}  // namespace fieldpost::coordinator

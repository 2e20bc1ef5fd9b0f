#include "tests/sim/store_rows.h"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "proto/wire/body.h"
#include "proto/wire/readings.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::sim {

namespace {

using Ranges = StoreRows::Ranges;
using ByNo = std::map<std::int64_t, wire::IncarnationId>;

const StoreRows::Range* find(const Ranges& ranges, const wire::Name& name) {
  const auto found = ranges.find(name.incarnation);
  if (found == ranges.end()) return nullptr;
  const auto covers = [&](const StoreRows::Range& each) {
    return each.first <= name.seq && name.seq <= each.last;
  };
  const auto range = std::find_if(found->second.begin(), found->second.end(), covers);
  return range == found->second.end() ? nullptr : &*range;
}

void each_row(rt::Database& db, std::string_view sql,
              const std::function<void(rt::Statement&)>& f) {
  rt::Statement& rows = db.prepare(sql);
  for (;;) {
    const auto row = rows.step();
    FP_CHECK(row.has_value());
    if (!*row) return;
    f(rows);
  }
}

/// Rows of incarnation, first, last and verdict.
void read_ranges(rt::Database& db, std::string_view sql, const ByNo& by_no, Ranges& out) {
  each_row(db, sql, [&](rt::Statement& row) {
    out[by_no.at(row.i64(0))].push_back(
        {row.u64(1), row.u64(2), static_cast<wire::Verdict>(row.i64(3))});
  });
}

void read_ledger(rt::Database& db, StoreRows& out) {
  ByNo by_no;
  each_row(db, "SELECT no, spool, value, known_high, ordinal FROM incarnation",
           [&](rt::Statement& row) {
             const wire::IncarnationId id{wire::Id128::from_bytes(row.blob(1)), row.u64(2)};
             by_no[row.i64(0)] = id;
             out.high[id] = row.u64(3);
             out.ordinal[id] = row.i64(4);
           });
  read_ranges(db, "SELECT incarnation_no, first, last, 0 FROM settled", by_no, out.settled);
  read_ranges(db, "SELECT incarnation_no, first, last, verdict FROM not_stored", by_no,
              out.not_stored);
  read_ranges(db,
              "SELECT n.incarnation_no, n.first, n.last, 0 FROM gap_name n"
              " JOIN gap g ON g.no = n.gap_no WHERE g.state = 1",
              by_no, out.unconfirmed);
}

void read_batches(rt::Database& db, StoreRows& out) {
  each_row(db,
           "SELECT b.payload, b.codec, b.raw_size, s.bytes FROM batch b JOIN series_set s ON"
           " s.no = b.set_no",
           [&](rt::Statement& row) {
             const auto set = wire::SeriesSet::decode(row.blob(3));
             const auto raw = wire::decompress(row.blob(0), static_cast<std::uint8_t>(row.i64(1)),
                                               static_cast<std::size_t>(row.u64(2)));
             FP_CHECK(set && raw);
             const auto columns = wire::decode_columns(*raw, set->types);
             FP_CHECK(columns.has_value());
             for (const wire::Column& column : columns->columns) {
               for (const std::uint64_t value : column.values) {
                 out.in_batches[number_of(column, value)] += 1;
               }
             }
           });
}

}  // namespace

std::int64_t number_of(std::string_view text) {
  const auto reference = wire::decode_body_reference(text);
  FP_CHECK(reference.has_value());
  return std::strtoll(reference->name.c_str(), nullptr, 10);
}

std::int64_t number_of(const wire::Column& column, std::uint64_t value) {
  return column.strings.empty() ? static_cast<std::int64_t>(value)
                                : number_of(column.strings.at(value));
}

bool StoreRows::is_settled(const wire::Name& name) const {
  return find(settled, name) != nullptr;
}

bool StoreRows::is_stored(const wire::Name& name) const {
  return is_settled(name) && find(not_stored, name) == nullptr;
}

bool StoreRows::is_unconfirmed(const wire::Name& name) const {
  return find(unconfirmed, name) != nullptr;
}

bool StoreRows::is_gapped(const wire::Name& name) const {
  const Range* const range = find(not_stored, name);
  return range == nullptr ? is_unconfirmed(name) : range->verdict == wire::Verdict::kGapped;
}

bool StoreRows::is_any_stored(const std::vector<wire::Name>& names) const {
  return std::any_of(names.begin(), names.end(),
                     [this](const wire::Name& name) { return is_stored(name); });
}

bool StoreRows::is_any_gapped(const std::vector<wire::Name>& names) const {
  return std::any_of(names.begin(), names.end(),
                     [this](const wire::Name& name) { return is_gapped(name); });
}

std::optional<StoreRows> read_store(rt::Database& db) {
  std::int64_t tables = 0;
  each_row(db, "SELECT count(*) FROM sqlite_master WHERE name IN ('incarnation', 'batch')",
           [&](rt::Statement& row) { tables = row.i64(0); });
  if (tables < 2) return std::nullopt;
  StoreRows out;
  read_ledger(db, out);
  read_batches(db, out);
  each_row(db, "SELECT count(*) FROM chunk",
           [&](rt::Statement& row) { out.compacted = row.i64(0) > 0; });
  return out;
}

}  // namespace fieldpost::sim

// What a run must leave behind, read from the store's file by plain SQL: written outside the
// product, so that a mistake there is not repeated here.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "coordinator/query/reading_query.h"
#include "proto/wire/readings_codec.h"
#include "tests/sim/sim_site.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kFaultsMax = 8;

struct Range {
  std::uint64_t first = 0, last = 0;
  int verdict = 0;
};

struct Settled {
  std::map<wire::IncarnationId, std::vector<Range>> settled, not_stored, unconfirmed;
  std::map<wire::IncarnationId, std::uint64_t> high;
  std::map<wire::IncarnationId, std::int64_t> ordinal;
};

bool covers(const std::vector<Range>& ranges, std::uint64_t seq) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Range& each) { return each.first <= seq && seq <= each.last; });
}

const std::vector<Range>& ranges_of(const std::map<wire::IncarnationId, std::vector<Range>>& map,
                                    const wire::IncarnationId& id) {
  static const std::vector<Range> kNone;
  const auto found = map.find(id);
  return found == map.end() ? kNone : found->second;
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

Settled read_ledger(rt::Database& db) {
  Settled out;
  std::map<std::int64_t, wire::IncarnationId> by_no;
  each_row(db, "SELECT no, spool, value, known_high, ordinal FROM incarnation",
           [&](rt::Statement& row) {
             const wire::IncarnationId id{wire::Id128::from_bytes(row.blob(1)), row.u64(2)};
             by_no[row.i64(0)] = id;
             out.high[id] = row.u64(3);
             out.ordinal[id] = row.i64(4);
           });
  each_row(db, "SELECT incarnation_no, first, last FROM settled", [&](rt::Statement& row) {
    out.settled[by_no.at(row.i64(0))].push_back({row.u64(1), row.u64(2), 0});
  });
  each_row(db, "SELECT incarnation_no, first, last, verdict FROM not_stored",
           [&](rt::Statement& row) {
             out.not_stored[by_no.at(row.i64(0))].push_back(
                 {row.u64(1), row.u64(2), static_cast<int>(row.i64(3))});
           });
  each_row(db,
           "SELECT n.incarnation_no, n.first, n.last FROM gap_name n JOIN gap g ON g.no = n.gap_no"
           " WHERE g.state = 1",
           [&](rt::Statement& row) {
             out.unconfirmed[by_no.at(row.i64(0))].push_back({row.u64(1), row.u64(2), 0});
           });
  return out;
}

/// How often each number is in the batches that have not been compacted.
std::map<std::int64_t, int> read_batches(rt::Database& db) {
  std::map<std::int64_t, int> out;
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
               for (const std::uint64_t value : column.values)
                 out[static_cast<std::int64_t>(value)] += 1;
             }
           });
  return out;
}

class Auditor {
 public:
  Auditor(SimSite& site, const Ledgerbook& book, const std::string& node, bool disk_lost)
      : site_(site), book_(book), node_(node), disk_lost_(disk_lost) {}

  StoreAudit run() {
    rt::DatabaseOptions options;
    options.vfs = site_.vfs().name();
    auto db = rt::Database::open(site_.path(), options);
    FP_CHECK(db.has_value());
    ledger_ = read_ledger(*db);
    numbers_ = read_batches(*db);
    each_row(*db, "SELECT count(*) FROM chunk",
             [&](rt::Statement& row) { compacted_ = row.i64(0) > 0; });
    check_every_name_settled();
    for (const auto& [number, entry] : book_.entries) {
      if (entry.node == node_) check_entry(number, entry);
    }
    check_winners();
    return std::move(audit_);
  }

 private:
  void fault(std::string text) {
    if (audit_.faults.size() < kFaultsMax) audit_.faults.push_back(std::move(text));
  }

  void check_every_name_settled() {
    for (const auto& [id, high] : ledger_.high) {
      for (std::uint64_t seq = 1; seq <= high; ++seq) {
        if (covers(ranges_of(ledger_.settled, id), seq)) continue;
        if (covers(ranges_of(ledger_.unconfirmed, id), seq)) continue;
        fault(fmt::format("never settled: {} of incarnation {:x}", seq, id.value));
        break;
      }
    }
  }

  [[nodiscard]] bool is_gapped(const wire::Name& name) const {
    for (const Range& each : ranges_of(ledger_.not_stored, name.incarnation)) {
      if (each.first <= name.seq && name.seq <= each.last) {
        return each.verdict == static_cast<int>(wire::Verdict::kGapped);
      }
    }
    return covers(ranges_of(ledger_.unconfirmed, name.incarnation), name.seq);
  }
  [[nodiscard]] bool is_stored_name(const wire::Name& name) const {
    return covers(ranges_of(ledger_.settled, name.incarnation), name.seq) &&
           !covers(ranges_of(ledger_.not_stored, name.incarnation), name.seq);
  }

  void check_entry(std::int64_t number, const Ledgerbook::Entry& entry) {
    const auto found = numbers_.find(number);
    const int count = found == numbers_.end() ? 0 : found->second;
    const bool any_gapped = std::any_of(entry.names.begin(), entry.names.end(),
                                        [&](const wire::Name& name) { return is_gapped(name); });
    const bool any_stored =
        std::any_of(entry.names.begin(), entry.names.end(),
                    [&](const wire::Name& name) { return is_stored_name(name); });
    const bool stored = compacted_ ? any_stored : count > 0;
    audit_.stored += stored ? 1 : 0;
    audit_.gapped += !stored && any_gapped ? 1 : 0;
    if (count > 1) fault(fmt::format("stored {} times: {}", count, number));
    const bool told =
        std::any_of(entry.names.begin(), entry.names.end(), [&](const wire::Name& name) {
          const auto high = ledger_.high.find(name.incarnation);
          return high != ledger_.high.end() && high->second >= name.seq;
        });
    const bool nobody_can_know = disk_lost_ && !told;
    if (entry.durable && entry.answered && !stored && !any_gapped && !nobody_can_know) {
      std::string names;
      for (const wire::Name& name : entry.names) {
        names += fmt::format(" {:x}:{}", name.incarnation.value, name.seq);
      }
      fault(fmt::format("lost in silence: {} (names{})", number, names));
    }
    if (stored && any_gapped && !any_stored) {
      fault(fmt::format("stored and counted lost: {}", number));
    }
  }

  void check_winners() {
    auto query = coordinator::ReadingQuery::open(site_.path(), site_.vfs().name());
    FP_CHECK(query.has_value());
    // Per series and time the stored reading with the highest rank; within a record the later
    // number.
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> expected;
    const auto rank = [&](std::int64_t number) {
      const Ledgerbook::Entry& entry = book_.entries.at(number);
      const wire::Name& first = entry.names.front();
      const auto ordinal = ledger_.ordinal.find(first.incarnation);
      return std::tuple(ordinal == ledger_.ordinal.end() ? 0 : ordinal->second, first.seq, number);
    };
    for (const auto& [number, entry] : book_.entries) {
      const bool stored =
          compacted_ ? std::any_of(entry.names.begin(), entry.names.end(),
                                   [&](const wire::Name& name) { return is_stored_name(name); })
                     : numbers_.contains(number);
      if (!stored || entry.names.empty() || entry.node != node_) continue;
      const auto [place, added] = expected.try_emplace({entry.series, entry.time}, number);
      if (!added && rank(number) > rank(place->second)) place->second = number;
    }
    std::map<std::string, coordinator::SeriesId> ids;
    const auto all = query->series({node_, "", "", {}}, 0, 10'000);
    FP_CHECK(all.has_value());
    for (const auto& each : *all) ids[each.key.text()] = each.id;
    std::size_t asked = 0;
    for (const auto& [series, id] : ids) {
      const auto readings = query->readings(id, {}, 100'000);
      FP_CHECK(readings.has_value());
      for (const coordinator::Reading& reading : *readings) {
        asked += 1;
        const auto want = expected.find({series, reading.time});
        const auto got = static_cast<std::int64_t>(reading.value);
        if (want == expected.end()) {
          fault(fmt::format("in the store, but in no record: {} at {}", series, reading.time));
        } else if (want->second != got) {
          const auto [got_ordinal, got_seq, got_number] = rank(got);
          const auto [ordinal, seq, number] = rank(want->second);
          fault(fmt::format(
              "wrong winner: {} at {}: {} of rank ({}, {}) in place of {} of ({}, {})", series,
              reading.time, got_number, got_ordinal, got_seq, number, ordinal, seq));
        }
      }
    }
    if (asked != expected.size()) {
      fault(fmt::format("{} readings answered, {} expected", asked, expected.size()));
    }
  }

  SimSite& site_;
  const Ledgerbook& book_;
  std::string node_;
  bool disk_lost_;
  Settled ledger_;
  std::map<std::int64_t, int> numbers_;
  bool compacted_ = false;
  StoreAudit audit_;
};

}  // namespace

StoreAudit audit(SimSite& site, const Ledgerbook& book, const std::string& node, bool disk_lost) {
  return Auditor(site, book, node, disk_lost).run();
}

}  // namespace fieldpost::sim

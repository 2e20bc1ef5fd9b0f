// What a run must leave behind, read from the store's file by plain SQL: written outside the
// product, so that a mistake there is not repeated here.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "coordinator/query/reading_query.h"
#include "tests/sim/sim_site.h"
#include "tests/sim/store_rows.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kFaultsMax = 8;

class Auditor {
 public:
  Auditor(SimSite& site, const Ledgerbook& book, const std::string& node, bool disk_lost)
      : site_(site), book_(book), node_(node), disk_lost_(disk_lost) {}

  StoreAudit run() {
    rt::DatabaseOptions options;
    options.vfs = site_.vfs().name();
    auto db = rt::Database::open(site_.path(), options);
    FP_CHECK(db.has_value());
    auto rows = read_store(*db);
    FP_CHECK(rows.has_value());
    rows_ = std::move(*rows);
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
    for (const auto& [id, high] : rows_.high) {
      for (std::uint64_t seq = 1; seq <= high; ++seq) {
        if (rows_.is_settled({id, seq}) || rows_.is_unconfirmed({id, seq})) continue;
        fault(fmt::format("never settled: {} of incarnation {:x}", seq, id.value));
        break;
      }
    }
  }

  [[nodiscard]] bool is_there(std::int64_t number, const Ledgerbook::Entry& entry) const {
    return rows_.compacted ? rows_.is_any_stored(entry.names) : rows_.in_batches.contains(number);
  }

  void check_entry(std::int64_t number, const Ledgerbook::Entry& entry) {
    const bool any_gapped = rows_.is_any_gapped(entry.names);
    const bool stored = is_there(number, entry);
    audit_.stored += stored ? 1 : 0;
    audit_.gapped += !stored && any_gapped ? 1 : 0;
    const bool told =
        std::any_of(entry.names.begin(), entry.names.end(), [&](const wire::Name& name) {
          const auto high = rows_.high.find(name.incarnation);
          return high != rows_.high.end() && high->second >= name.seq;
        });
    const bool nobody_can_know = disk_lost_ && !told;
    if (entry.durable && entry.answered && !stored && !any_gapped && !nobody_can_know) {
      std::string names;
      for (const wire::Name& name : entry.names) {
        names += fmt::format(" {:x}:{}", name.incarnation.value, name.seq);
      }
      fault(fmt::format("lost in silence: {} (names{})", number, names));
    }
    if (stored && !entry.names.empty() && !rows_.is_any_stored(entry.names)) {
      fault(fmt::format("stored, but no name of it is: {}", number));
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
      // Its first name; when no hello stated that incarnation, the name that it is stored under.
      wire::Name first = entry.names.front();
      for (const wire::Name& name : entry.names) {
        if (!rows_.ordinal.contains(first.incarnation) && rows_.is_stored(name)) first = name;
      }
      const auto ordinal = rows_.ordinal.find(first.incarnation);
      return std::tuple(ordinal == rows_.ordinal.end() ? 0 : ordinal->second, first.seq, number);
    };
    for (const auto& [number, entry] : book_.entries) {
      if (entry.names.empty() || entry.node != node_ || !is_there(number, entry)) continue;
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
        const std::int64_t got = reading.text.empty() ? static_cast<std::int64_t>(reading.value)
                                                      : number_of(reading.text);
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
  StoreRows rows_;
  StoreAudit audit_;
};

std::vector<std::string> faults_at_death(const StoreRows& rows, const Ledgerbook& book) {
  std::vector<std::string> faults;
  for (const auto& [number, count] : rows.in_batches) {
    const std::vector<wire::Name>& names = book.entries.at(number).names;
    if (rows.is_any_stored(names)) continue;
    faults.push_back(fmt::format("the process died: stored, but no name of it is: {}", number));
  }
  for (const auto& [name, numbers] : book.by_name) {
    if (rows.compacted || !rows.is_stored(name)) continue;
    for (const std::int64_t number : numbers) {
      if (rows.in_batches.contains(number)) continue;
      faults.push_back(
          fmt::format("the process died: settled as stored, but not there: {}", number));
    }
  }
  if (faults.size() > kFaultsMax) faults.resize(kFaultsMax);
  return faults;
}

}  // namespace

std::vector<std::string> audit_death(const SimDisk& disk, const std::string& path,
                                     const Ledgerbook& book) {
  SimDisk copy;
  copy.restore(disk.snapshot());
  const SimVfs vfs(copy, "dead store");
  rt::DatabaseOptions options;
  options.vfs = vfs.name();
  auto db = rt::Database::open(path, options);
  FP_CHECK(db.has_value());
  const auto rows = read_store(*db);
  return rows ? faults_at_death(*rows, book) : std::vector<std::string>{};
}

StoreAudit audit(SimSite& site, const Ledgerbook& book, const std::string& node, bool disk_lost) {
  return Auditor(site, book, node, disk_lost).run();
}

}  // namespace fieldpost::sim

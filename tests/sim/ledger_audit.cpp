// What the store's ledger must say after a run, read from its file by plain SQL.
#include "tests/sim/ledger_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "proto/wire/readings_codec.h"
#include "tests/sim/store_rows.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kFaultsMax = 8;

struct GapRange {
  std::uint64_t first = 0, last = 0;
  wire::GapCause cause = wire::GapCause::kUnknown;
};

struct GapRow {
  wire::GapCause cause = wire::GapCause::kUnknown;
  bool readings_known = false;
  std::uint64_t readings = 0;
  std::uint64_t readings_of_names = 0;  ///< as the book counts them
};

/// Whether a node that has its disk may lose readings in this way: it says so itself.
bool is_told_by_node(wire::GapCause cause) {
  switch (cause) {
    case wire::GapCause::kShed:
    case wire::GapCause::kAged:
    case wire::GapCause::kRefusedAtSource:
    case wire::GapCause::kDamaged:
    case wire::GapCause::kThinned: return true;
    case wire::GapCause::kUnknown:
    case wire::GapCause::kLostByNode:
    case wire::GapCause::kStoreRestored:
    case wire::GapCause::kLeftBehind:
    case wire::GapCause::kQuarantineFull:
    case wire::GapCause::kGivenUp: return false;
  }
  return false;
}

class LedgerAudit {
 public:
  LedgerAudit(rt::Database& db, const WireWatch& watch, const Ledgerbook& book,
              const LedgerTerms& terms, std::uint64_t shed)
      : db_(db), watch_(watch), book_(book), terms_(terms), shed_(shed) {}

  std::vector<std::string> run() {
    load();
    if (!terms_.disk_lost) check_names_mean_one_record();
    check_nobody_believed_others();
    if (!terms_.store_back) check_receipts_are_true();
    if (!terms_.disk_lost && !terms_.store_back) {
      check_nothing_is_left_behind();
      check_durable_losses_are_the_nodes_own();
      check_both_ends_count_alike();
      check_every_loss_is_counted();
    }
    if (terms_.idle) check_what_is_settled_folds();
    return std::move(faults_);
  }

 private:
  void fault(std::string text) {
    if (faults_.size() < kFaultsMax) faults_.push_back(std::move(text));
  }

  template <typename F>
  void each_row(std::string_view sql, F&& f) {
    rt::Statement& rows = db_.prepare(sql);
    for (;;) {
      const auto row = rows.step();
      FP_CHECK(row.has_value());
      if (!*row) return;
      f(rows);
    }
  }

  void load() {
    each_row("SELECT no, spool, value FROM incarnation", [&](rt::Statement& row) {
      by_no_[row.i64(0)] = {wire::Id128::from_bytes(row.blob(1)), row.u64(2)};
    });
    each_row("SELECT no, cause, readings_known, readings FROM gap", [&](rt::Statement& row) {
      gaps_[row.i64(0)] = {static_cast<wire::GapCause>(row.i64(1)), row.i64(2) != 0, row.u64(3), 0};
    });
    each_row("SELECT incarnation_no, first, last, gap_no FROM gap_name", [&](rt::Statement& row) {
      const wire::IncarnationId& id = by_no_.at(row.i64(0));
      GapRow& gap = gaps_.at(row.i64(3));
      gap_ranges_[id].push_back({row.u64(1), row.u64(2), gap.cause});
      gap.readings_of_names += readings_in({id, {row.u64(1), row.u64(2)}});
    });
    each_row("SELECT incarnation_no, first, last, verdict FROM not_stored",
             [&](rt::Statement& row) {
               for (std::uint64_t seq = row.u64(1); seq <= row.u64(2); ++seq) {
                 not_stored_[{by_no_.at(row.i64(0)), seq}] = static_cast<wire::Verdict>(row.i64(3));
               }
             });
    each_row("SELECT incarnation_no, first, last FROM settled", [&](rt::Statement& row) {
      for (std::uint64_t seq = row.u64(1); seq <= row.u64(2); ++seq) {
        settled_.insert({by_no_.at(row.i64(0)), seq});
      }
    });
  }

  [[nodiscard]] std::uint64_t readings_in(const wire::NameRange& range) const {
    std::uint64_t count = 0;
    const auto end = book_.by_name.upper_bound({range.incarnation, range.seqs.last});
    for (auto it = book_.by_name.lower_bound({range.incarnation, range.seqs.first}); it != end;
         ++it) {
      count += it->second.size();
    }
    return count;
  }

  [[nodiscard]] static std::string text(const wire::Name& name) {
    return fmt::format("{:x}:{}", name.incarnation.value, name.seq);
  }

  void check_names_mean_one_record() {
    for (const wire::Name& name : book_.clashes) {
      fault(fmt::format("two records of one name: {}", text(name)));
    }
  }

  [[nodiscard]] wire::Verdict verdict_of(const wire::Name& name) const {
    const auto other = not_stored_.find(name);
    if (other != not_stored_.end()) return other->second;
    return settled_.contains(name) ? wire::Verdict::kStored : wire::Verdict::kNone;
  }

  void check_nobody_believed_others() {
    for (const wire::Name& name : watch_.believed()) {
      fault(fmt::format("taken for delivered, but no coordinator said so: {}", text(name)));
    }
  }

  void check_receipts_are_true() {
    for (const wire::VerdictRange& each : watch_.receipted()) {
      if (each.verdict == wire::Verdict::kConflict) continue;
      for (std::uint64_t seq = each.names.seqs.first; seq <= each.names.seqs.last; ++seq) {
        const wire::Name name{each.names.incarnation, seq};
        const wire::Verdict is = verdict_of(name);
        if (is == each.verdict) continue;
        fault(fmt::format("receipted as {}, but {} in the store: {}",
                          static_cast<int>(each.verdict), static_cast<int>(is), text(name)));
      }
    }
  }

  void check_nothing_is_left_behind() {
    each_row("SELECT id FROM node WHERE run_twice = 1", [&](rt::Statement& row) {
      fault(fmt::format("{} is said to run twice, and does not", row.text(0)));
    });
    each_row("SELECT value FROM incarnation WHERE left_behind = 1", [&](rt::Statement& row) {
      fault(fmt::format("left behind, but no disk went back: incarnation {:x}", row.u64(0)));
    });
    for (const auto& [no, gap] : gaps_) {
      if (gap.cause == wire::GapCause::kLeftBehind) {
        fault(fmt::format("a gap of names left behind, but no disk went back: {}", no));
      }
    }
  }

  void check_durable_losses_are_the_nodes_own() {
    for (const auto& [number, entry] : book_.entries) {
      if (!entry.durable || !entry.answered) continue;
      for (const wire::Name& name : entry.names) {
        const auto ranges = gap_ranges_.find(name.incarnation);
        if (ranges == gap_ranges_.end()) continue;
        for (const GapRange& range : ranges->second) {
          if (range.first > name.seq || name.seq > range.last) continue;
          if (is_told_by_node(range.cause)) continue;
          fault(fmt::format("counted lost (cause {}), but the node had it on disk: {} ({})",
                            static_cast<int>(range.cause), number, text(name)));
        }
      }
    }
  }

  void check_both_ends_count_alike() {
    std::uint64_t counted = 0;
    for (const auto& [no, gap] : gaps_) {
      if (!is_told_by_node(gap.cause)) continue;
      // What could not be read in a damaged spool was never counted by anybody [back-5].
      if (gap.cause == wire::GapCause::kDamaged) continue;
      counted += gap.readings;
      if (!gap.readings_known) {
        fault(fmt::format("gap {}: the node knew how many readings it shed", no));
      } else if (!terms_.thins && gap.readings != gap.readings_of_names) {
        fault(fmt::format("gap {} tells of {} readings, its records held {}", no, gap.readings,
                          gap.readings_of_names));
      }
    }
    // What was shed while it was on its way, and arrived after all, counts at the node only.
    if (counted > shed_) {
      fault(fmt::format("the coordinator counts {} readings shed, the node {}", counted, shed_));
    }
  }

  /// From below: what the node shed and the store does not have is in the numbers of its gaps.
  void check_every_loss_is_counted() {
    const auto rows = read_store(db_);
    if (!rows || rows->compacted) return;  // then batches do not tell what is stored
    std::uint64_t lost = 0, counted = 0;
    for (const auto& [number, entry] : book_.entries) {
      if (!rows->in_batches.contains(number) && is_lost_as_told(entry)) lost += 1;
    }
    for (const auto& [no, gap] : gaps_) {
      const bool told = is_told_by_node(gap.cause) && gap.cause != wire::GapCause::kDamaged;
      if (told) counted += gap.readings;
    }
    if (counted < lost) {
      fault(fmt::format("{} readings were shed and are not stored, gaps count {}", lost, counted));
    }
  }

  /// Under a gap of its node, and under no other: then that one has its number.
  [[nodiscard]] bool is_lost_as_told(const Ledgerbook::Entry& entry) const {
    bool told = false;
    for (const wire::Name& name : entry.names) {
      const auto ranges = gap_ranges_.find(name.incarnation);
      if (ranges == gap_ranges_.end()) continue;
      for (const GapRange& range : ranges->second) {
        if (range.first > name.seq || name.seq > range.last) continue;
        if (!is_told_by_node(range.cause) || range.cause == wire::GapCause::kDamaged) return false;
        told = true;
      }
    }
    return told;
  }

  void check_what_is_settled_folds() {
    each_row(
        "SELECT i.value, count(*) FROM settled s JOIN incarnation i ON i.no = s.incarnation_no"
        " WHERE NOT EXISTS (SELECT 1 FROM gap_name n JOIN gap g ON g.no = n.gap_no WHERE"
        " n.incarnation_no = i.no AND g.state = 1) GROUP BY i.no HAVING count(*) > 1",
        [&](rt::Statement& row) {
          fault(fmt::format("incarnation {:x} does not fold: {} rows", row.u64(0), row.u64(1)));
        });
    if (terms_.disk_lost || terms_.store_back) return;
    each_row("SELECT count(*) FROM stored_hash", [&](rt::Statement& row) {
      if (row.u64(0) > 0) fault(fmt::format("{} hashes are kept for nobody", row.u64(0)));
    });
  }

  rt::Database& db_;
  const WireWatch& watch_;
  const Ledgerbook& book_;
  const LedgerTerms terms_;
  const std::uint64_t shed_;
  std::map<std::int64_t, wire::IncarnationId> by_no_;
  std::map<std::int64_t, GapRow> gaps_;
  std::map<wire::IncarnationId, std::vector<GapRange>> gap_ranges_;
  std::map<wire::Name, wire::Verdict> not_stored_;
  std::set<wire::Name> settled_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> audit_ledger(SimSite& site, const WireWatch& watch, const Ledgerbook& book,
                                      const LedgerTerms& terms, std::uint64_t shed) {
  rt::DatabaseOptions options;
  options.vfs = site.vfs().name();
  auto db = rt::Database::open(site.path(), options);
  FP_CHECK(db.has_value());
  return LedgerAudit(*db, watch, book, terms, shed).run();
}

}  // namespace fieldpost::sim

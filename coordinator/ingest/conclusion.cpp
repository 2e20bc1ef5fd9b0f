#include "coordinator/ingest/conclusion.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "coordinator/store/command_outcomes.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/site_counter.h"
#include "proto/wire/limits.h"
#include "proto/wire/seq_ranges.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;
using wire::SeqRange;
using wire::Verdict;

namespace {

constexpr std::int64_t kDayNs = 86'400'000'000'000;
constexpr std::size_t kBranchChangesMax = 3;  ///< within a day; the third proves it

}  // namespace

Result<std::vector<IncarnationRow>> Concluder::unlisted_ancestors(const Statement& statement) {
  std::set<wire::IncarnationId> listed;
  for (const auto& each : statement.incarnations) listed.insert(each.id);
  std::vector<IncarnationRow> out;
  std::set<IncarnationNo> seen;
  for (const auto& each : statement.incarnations) {
    if (each.parent.is_none() || listed.contains(each.parent)) continue;
    auto parent = ledger_.find(each.parent);
    if (!parent) return parent.error();
    // Up from every listed one whose parent is not listed, through listed ones too.
    std::optional<IncarnationRow> at = *parent;
    while (at && seen.insert(at->no).second) {
      if (!listed.contains(at->id)) out.push_back(*at);
      if (at->parent == 0) break;
      auto next = ledger_.row(at->parent);
      if (!next) return next.error();
      at = *next;
    }
  }
  return out;
}

Result<bool> Concluder::digest_agrees(const Statement& statement) {
  const auto ancestors = unlisted_ancestors(statement);
  if (!ancestors) return ancestors.error();
  wire::Hash128 digest;
  for (const IncarnationRow& row : *ancestors) {
    wire::IncarnationId parent;
    if (row.parent != 0) {
      const auto above = ledger_.row(row.parent);
      if (!above) return above.error();
      parent = above->id;
    }
    const wire::Hash128 part = wire::digest_of(row.id, parent, row.told_high);
    digest = {digest.hi ^ part.hi, digest.lo ^ part.lo};
  }
  return digest == statement.head.digest && ancestors->size() == statement.head.digest_count;
}

Result<std::vector<Concluder::Stated>> Concluder::enter_all(NodeNo node, const Statement& statement,
                                                            rt::UnixTime now,
                                                            Conclusion& conclusion) {
  std::vector<Stated> out;
  std::map<wire::IncarnationId, const wire::IncarnationStatement*> waiting;
  for (const auto& each : statement.incarnations) waiting.emplace(each.id, &each);
  // Parents first; the node lists oldest first, so one pass nearly always does.
  std::vector<const wire::IncarnationStatement*> order;
  for (const auto& each : statement.incarnations) {
    std::vector<const wire::IncarnationStatement*> path;
    const wire::IncarnationStatement* at = &each;
    while (at != nullptr && waiting.contains(at->id)) {
      waiting.erase(at->id);
      path.push_back(at);
      const auto parent = waiting.find(at->parent);
      at = parent == waiting.end() ? nullptr : parent->second;
    }
    order.insert(order.end(), path.rbegin(), path.rend());
  }
  for (const wire::IncarnationStatement* said : order) {
    auto found = ledger_.find(said->id);
    if (!found) return found.error();
    if (*found && (*found)->node != node) {
      return Error{Errc::kDenied, "the hello states an incarnation of another node"};
    }
    if (!*found) {
      IncarnationNo parent = 0;
      if (!said->parent.is_none()) {
        const auto above = ledger_.find(said->parent);
        if (!above) return above.error();
        if (*above) parent = (*above)->no;
      }
      conclusion.numbers_refused += said->ordinal > kToldNumberMax ? 1 : 0;
      auto entered = ledger_.enter(node, said->id, parent, said->ordinal, now);
      if (!entered) return entered.error();
      auto marked = mark_deletions(db_, node, {entered->ordinal, said->highest});
      if (!marked) return marked.error();
      *found = *entered;
    }
    out.push_back({**found, said});
  }
  return out;
}

Result<Conclusion> Concluder::conclude(const Statement& statement, const Moment& moment) {
  const rt::UnixTime now = moment.now;
  Conclusion out;
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  const auto fail = [&](const Error& error) {
    db_.rollback();
    ledger_.forget_uncommitted();
    return error;
  };
  const auto node_no = ledger_.node_no(statement.node, now);
  if (!node_no) return fail(node_no.error());
  const auto node = ledger_.node(*node_no);
  if (!node) return fail(node.error());
  const auto known = ledger_.knows_generation(statement.head.generation);
  if (!known) return fail(known.error());
  out.numbers_refused += statement.head.command_mark > kToldNumberMax ? 1 : 0;
  out.store_was_set_back = statement.head.generation != 0 && !*known;

  const wire::IncarnationStatement& live =
      *std::find_if(statement.incarnations.begin(), statement.incarnations.end(),
                    [](const auto& each) { return each.live; });
  const auto live_before = ledger_.find(live.id);
  if (!live_before) return fail(live_before.error());
  const bool live_left_behind = *live_before && (*live_before)->left_behind;
  bool known_before = false;
  for (const auto& each : statement.incarnations) {
    const auto row = ledger_.find(each.id);
    if (!row) return fail(row.error());
    known_before = known_before || row->has_value();
  }
  auto chain = enter_all(*node_no, statement, now, out);
  if (!chain) return fail(chain.error());
  const auto ancestors = unlisted_ancestors(statement);
  if (!ancestors) return fail(ancestors.error());
  for (const IncarnationRow& row : *ancestors) chain->push_back({row, nullptr});

  const auto welcome =
      follow_branch(*node, *chain, live.id, live_left_behind, known_before, moment, out);
  if (!welcome) return fail(welcome.error());
  if (*welcome) {
    if (auto done = note_hello(*node_no, now, out); !done) return fail(done.error());
    std::optional<std::int64_t> gap;
    const wire::GapCause cause =
        out.store_was_set_back ? wire::GapCause::kStoreRestored : wire::GapCause::kLostByNode;
    for (const Stated& stated : *chain) {
      if (auto done = settle_missing(stated, gap, *node_no, cause, now, out); !done) {
        return fail(done.error());
      }
      if (auto done = answer(stated, out); !done) return fail(done.error());
    }
  }
  if (auto done = transaction.commit(); !done) return fail(done.error());
  return out;
}

Status Concluder::note_hello(NodeNo node, rt::UnixTime now, Conclusion& out) {
  if (out.store_was_set_back) {
    if (auto done = set_back_.note(now); !done) return done;
  }
  const auto last = set_back_.note_hello(node, now);
  if (!last) return last.error();
  out.all_answered = *last;
  return ok();
}

Result<bool> Concluder::follow_branch(const NodeRow& node, const std::vector<Stated>& chain,
                                      const wire::IncarnationId& live, bool live_was_left_behind,
                                      bool known_before, const Moment& moment, Conclusion& out) {
  const auto refuse = [&]() -> Result<bool> {
    out.run_twice = true;
    auto done = ledger_.execute("UPDATE node SET run_twice = 1 WHERE no = ?1", node.no);
    if (!done) return done.error();
    return false;
  };
  if (node.run_twice || live_was_left_behind) return refuse();
  std::set<IncarnationNo> in_chain;
  IncarnationNo live_no = 0;
  for (const Stated& stated : chain) {
    in_chain.insert(stated.row.no);
    if (stated.row.id == live) live_no = stated.row.no;
  }
  const bool changed =
      node.current_incarnation != 0 && !in_chain.contains(node.current_incarnation);
  if (changed && known_before) {
    // A branch of what we knew (or a return to one): twice a day may be a restored disk.
    out.branch_changed = true;
    rt::Statement& get = db_.prepare("SELECT branch_changes FROM node WHERE no = ?1");
    get.bind(1, node.no);
    const auto row = get.step();
    if (!row) return row.error();
    auto times = nlohmann::json::parse(std::string(get.text(0)), nullptr, false);
    get.reset();
    nlohmann::json recent = nlohmann::json::array();
    for (const auto& time : times) {
      if (time.is_number_integer() && time.get<std::int64_t>() > moment.now.ns - kDayNs) {
        recent.push_back(time);
      }
    }
    recent.push_back(moment.now.ns);
    rt::Statement& set = db_.prepare("UPDATE node SET branch_changes = ?2 WHERE no = ?1");
    set.bind(1, node.no).bind_text(2, recent.dump());
    if (auto done = set.run(); !done) return done.error();
    if (recent.size() >= kBranchChangesMax) return refuse();
  }
  if (changed) {
    const auto all = ledger_.incarnations_of(node.no);
    if (!all) return all.error();
    std::optional<std::int64_t> gap;
    for (const IncarnationRow& row : *all) {
      if (in_chain.contains(row.no) || row.left_behind) continue;
      if (auto done = leave_behind(row, gap, node.no, moment, out); !done) return done.error();
    }
  }
  if (live_no == node.current_incarnation) return true;
  // Whether the process before acted on them nobody can say, and a spool that was set back has
  // forgotten it: sent again, they might be acted on twice [cmd-5].
  if (auto done = CommandOutcomes(db_).end_open(node.no); !done) return done.error();
  auto done =
      ledger_.execute("UPDATE node SET current_incarnation = ?2 WHERE no = ?1", node.no, live_no);
  if (!done) return done.error();
  return true;
}

Status Concluder::leave_behind(const IncarnationRow& row, std::optional<std::int64_t>& gap,
                               NodeNo node, const Moment& moment, Conclusion& out) {
  auto done = ledger_.execute("UPDATE incarnation SET left_behind = 1 WHERE no = ?1", row.no);
  if (!done) return done;
  ledger_.forget_uncommitted();
  if (row.known_high == 0) return ok();
  const auto open = ledger_.unsettled(row.no, {1, row.known_high});
  if (!open) return open.error();
  const rt::UnixTime since = moment.synchronised ? moment.now : kSinceNotKnown;
  for (const SeqRange& range : *open) {
    if (!gap) {
      const auto added =
          ledger_.add_gap({node, wire::GapCause::kLeftBehind, /*unconfirmed=*/true}, since);
      if (!added) return added.error();
      gap = *added;
      out.gaps.push_back(*added);
    }
    if (done = ledger_.add_gap_names(*gap, row.no, range, std::nullopt); !done) return done;
  }
  return ok();
}

Status Concluder::settle_missing(const Stated& stated, std::optional<std::int64_t>& gap,
                                 NodeNo node, wire::GapCause cause, rt::UnixTime now,
                                 Conclusion& out) {
  const IncarnationRow& row = stated.row;
  std::uint64_t high = row.known_high;
  std::vector<SeqRange> owed;
  if (stated.said != nullptr) {
    const wire::IncarnationStatement& said = *stated.said;
    if (auto done = ledger_.set_told(row, said.highest); !done) return done;
    high = std::max(high, said.highest);
    owed = wire::unite(said.held, said.kept);
    for (const SeqRange& range : said.held) {
      if (auto done = ledger_.leave_unconfirmed(row.no, range); !done) return done;
    }
    // What is neither held nor on its way needs no hash any more: the node's marks, said at once.
    std::uint64_t next = 1;
    for (const SeqRange& range : said.held) {
      if (range.first > next) {
        if (auto done = ledger_.drop_hashes(row.no, {next, range.first - 1}); !done) return done;
      }
      next = range.last + 1;
    }
    if (next <= high) {
      if (auto done = ledger_.drop_hashes(row.no, {next, high}); !done) return done;
    }
  }
  if (high == 0) return ok();
  if (stated.said == nullptr) {  // in the digest: it holds nothing
    if (auto done = ledger_.drop_hashes(row.no, {1, high}); !done) return done;
  }
  const auto open = ledger_.unsettled(row.no, {1, high});
  if (!open) return open.error();
  for (const SeqRange& range : wire::subtract(*open, owed)) {
    if (!gap) {
      const auto added = ledger_.add_gap({node, cause}, now);
      if (!added) return added.error();
      gap = *added;
      out.gaps.push_back(*added);
    }
    if (auto done = ledger_.leave_unconfirmed(row.no, range); !done) return done;
    if (auto done = ledger_.settle(row.no, range, Verdict::kGapped); !done) return done;
    if (auto done = ledger_.add_gap_names(*gap, row.no, range, std::nullopt); !done) return done;
    // Names of the live incarnation beyond what it says it gave out: it is a resumed image, and
    // must not give them out again [wel-7].
    if (stated.said != nullptr && stated.said->live && range.last > stated.said->highest) {
      const std::uint64_t first = std::max(range.first, stated.said->highest + 1);
      out.welcome.verdicts.push_back({{row.id, {first, range.last}}, Verdict::kConflict});
    }
  }
  return ok();
}

Status Concluder::answer(const Stated& stated, Conclusion& out) {
  if (stated.said == nullptr) return ok();
  const wire::IncarnationStatement& said = *stated.said;
  if (said.ordinal != stated.row.ordinal) {
    out.welcome.ordinals.push_back({stated.row.id, stated.row.ordinal});
  }
  for (const SeqRange& range : said.held) {
    const auto others = ledger_.not_stored(stated.row.no, range);
    if (!others) return others.error();
    for (const auto& [part, verdict] : *others) {
      if (verdict == Verdict::kQuarantined) continue;  // by hash, below
      if (out.welcome.verdicts.size() >= entries_max_) break;
      out.welcome.verdicts.push_back({{stated.row.id, part}, verdict});
    }
    const auto hashes = ledger_.hashes(stated.row.no, range);
    if (!hashes) return hashes.error();
    for (const auto& [seq, hash] : *hashes) {
      if (out.welcome.stored.size() >= entries_max_) break;
      out.welcome.stored.push_back({{stated.row.id, seq}, hash});
    }
  }
  for (const SeqRange& range : said.kept) {
    const auto open = ledger_.unsettled(stated.row.no, range);
    if (!open) return open.error();
    for (const SeqRange& part : *open) {
      out.more_missing = out.welcome.missing.size() >= entries_max_;
      if (out.more_missing) return ok();
      out.welcome.missing.push_back({stated.row.id, part});
    }
  }
  return ok();
}

Status Concluder::release(NodeNo node, rt::UnixTime now) {
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done;
  if (auto done = ledger_.declare_unconfirmed(node); !done) {
    ledger_.forget_uncommitted();
    return done.error();
  }
  static_cast<void>(now);
  auto done =
      ledger_.execute("UPDATE node SET run_twice = 0, branch_changes = '[]' WHERE no = ?1", node);
  if (done)
    done = ledger_.execute("UPDATE incarnation SET left_behind = 0 WHERE node_no = ?1", node);
  if (done) done = transaction.commit();
  if (!done) db_.rollback();
  ledger_.forget_uncommitted();
  return done;
}

}  // namespace fieldpost::coordinator

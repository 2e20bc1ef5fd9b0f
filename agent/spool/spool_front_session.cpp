// A session as the spool sees it: the statement, and what the welcome says of it.
#include <algorithm>
#include <utility>

#include "agent/spool/kept_ranges.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

void SpoolFront::take_statement(std::function<void(rt::Result<Statement>)> done) {
  auto more = std::make_shared<bool>(false);
  with_spool(
      [more](Spool& spool) -> Status {
        const auto trimmed = trim_kept(spool, kKeptRangesMax, kTrimRecordsMax);
        if (!trimmed) return trimmed.error();
        *more = *trimmed;
        return ok();
      },
      [this, more, done = std::move(done)](Status status) mutable {
        if (!status) log_.error("bounding what is kept: {}", status.error().message);
        if (*more) return take_statement(std::move(done));
        read_statement(std::move(done));
      });
}

void SpoolFront::read_statement(std::function<void(rt::Result<Statement>)> done) {
  auto statement = std::make_shared<rt::Result<Statement>>(Statement{});
  flush_settled();
  hello_open_ = true;
  auto highest = std::make_shared<std::uint64_t>(0);
  lend_names(
      [spool = spool_, statement, highest](std::uint64_t& next_seq) -> Status {
        *highest = next_seq - 1;
        *statement = spool->statement();
        return *statement ? ok() : Status(statement->error());
      },
      [this, statement, highest, done = std::move(done)](Status) {
        if (*statement) merge_memory(**statement, *highest);
        done(std::move(*statement));
      });
}

void SpoolFront::for_each_waiting(const std::function<void(const Encoded&)>& visit) const {
  for (const Encoded& encoded : due_) visit(encoded);
  if (writing_ == nullptr) return;
  for (const Encoded& encoded : writing_->batch) visit(encoded);
}

/// `highest`: seq handed out when the statement was taken. What a later job hands out is not in it.
void SpoolFront::merge_memory(Statement& statement, std::uint64_t highest) const {
  const auto hold = [&](const wire::NameRange& range) {
    for (auto it = statement.rbegin(); it != statement.rend(); ++it) {
      if (it->id == range.incarnation) {
        it->held.push_back(range.seqs);
        return;
      }
    }
  };
  for (const auto& [name, held] : memory_) hold({name.incarnation, {name.seq, name.seq}});
  for (const wire::GapNames& owed : owed_gap_) hold(owed.names);
  for_each_waiting([&](const Encoded& encoded) {
    for (const SpoolRecord& record : encoded.records) {
      for (const wire::GapNames& owed : record.covers) hold(owed.names);
      if (encoded.named) hold({record.name.incarnation, {record.name.seq, record.name.seq}});
    }
  });
  for (wire::IncarnationStatement& each : statement) {
    if (each.live) each.highest = std::max(each.highest, highest);
    std::sort(each.held.begin(), each.held.end());
    std::vector<wire::SeqRange> joined;
    for (const wire::SeqRange& range : each.held) {
      if (!joined.empty() && range.first <= joined.back().last + 1) {
        joined.back().last = std::max(joined.back().last, range.last);
      } else {
        joined.push_back(range);
      }
    }
    each.held = std::move(joined);
  }
}

void SpoolFront::apply_welcome(const wire::Welcome& welcome, const Pin& pin,
                               std::function<void(rt::Result<WelcomeOutcome>)> done) {
  auto outcome = std::make_shared<WelcomeOutcome>();
  auto verdicts = std::make_shared<std::vector<wire::VerdictRange>>(welcome.verdicts);
  auto on_disk = std::make_shared<std::vector<wire::StoredHash>>();
  std::vector<wire::VerdictRange> in_memory = welcome.verdicts;
  for (const wire::StoredHash& stored : welcome.stored) {
    const auto found = memory_.find(stored.name);
    if (found == memory_.end() || found->second.being_written) {
      on_disk->push_back(stored);
    } else if (found->second.record.hash != stored.hash) {
      outcome->conflicts.push_back(stored.name);
    } else {
      in_memory.push_back(
          {{stored.name.incarnation, {stored.name.seq, stored.name.seq}}, wire::Verdict::kStored});
    }
  }
  std::vector<wire::NameRange> marked;
  for (const wire::VerdictRange& range : in_memory) {
    if (range.verdict != wire::Verdict::kConflict) {
      drop_from_memory(range.names, marked);
      continue;
    }
    outcome->renew = true;
    for (const auto& [name, held] : memory_) {
      if (range.names.contains(name) && !held.being_written) outcome->conflicts.push_back(name);
    }
  }
  lend_names(
      [spool = spool_, verdicts, on_disk, outcome, pin, ordinals = welcome.ordinals,
       missing = welcome.missing](std::uint64_t& next_seq) -> Status {
        if (auto set = spool->set_ordinals(ordinals); !set) return set;
        if (auto set = spool->set_pin(pin); !set) return set;
        for (const wire::StoredHash& stored : *on_disk) {
          const auto same = spool->has_hash(stored.name, stored.hash);
          if (!same) return same.error();
          if (!*same) continue;  // not on disk (shed meanwhile)
          if (**same) {
            verdicts->push_back({{stored.name.incarnation, {stored.name.seq, stored.name.seq}},
                                 wire::Verdict::kStored});
          } else {
            outcome->conflicts.push_back(stored.name);
          }
        }
        if (auto found = spool->held_conflicts(*verdicts, outcome->conflicts); !found) return found;
        if (auto settled = spool->settle(*verdicts, next_seq); !settled) return settled;
        if (missing.empty()) return ok();
        const auto gone = spool->hold_again(missing);
        if (!gone) return gone.error();
        outcome->gone = *gone;
        return ok();
      },
      [this, outcome, pin, done = std::move(done)](Status status) {
        if (!status) {
          done(status.error());
          return;
        }
        pin_ = pin;
        done(std::move(*outcome));
      });
}

void SpoolFront::rename(std::vector<wire::Name> names) {
  auto on_disk = std::make_shared<std::vector<wire::Name>>();
  auto in_memory = std::make_shared<std::vector<SpoolRecord>>();
  for (const wire::Name& name : names) {
    const auto found = memory_.find(name);
    if (found != memory_.end() && !found->second.being_written) {
      in_memory->push_back(found->second.record);
    } else {
      on_disk->push_back(name);
    }
  }
  lend_names(
      [spool = spool_, on_disk, in_memory, random = &random_](std::uint64_t& next_seq) {
        return spool->rename(*on_disk, *in_memory, *random, next_seq);
      },
      [this, in_memory, count = names.size()](Status status) {
        if (!status) {
          log_.error("renaming {} records: {}", count, status.error().message);
          return;
        }
        for (const SpoolRecord& record : *in_memory) forget(record.name);
        if (sink_ != nullptr) sink_->on_statement_outdated("records were renamed after a conflict");
      });
}

}  // namespace fieldpost::agent

// The front's other half: what the coordinator's answers do to memory and disk, and what the tick
// does for age and space.
#include <algorithm>
#include <limits>
#include <utility>

#include "agent/spool/kept_ranges.h"
#include "agent/spool/spool_check.h"
#include "agent/spool/spool_front.h"
#include "proto/wire/hash.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

namespace {

constexpr rt::Nanos kTick = rt::Millis(500);
constexpr std::size_t kMemoryRecordsMax = 4096;  ///< sampled records, when nothing can be written
constexpr rt::Nanos kShedByAgeEvery = std::chrono::minutes(1);
constexpr std::size_t kShedByAgeRecords = 1024;  ///< in one transaction
constexpr rt::Nanos kScrubEvery = std::chrono::minutes(1);
constexpr std::size_t kScrubBytes = 1 << 20;    ///< read at a time: a gigabyte in a day
constexpr std::size_t kOwedGapNamesMax = 1024;  ///< ranges of one gap record

bool contains(const wire::NameRange& range, const wire::Name& name) {
  return range.incarnation == name.incarnation && range.seqs.first <= name.seq &&
         name.seq <= range.seqs.last;
}

}  // namespace

void SpoolFront::arm_tick() {
  tick_ = loop_.after(kTick, [this] {
    on_tick();
    arm_tick();
  });
}

void SpoolFront::on_tick() {
  flush_settled();
  write_due();
  scrub();
  look_at_oldest();
  merge_gaps();
  shed_aged();
}

/// Thinned and renamed records are older than their place tells, so this looks at all rows: not at
/// each tick.
void SpoolFront::shed_aged() {
  if (names_lent_ > 0 || age_ms() <= options_.shed.age_max_ms || totals_.records_held == 0) return;
  if (loop_.now() - aged_at_ < kShedByAgeEvery) return;
  aged_at_ = loop_.now();
  auto report = std::make_shared<ShedReport>();
  lend_names(
      [spool = spool_, options = options_.shed, age = age_ms(), stamp = clock_now(loop_, clock_),
       report](std::uint64_t& next_seq) -> Status {
        auto shed = shed_by_age(*spool, options, age, kShedByAgeRecords, stamp, next_seq);
        if (!shed) return shed.error();
        *report = std::move(*shed);
        return ok();
      },
      [this, report](Status status) {
        if (!status) log_.error("shedding by age: {}", status.error().message);
        if (report->names.size() >= kShedByAgeRecords) aged_at_ = {};  // there may be more
        if (report->readings > 0) {
          log_.warning("{} readings passed the age bound and were shed, a gap tells of them",
                       report->readings);
        }
      });
}

void SpoolFront::merge_gaps() {
  const std::uint64_t held = totals_.gap_bytes_held;
  if (held <= options_.shed.gap_reserve) gaps_merge_above_ = options_.shed.gap_reserve;
  if (names_lent_ > 0 || held <= gaps_merge_above_) return;
  lend_names(
      [spool = spool_, options = options_.shed,
       stamp = clock_now(loop_, clock_)](std::uint64_t& next_seq) {
        const auto merged = agent::merge_gaps(*spool, options, stamp, next_seq);
        return merged ? ok() : Status(merged.error());
      },
      [this](Status status) {
        if (!status) log_.error("merging gaps: {}", status.error().message);
        // What cannot be told in fewer bytes is not merged again and again.
        gaps_merge_above_ = 2 * totals_.gap_bytes_held;
      });
}

void SpoolFront::look_at_oldest() {
  if (totals_.records_held == 0) {
    oldest_.reset();
    oldest_readings_.reset();
    return;
  }
  using Looked = std::pair<std::optional<OldestHeld>, std::optional<OldestHeld>>;
  auto looked = std::make_shared<Looked>();
  with_spool(
      [looked](Spool& spool) -> Status {
        const auto others = spool.oldest_held(RecordClass::kGap, RecordClass::kLog);
        const auto readings = spool.oldest_held(RecordClass::kReadings, kLastRecordClass);
        if (!others || !readings) return others ? readings.error() : others.error();
        *looked = {*others, *readings};
        return ok();
      },
      [this, looked](Status status) {
        if (!status) return;  // the next look, or whoever needs the file, tells
        oldest_readings_ = looked->second;
        oldest_ = looked->first;
        if (!oldest_ || (oldest_readings_ && oldest_readings_->age_ms < oldest_->age_ms)) {
          oldest_ = oldest_readings_;
        }
      });
}

std::uint64_t SpoolFront::oldest_age_ms() const {
  std::uint64_t oldest = 0;
  if (oldest_ && totals_.records_held > 0) {
    const std::uint64_t age = age_ms();
    oldest = age - std::min(age, oldest_->age_ms);
  }
  for (const auto& [name, held] : memory_) {
    const auto waited = std::chrono::duration_cast<rt::Millis>(loop_.now() - held.since).count();
    oldest = std::max(oldest, static_cast<std::uint64_t>(waited));
  }
  return oldest;
}

std::optional<Forecast> SpoolFront::forecast() {
  inflow_.update(loop_.now());
  return agent::forecast(totals_, oldest_readings_, age_ms(), inflow_.bytes_per_second(),
                         options_.shed);
}

void SpoolFront::scrub() {
  if (loop_.now() - scrubbed_at_ < kScrubEvery) return;
  scrubbed_at_ = loop_.now();
  auto reached = std::make_shared<std::int64_t>(0);
  with_spool(
      [reached, after = scrubbed_to_](Spool& spool) -> Status {
        const auto last = check_records(spool.database(), after, kScrubBytes);
        if (!last) return last.error();
        *reached = *last;
        return ok();
      },
      [this, reached](Status status) {
        if (status) scrubbed_to_ = *reached;
      });
}

void SpoolFront::remember(const SpoolRecord& record) {
  if (!memory_.try_emplace(record.name, InMemory{record, loop_.now(), false}).second) return;
  memory_readings_ += record.readings;
  memory_bytes_ += record.body->size();
  accepted_ += record.readings;
}

SpoolFront::Memory::iterator SpoolFront::forget(Memory::iterator held) {
  memory_readings_ -= held->second.record.readings;
  memory_bytes_ -= held->second.record.body->size();
  return memory_.erase(held);
}

void SpoolFront::forget(const wire::Name& name) {
  if (const auto held = memory_.find(name); held != memory_.end()) forget(held);
}

void SpoolFront::bound_memory() {
  while (ready_bytes_ > options_.ready_bytes_max) {
    for (const SpoolRecord& record : ready_.front().records) {
      ready_bytes_ -= record.body->size() + kRowOverheadBytes;
    }
    unnamed_lost_ += ready_.front().readings();
    memory_shed_ += ready_.front().readings();
    ready_.pop_front();
  }
  while (memory_.size() > kMemoryRecordsMax || memory_bytes_ > options_.memory_bytes_max) {
    const auto oldest = std::find_if(memory_.begin(), memory_.end(),
                                     [](const auto& each) { return !each.second.being_written; });
    if (oldest == memory_.end()) return;
    const SpoolRecord& record = oldest->second.record;
    add_gap_name(
        owed_gap_,
        {{record.name.incarnation, {record.name.seq, record.name.seq}}, record.readings, true});
    memory_shed_ += record.readings;
    forget(oldest);
  }
}

/// Readings that went before there was a name for them get one that only a gap has.
void SpoolFront::name_losses() {
  if (unnamed_lost_ == 0) return;
  std::vector<SpoolRecord> lost(1);
  if (!try_name(lost)) return;
  const auto count = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(unnamed_lost_, std::numeric_limits<std::uint32_t>::max()));
  const wire::Name& name = lost.front().name;
  add_gap_name(owed_gap_, {{name.incarnation, {name.seq, name.seq}}, count, true});
  accepted_ += count;
  unnamed_lost_ -= count;
}

void SpoolFront::add_owed_gap() {
  if (owed_gap_.empty()) return;
  wire::Gap gap;
  gap.cause = wire::GapCause::kShed;
  const std::size_t count = std::min(owed_gap_.size(), kOwedGapNamesMax);
  const auto cut = owed_gap_.begin() + static_cast<std::ptrdiff_t>(count);
  gap.names.assign(owed_gap_.begin(), cut);
  owed_gap_.erase(owed_gap_.begin(), cut);
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEmpty);
  record.stamp = clock_now(loop_, clock_);
  record.gaps.push_back(std::move(gap));
  Encoded encoded;
  encoded.records.push_back(make_spool_record(record, RecordClass::kGap));
  encoded.durable = true;
  for (const wire::GapNames& each : encoded.records.front().covers) {
    encoded.shed += each.each * each.names.seqs.count();
  }
  due_.push_back(std::move(encoded));
}

rt::Status SpoolFront::save_memory() {
  if (auto done = spool_->settle(settled_, *next_seq_); !done) return done;
  std::vector<SpoolRecord> records;
  std::uint64_t bytes = 0;
  for (const auto& [name, held] : memory_) {
    // The worker's last write may have put it there without our hearing of it.
    const auto on_disk = spool_->find_row(name);
    if (!on_disk) return on_disk.error();
    if (*on_disk) continue;
    bytes += held.record.body->size() + kRowOverheadBytes;
    records.push_back(held.record);
  }
  if (spool_bytes(spool_->totals()) + bytes > options_.shed.bytes_max) {
    auto shed = shed_for_space(*spool_, options_.shed, bytes, clock_now(loop_, clock_), *next_seq_);
    if (!shed) return shed.error();
  }
  std::uint64_t shed = 0;
  if (auto done = name_and_add_gaps(records, shed); !done) return done;
  if (records.empty()) return ok();
  return spool_->append(records, age_ms(), {}, shed, accepted_);
}

rt::Status SpoolFront::name_and_add_gaps(std::vector<SpoolRecord>& records, std::uint64_t& shed) {
  add_owed_gap();
  std::vector<Encoded> gaps;
  for_each_waiting([&](const Encoded& each) {
    if (each.records.front().record_class == RecordClass::kGap) gaps.push_back(each);
  });
  for (Encoded& each : gaps) {
    SpoolRecord& gap = each.records.front();
    if (each.named) {
      const auto on_disk = spool_->find_row(gap.name);
      if (!on_disk) return on_disk.error();
      if (*on_disk) continue;
    } else if (*next_seq_ <= spool_->live().lease) {
      gap.name = {spool_->live().id, (*next_seq_)++};
    } else {
      continue;  // the next hello of this node does not state what it lists: counted unknown
    }
    shed += each.shed;
    records.push_back(gap);
  }
  return ok();
}

void SpoolFront::for_each_in_memory(const std::function<void(const SpoolRecord&)>& visit) const {
  for (const auto& [name, held] : memory_) visit(held.record);
}

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
  hello_open_ = true;
  flush_settled();
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

void SpoolFront::drop_from_memory(const wire::NameRange& range,
                                  std::vector<wire::NameRange>& marked) {
  auto it = memory_.lower_bound({range.incarnation, range.seqs.first});
  while (it != memory_.end() && contains(range, it->first)) {
    if (it->second.being_written) {
      ++it;  // it will be on disk: settled there, after the write
      continue;
    }
    marked.push_back({it->first.incarnation, {it->first.seq, it->first.seq}});
    it = forget(it);
  }
}

void SpoolFront::settle(const std::vector<wire::VerdictRange>& verdicts) {
  std::vector<wire::NameRange> marked;
  for (const wire::VerdictRange& range : verdicts) {
    const std::size_t before = marked.size();
    drop_from_memory(range.names, marked);
    if (marked.size() - before == range.names.seqs.count()) continue;  // none of it is on disk
    settled_.push_back(range);
  }
  if (!marked.empty() && sink_ != nullptr) sink_->on_marked(marked);
}

void SpoolFront::flush_settled() {
  if (settled_.empty() || names_lent_ > 0) return;
  auto verdicts = std::make_shared<std::vector<wire::VerdictRange>>(std::exchange(settled_, {}));
  lend_names([spool = spool_,
              verdicts](std::uint64_t& next_seq) { return spool->settle(*verdicts, next_seq); },
             [this, verdicts](Status status) {
               if (!status) {
                 // Marked later, or told again at the next hello: nothing is lost by waiting.
                 log_.error("marking records delivered: {}", status.error().message);
                 settled_.insert(settled_.begin(), verdicts->begin(), verdicts->end());
                 return;
               }
               std::vector<wire::NameRange> marked;
               for (const wire::VerdictRange& range : *verdicts) marked.push_back(range.names);
               if (sink_ != nullptr) sink_->on_marked(marked);
             });
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
      if (contains(range.names, name) && !held.being_written) outcome->conflicts.push_back(name);
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

void SpoolFront::load_held(RecordClass from, RecordClass to, std::int64_t after,
                           std::size_t bytes_max, Loaded done) {
  flush_settled();
  auto loaded = std::make_shared<rt::Result<std::vector<SpoolRecord>>>(std::vector<SpoolRecord>{});
  with_spool(
      [loaded, from, to, after, bytes_max](Spool& spool) -> Status {
        *loaded = spool.load_held(from, to, after, bytes_max);
        return *loaded ? ok() : Status(loaded->error());
      },
      [this, loaded, done = std::move(done)](Status) {
        if (*loaded) declare_damaged_among(**loaded);
        done(std::move(*loaded));
      });
}

void SpoolFront::load_names(std::vector<wire::Name> names, Loaded done) {
  auto loaded = std::make_shared<rt::Result<std::vector<SpoolRecord>>>(std::vector<SpoolRecord>{});
  with_spool(
      [loaded, names = std::move(names)](Spool& spool) -> Status {
        std::vector<SpoolRecord> records;
        for (const wire::Name& name : names) {
          auto record = spool.load(name);
          if (!record) continue;  // gone or damaged: what is missing is the caller's answer
          if (!record->set.is_zero()) {
            auto definition = spool.load_definition(record->set);
            if (!definition) continue;
            record->definition = std::make_shared<const std::string>(std::move(*definition));
          }
          records.push_back(std::move(*record));
        }
        *loaded = std::move(records);
        return ok();
      },
      [loaded, done = std::move(done)](Status) { done(std::move(*loaded)); });
}

void SpoolFront::declare_damaged_among(std::vector<SpoolRecord>& records) {
  for (const SpoolRecord& record : records) {
    if (record.damaged) declare_damaged(record);
  }
  std::erase_if(records, [](const SpoolRecord& record) { return record.damaged; });
}

void SpoolFront::declare_damaged(const SpoolRecord& record) {
  auto gap = std::make_shared<wire::Gap>();
  gap->cause = wire::GapCause::kDamaged;
  gap->names.push_back(
      {{record.name.incarnation, {record.name.seq, record.name.seq}}, record.readings, true});
  gap->first_time = record.first_time;
  gap->last_time = record.last_time;
  forget(record.name);
  lend_names(
      [spool = spool_, gap, name = record.name,
       stamp = clock_now(loop_, clock_)](std::uint64_t& next_seq) {
        return replace_by_gap(*spool, name, std::move(*gap), stamp, next_seq);
      },
      [this](Status status) {
        if (!status) log_.error("declaring a damaged record: {}", status.error().message);
        if (sink_ != nullptr) sink_->on_statement_outdated("a damaged record was declared");
      });
}

void SpoolFront::set_pin(const Pin& pin) {
  pin_ = pin;
  with_spool([pin](Spool& spool) { return spool.set_pin(pin); },
             [this](Status status) {
               if (!status) log_.error("keeping the coordinator's key: {}", status.error().message);
             });
}

}  // namespace fieldpost::agent

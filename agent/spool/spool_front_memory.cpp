// Sampled records in memory: their bound, what is lost from it, and what a clean stop saves.
#include <algorithm>
#include <limits>
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

namespace {

constexpr std::size_t kMemoryRecordsMax = 4096;  ///< sampled records, when nothing can be written
constexpr std::size_t kOwedGapNamesMax = 1024;   ///< ranges of one gap record

}  // namespace

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

void SpoolFront::for_each_in_memory(const std::function<void(const SpoolRecord&)>& visit) const {
  for (const auto& [name, held] : memory_) visit(held.record);
}

void SpoolFront::bound_memory() {
  while (ready_bytes_ > options_.ready_bytes_max) {
    for (const SpoolRecord& record : ready_.front().records) {
      ready_bytes_ -= bytes_on_disk(record);
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
    bytes += bytes_on_disk(held.record);
    records.push_back(held.record);
  }
  if (spool_bytes(spool_->totals()) + bytes > options_.shed.bytes_max) {
    auto shed = shed_for_space(*spool_, options_.shed, bytes, clock_now(loop_, clock_), *next_seq_);
    if (!shed) return shed.error();
  }
  std::uint64_t shed = 0;
  if (auto done = name_and_add_gaps(records, shed); !done) return done;
  if (records.empty()) return ok();
  return spool_->append(records, age_ms(), {.shed = shed, .accepted = accepted_});
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

}  // namespace fieldpost::agent

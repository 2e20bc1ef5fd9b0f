// From what is due to the disk: room, the transaction, answers to producers.
#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/spool/gap_records.h"
#include "agent/spool/spool_front.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr std::uint64_t kSampledBytesPerWrite = 4 << 20;
constexpr std::uint64_t kSampledSharePerWrite = 8;  ///< and this part of the spool at most

}  // namespace

std::uint64_t SpoolFront::Writing::bytes(const Wanted& wanted) const {
  std::uint64_t bytes = 0;
  for (const SpoolRecord& record : sampled) {
    if (wanted(record)) bytes += bytes_on_disk(record);
  }
  for (const Encoded& encoded : batch) bytes += encoded.bytes(wanted);
  return bytes;
}

void SpoolFront::write_due() {
  if (writing_ || names_lent_ > 0) return;
  add_owed_gap();
  auto work = std::make_shared<Writing>();
  work->batch = std::exchange(due_, {});
  take_overdue(*work);
  if (work->empty()) return;
  writing_ = work;
  make_room(work);
}

void SpoolFront::take_overdue(Writing& work) {
  // Where nothing can be written, all of the memory is not tried again with each batch that comes.
  if (failed_logged_ && !std::exchange(retries_memory_, false)) return;
  const rt::Instant overdue = loop_.now() + -options_.spool_delay;
  const bool is_full = held_bytes(totals_) > bytes_for_newest(options_.shed);
  const std::uint64_t most =
      std::min(kSampledBytesPerWrite, options_.shed.bytes_max / kSampledSharePerWrite);
  std::uint64_t bytes = 0;
  for (auto& [name, held] : memory_) {
    if (held.being_written || held.since > overdue) continue;
    if (is_full && drops_newest(held.record)) continue;
    if (bytes >= most) return;  // the rest goes with the next write
    bytes += held.record.body->size();
    held.being_written = true;
    work.sampled.push_back(held.record);
  }
}

void SpoolFront::write(const std::shared_ptr<Writing>& work) {
  if (work->empty()) {  // all of it was refused; the tick tries again
    writing_.reset();
    bound_memory();
    return;
  }
  for (Encoded& encoded : work->batch) {
    if (encoded.named || try_name(encoded.records)) {
      encoded.named = true;
      continue;
    }
    // No lease yet, or a statement is being taken: pump() comes back to it.
    for (const SpoolRecord& record : work->sampled) release(record);
    std::move(due_.begin(), due_.end(), std::back_inserter(work->batch));
    due_ = std::move(work->batch);
    writing_.reset();
    return;
  }
  for (const Encoded& encoded : work->batch) {
    work->all.insert(work->all.end(), encoded.records.begin(), encoded.records.end());
    if (encoded.also) work->also.push_back(encoded.also);
    for (const Waiter& waiter : encoded.waiters) {
      if (!waiter.idempotency_key.empty())
        work->keys.push_back({waiter.idempotency_key, waiter.lines});
    }
  }
  work->all.insert(work->all.end(), work->sampled.begin(), work->sampled.end());
  std::uint64_t shed = 0, accepted = accepted_;
  for (const Encoded& encoded : work->batch) {
    shed += encoded.shed;
    accepted += encoded.readings();
  }
  with_spool(
      [work, shed, accepted, age = age_ms()](Spool& spool) {
        return spool.append(work->all, age, {work->keys, shed, accepted, work->also});
      },
      [this, work](const Status& status) { on_written(status, *work); });
}

/// Fragments find room or wait: no reading is shed for them.
bool SpoolFront::has_room_for_bodies(const Writing& work) const {
  const std::uint64_t fragments = work.bytes(is_fragment);
  const std::uint64_t most = options_.shed.bytes_max;
  return bodies_bytes(totals_) + fragments <= most / kBodiesShare &&
         held_bytes(totals_) + work.bytes(holds_readings) + fragments <= most;
}

/// Gaps and events have reserves of their own; only readings wait for room, or make it.
void SpoolFront::make_room(const std::shared_ptr<Writing>& work) {
  if (work->bytes(is_fragment) > 0 && !has_room_for_bodies(*work)) {
    refuse(*work, {Errc::kFull, "bodies hold as much of the spool as they may"}, is_fragment);
  }
  const Wanted newest = [this](const SpoolRecord& record) { return drops_newest(record); };
  const std::uint64_t line = bytes_for_newest(options_.shed);
  if (held_bytes(totals_) + work->bytes(holds_readings) > line && work->bytes(newest) > 0) {
    refuse(*work, {Errc::kFull, "the spool is full, and they may not displace others"}, newest);
  }
  const std::uint64_t bytes = work->bytes(is_bounded);
  if (spool_bytes(totals_) + bytes <= options_.shed.bytes_max) {
    write(work);
  } else {
    shed_for(work);
  }
}

bool SpoolFront::drops_newest(const SpoolRecord& record) const {
  const auto index = class_index(record.record_class);
  return index && policy_of(options_.shed, *index) == ShedPolicy::kDropNewest;
}

void SpoolFront::shed_for(const std::shared_ptr<Writing>& work) {
  auto report = std::make_shared<ShedReport>();
  auto evicted = std::make_shared<std::uint64_t>(0);
  lend_names(
      [spool = spool_, options = options_.shed, bytes = work->bytes(is_bounded),
       stamp = clock_now(loop_, clock_), report, evicted](std::uint64_t& next_seq) -> Status {
        const std::uint64_t kept = spool->totals().records_kept;
        auto shed = shed_for_space(*spool, options, bytes, stamp, next_seq);
        *evicted = kept - spool->totals().records_kept;
        if (!shed) return shed.error();
        *report = std::move(*shed);
        return ok();
      },
      [this, report, evicted, work](Status status) {
        if (report->readings > 0) {
          log_.warning("spool at its bound: {} readings in {} records shed, a gap tells of them",
                       report->readings, report->names.size());
        }
        if (status || status.error().code == Errc::kFull) {
          if (!status) refuse(*work, status.error(), holds_readings);
          write(work);
        } else {
          on_written(status, *work);
        }
        if (*evicted > 0 && hello_open_ && sink_ != nullptr) {
          sink_->on_statement_outdated("delivered records had to go while a hello was unanswered");
        }
      });
}

/// Takes what is refused out of the write: producers are told, sampled readings stay in memory.
void SpoolFront::refuse(Writing& work, const Error& error, const Wanted& refused) {
  if (!std::exchange(refused_logged_, true)) {
    log_.error("what comes is refused: {}; producers are told, sampled readings stay in memory",
               error.message);
  }
  const auto is_refused = [&](const Encoded& encoded) {
    return std::any_of(encoded.records.begin(), encoded.records.end(), refused);
  };
  const auto first = std::stable_partition(work.batch.begin(), work.batch.end(),
                                           [&](const Encoded& each) { return !is_refused(each); });
  std::vector<Encoded> out(std::make_move_iterator(first),
                           std::make_move_iterator(work.batch.end()));
  work.batch.erase(first, work.batch.end());
  for (const SpoolRecord& record : work.sampled) {
    if (refused(record)) release(record);
  }
  std::erase_if(work.sampled, refused);
  for (Encoded& encoded : out) finish(encoded, error);
}

void SpoolFront::release(const SpoolRecord& record) {
  if (const auto held = memory_.find(record.name); held != memory_.end()) {
    held->second.being_written = false;
  }
}

void SpoolFront::on_written(const Status& status, Writing& work) {
  writing_.reset();
  if (!status && !std::exchange(failed_logged_, true)) {
    log_.error("writing to the spool: {}; producers are told, sampled readings stay in memory",
               status.error().message);
  }
  if (status && std::exchange(failed_logged_, false)) log_.info("writing to the spool works again");
  if (held_bytes(totals_) < options_.shed.bytes_max / 2) refused_logged_ = false;
  for (const SpoolRecord& record : work.sampled) {
    release(record);
    if (!status) continue;
    forget(record.name);
    if (sink_ != nullptr) sink_->on_spooled(record.name);
  }
  for (Encoded& encoded : work.batch) finish(encoded, status);
  bound_memory();
  if (status) write_due();  // else the tick tries again
}

void SpoolFront::finish(Encoded& encoded, const Status& status) {
  if (status) {
    memory_shed_ -= encoded.shed;
    accepted_ += encoded.readings();
  }
  for (const SpoolRecord& record : encoded.records) {
    due_readings_ -= record.readings;
    if (status && sink_ != nullptr) sink_->on_record(record, true);
    // A name that was given out and holds nothing: a gap of no readings settles it.
    if (!status && encoded.named)
      add_gap_name(owed_gap_,
                   {{record.name.incarnation, {record.name.seq, record.name.seq}}, 0, true});
    if (!status && record.record_class == RecordClass::kGap) {
      for (const wire::GapNames& owed : record.covers) add_gap_name(owed_gap_, owed);
    }
  }
  answer(encoded, status);
}

void SpoolFront::answer(Encoded& encoded, const Status& status) {
  if (encoded.done) encoded.done(status);
  for (Waiter& waiter : encoded.waiters) {
    if (!waiter.idempotency_key.empty()) std::erase(keys_under_way_, waiter.idempotency_key);
    if (status) {
      waiter.done(Accepted{waiter.lines});
    } else {
      waiter.done(status.error());
    }
  }
  if (encoded.counts_as_batch) batcher_.on_durable_done();
}

}  // namespace fieldpost::agent

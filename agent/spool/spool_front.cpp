#include "agent/spool/spool_front.h"

#include <algorithm>
#include <utility>

#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

/// Readings of producers that wait, in the batcher, the encoder and before the disk.
constexpr std::size_t kWaitingReadingsMax = 1'000'000;
/// The lease is renewed while this many seqs are left.
constexpr std::uint64_t kLeaseLow = wire::kSeqLease / 4;
constexpr std::uint64_t kSampledBytesPerWrite = 4 << 20;
constexpr std::uint64_t kSampledSharePerWrite = 8;  ///< and this part of the spool at most

rt::Result<std::vector<SpoolRecord>> encode(wire::BatchEncoder& encoder,
                                            wire::ReadingsBatch batch) {
  auto encoded = encoder.encode(std::move(batch));
  if (!encoded) return encoded.error();
  std::vector<SpoolRecord> records;
  records.reserve(encoded->size());
  for (const wire::EncodedReadings& each : *encoded) {
    records.push_back(make_spool_record(each.record, readings_class(each.class_index)));
    records.back().definition = std::make_shared<const std::string>(each.set->encode());
  }
  return records;
}

bool is_event_record(const SpoolRecord& record) {
  return is_event(record.record_class);
}

bool is_reading(const SpoolRecord& record) {
  return is_readings(record.record_class);
}

template <typename Wanted>
std::uint64_t bytes_of(const std::vector<SpoolRecord>& records, const Wanted& wanted) {
  std::uint64_t bytes = 0;
  for (const SpoolRecord& record : records) {
    if (wanted(record)) bytes += record.body->size() + kRowOverheadBytes;
  }
  return bytes;
}

}  // namespace

std::uint64_t SpoolFront::Encoded::readings() const {
  std::uint64_t count = 0;
  for (const SpoolRecord& record : records) count += record.readings;
  return count;
}

std::uint64_t SpoolFront::Writing::bytes(const Wanted& wanted) const {
  std::uint64_t bytes = bytes_of(sampled, wanted);
  for (const Encoded& encoded : batch) bytes += bytes_of(encoded.records, wanted);
  return bytes;
}

SpoolFront::SpoolFront(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random,
                       rt::Worker& store, rt::Worker& encoder, rt::Log& log,
                       SpoolFrontOptions options, Spool spool)
    : loop_(loop),
      clock_(clock),
      random_(random),
      store_(store),
      encoder_worker_(encoder),
      log_(log),
      options_(std::move(options)),
      spool_(std::make_shared<Spool>(std::move(spool))),
      encoder_(std::make_shared<wire::BatchEncoder>(options_.encoder)),
      batcher_(loop, clock, options_.batch,
               [this](ClosedBatch batch) { on_closed(std::move(batch)); }),
      started_(loop.now()),
      inflow_(loop.now(), std::max(options_.batch.window, options_.spool_delay)),
      alive_(std::make_shared<bool>(true)) {
  age_base_ms_ = spool_->age_ms();
  copy_state(state_of(*spool_));
  pin_ = spool_->pin();
  accepted_ = totals_.accepted;
  set_linked(false);
  arm_tick();
}

SpoolFront::~SpoolFront() {
  *alive_ = false;
  loop_.cancel(tick_);
}

SpoolFront::State SpoolFront::state_of(const Spool& spool) {
  return {spool.live(), spool.id(), spool.totals()};
}

void SpoolFront::copy_state(const State& state) {
  live_ = state.live;
  spool_id_ = state.id;
  totals_ = state.totals;
}

std::uint64_t SpoolFront::age_ms() const {
  const auto running = std::chrono::duration_cast<rt::Millis>(loop_.now() - started_).count();
  return age_base_ms_ + static_cast<std::uint64_t>(running);
}

void SpoolFront::set_linked(bool linked) {
  hello_open_ = false;
  batcher_.set_window(linked ? options_.batch.window
                             : std::max(options_.batch.window, options_.spool_delay));
}

// ---- accepting ----

void SpoolFront::accept_sampled(wire::ParsedLines lines) {
  if (lines.readings == 0) return;
  batcher_.add_sampled(std::move(lines));
}

bool SpoolFront::is_busy() const {
  return needs_salvage_ ||
         batcher_.waiting_readings() + encoding_readings_ + due_readings_ > kWaitingReadingsMax;
}

void SpoolFront::accept_durable(wire::ParsedLines lines, DurableOptions options,
                                std::function<void(rt::Result<Accepted>)> done) {
  if (is_busy()) {
    done(Error{Errc::kBusy, "too many readings are waiting for the disk"});
    return;
  }
  if (lines.readings == 0) {
    done(Accepted{lines.lines_stored});
    return;
  }
  Waiter waiter{lines.lines_stored, options.idempotency_key, std::move(done)};
  if (waiter.idempotency_key.empty()) {
    batcher_.add_durable(std::move(lines), std::move(waiter));
    return;
  }
  const std::string key = waiter.idempotency_key;
  if (std::find(keys_under_way_.begin(), keys_under_way_.end(), key) != keys_under_way_.end()) {
    waiter.done(Error{Errc::kBusy, "a request with the same Idempotency-Key is being stored"});
    return;
  }
  keys_under_way_.push_back(key);
  auto found = std::make_shared<std::optional<std::size_t>>();
  auto held =
      std::make_shared<std::pair<wire::ParsedLines, Waiter>>(std::move(lines), std::move(waiter));
  with_spool(
      [key, found, age = age_ms()](Spool& spool) -> Status {
        auto known = spool.find_idempotency(key, age);
        if (!known) return known.error();
        *found = *known;
        return ok();
      },
      [this, key, found, held](Status status) {
        if (status && !*found) {
          batcher_.add_durable(std::move(held->first), std::move(held->second));
          return;
        }
        std::erase(keys_under_way_, key);
        if (!status) {
          held->second.done(status.error());
        } else {
          held->second.done(Accepted{**found});
        }
      });
}

void SpoolFront::append_record(wire::Record record, RecordClass record_class,
                               std::function<void(Status)> done, SpoolWork also) {
  Encoded encoded;
  encoded.records.push_back(make_spool_record(record, record_class));
  std::uint64_t bytes = totals_.event_bytes_held;
  const auto add = [&](const Encoded& each) { bytes += bytes_of(each.records, is_event_record); };
  for_each_waiting(add);
  add(encoded);
  if (bytes > options_.shed.event_reserve) {
    done(Error{Errc::kBusy, "as many events are held as the spool may hold"});
    return;
  }
  encoded.durable = true;
  encoded.done = std::move(done);
  encoded.also = std::move(also);
  on_encoded(std::move(encoded));
}

void SpoolFront::on_closed(ClosedBatch batch) {
  encoding_readings_ += batch.count;
  auto work = std::make_shared<ClosedBatch>(std::move(batch));
  auto made = std::make_shared<rt::Result<std::vector<SpoolRecord>>>(std::vector<SpoolRecord>{});
  encoder_worker_.run(
      [encoder = encoder_, work, made] { *made = encode(*encoder, std::move(work->readings)); },
      [this, alive = alive_, work, made] {
        if (!*alive) return;
        encoding_readings_ -= work->count;
        Encoded encoded;
        encoded.durable = work->durable;
        encoded.counts_as_batch = work->durable;
        encoded.waiters = std::move(work->waiters);
        if (!*made) {
          log_.error("{} readings not encoded, {} producers told: {}", work->count,
                     encoded.waiters.size(), made->error().message);
          answer(encoded, Status(made->error()));
          return;
        }
        encoded.records = std::move(**made);
        on_encoded(std::move(encoded));
      });
}

void SpoolFront::on_encoded(Encoded encoded) {
  for (const SpoolRecord& record : encoded.records) inflow_.add(record, encoded.durable);
  if (!encoded.durable) {
    ready_bytes_ += bytes_of(encoded.records, is_reading);
    ready_.push_back(std::move(encoded));
  } else {
    for (const SpoolRecord& record : encoded.records) due_readings_ += record.readings;
    due_.push_back(std::move(encoded));
  }
  pump();
}

// ---- naming ----

void SpoolFront::pump() {
  name_losses();
  while (!ready_.empty() && try_name(ready_.front().records)) {
    const Encoded encoded = std::move(ready_.front());
    ready_.pop_front();
    ready_bytes_ -= bytes_of(encoded.records, is_reading);
    for (const SpoolRecord& record : encoded.records) {
      remember(record);
      if (sink_ != nullptr) sink_->on_record(record, false);
    }
  }
  bound_memory();
  write_due();
}

bool SpoolFront::try_name(std::vector<SpoolRecord>& records) {
  if (names_lent_ > 0) return false;
  const std::uint64_t wanted = records.size();
  if (*next_seq_ + wanted + kLeaseLow > live_.lease) extend_lease();
  if (*next_seq_ + wanted > live_.lease) return false;
  for (SpoolRecord& record : records) record.name = {live_.id, (*next_seq_)++};
  return true;
}

void SpoolFront::extend_lease() {
  if (lease_under_way_) return;
  lease_under_way_ = true;
  with_spool([accepted = accepted_](Spool& spool) { return spool.extend_lease(accepted); },
             [this](Status status) {
               lease_under_way_ = false;
               if (!status) log_.error("leasing seqs: {}", status.error().message);
               if (status) pump();
             });
}

// ---- the store thread ----

void SpoolFront::run_job(std::function<Status()> job, std::function<void(Status)> done) {
  auto status = std::make_shared<Status>(ok());
  auto state = std::make_shared<State>();
  // Copied on the store's thread: the next job may be at work when the loop hears of this one.
  store_.run(
      [job = std::move(job), spool = spool_, status, state] {
        *status = job();
        *state = state_of(*spool);
      },
      [this, alive = alive_, done = std::move(done), status, state] {
        if (!*alive) return;
        copy_state(*state);
        if (!*status && status->error().code == Errc::kCorrupt) note_damage(status->error());
        done(*status);
      });
}

void SpoolFront::note_damage(const Error& error) {
  if (std::exchange(needs_salvage_, true)) return;
  log_.error("the spool is damaged and will be salvaged: {}", error.message);
  if (on_damaged_) on_damaged_();
}

void SpoolFront::with_spool(std::function<Status(Spool&)> work, std::function<void(Status)> done) {
  run_job([spool = spool_, work = std::move(work)] { return work(*spool); }, std::move(done));
}

void SpoolFront::lend_names(std::function<Status(std::uint64_t& next_seq)> job,
                            std::function<void(Status)> done) {
  // A job that may give out names must be the only one to do so, and starts from the newest count.
  names_lent_ += 1;
  run_job([next_seq = next_seq_, job = std::move(job)] { return job(*next_seq); },
          [this, done = std::move(done)](Status status) {
            names_lent_ -= 1;
            done(std::move(status));
            pump();
          });
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
        return spool.append(work->all, age, work->keys, shed, accepted, work->also);
      },
      [this, work](const Status& status) { on_written(status, *work); });
}

bool SpoolFront::drops_newest(const SpoolRecord& record) const {
  const auto index = class_index(record.record_class);
  return index && policy_of(options_.shed, *index) == ShedPolicy::kDropNewest;
}

/// Gaps and events have reserves of their own; only readings wait for room, or make it.
void SpoolFront::make_room(const std::shared_ptr<Writing>& work) {
  const Wanted newest = [this](const SpoolRecord& record) { return drops_newest(record); };
  const std::uint64_t line = bytes_for_newest(options_.shed);
  if (held_bytes(totals_) + work->bytes(is_reading) > line && work->bytes(newest) > 0) {
    refuse(*work, {Errc::kFull, "the spool is full, and they may not displace others"}, newest);
  }
  const std::uint64_t bytes = work->bytes(is_reading);
  if (spool_bytes(totals_) + bytes <= options_.shed.bytes_max) {
    write(work);
  } else {
    shed_for(work);
  }
}

void SpoolFront::shed_for(const std::shared_ptr<Writing>& work) {
  auto report = std::make_shared<ShedReport>();
  auto evicted = std::make_shared<std::uint64_t>(0);
  lend_names(
      [spool = spool_, options = options_.shed, bytes = work->bytes(is_reading),
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
          if (!status) refuse(*work, status.error(), is_reading);
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
    log_.error("readings are refused: {}; producers are told, sampled readings stay in memory",
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

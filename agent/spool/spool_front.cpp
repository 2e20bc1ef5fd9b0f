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

}  // namespace

std::uint64_t SpoolFront::Encoded::bytes(const Wanted& wanted) const {
  std::uint64_t bytes = 0;
  for (const SpoolRecord& record : records) {
    if (wanted(record)) bytes += bytes_on_disk(record);
  }
  return bytes;
}

std::uint64_t SpoolFront::Encoded::readings() const {
  std::uint64_t count = 0;
  for (const SpoolRecord& record : records) count += record.readings;
  return count;
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

bool SpoolFront::is_busy() const {
  return needs_salvage_ ||
         batcher_.waiting_readings() + encoding_readings_ + due_readings_ > kWaitingReadingsMax;
}

void SpoolFront::accept_sampled(wire::ParsedLines lines) {
  if (lines.readings == 0) return;
  batcher_.add_sampled(std::move(lines));
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
  const auto add = [&](const Encoded& each) { bytes += each.bytes(is_event_record); };
  for_each_waiting(add);
  add(encoded);
  // Logs leave room for what says how a job ends.
  const std::uint64_t reserve = options_.shed.event_reserve;
  if (bytes > (record_class == RecordClass::kLog ? reserve / 2 : reserve)) {
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
    ready_bytes_ += encoded.bytes(holds_readings);
    ready_.push_back(std::move(encoded));
  } else {
    for (const SpoolRecord& record : encoded.records) due_readings_ += record.readings;
    due_.push_back(std::move(encoded));
  }
  pump();
}

void SpoolFront::pump() {
  name_losses();
  while (!ready_.empty() && try_name(ready_.front().records)) {
    const Encoded encoded = std::move(ready_.front());
    ready_.pop_front();
    ready_bytes_ -= encoded.bytes(holds_readings);
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

void SpoolFront::set_pin(const Pin& pin) {
  pin_ = pin;
  with_spool([pin](Spool& spool) { return spool.set_pin(pin); },
             [this](Status status) {
               if (!status) log_.error("keeping the coordinator's key: {}", status.error().message);
             });
}

}  // namespace fieldpost::agent

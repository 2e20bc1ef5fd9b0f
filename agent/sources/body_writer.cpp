#include "agent/sources/body_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "proto/mapping/readings_builder.h"
#include "proto/wire/limits.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

/// Of a fragment's record beside its bytes: envelope of the tables, row. Rounded up.
constexpr std::uint64_t kFragmentOverhead = 1024;

std::uint64_t bytes_in_spool(std::uint64_t size) {
  return size + wire::fragment_count(size) * kFragmentOverhead;
}

Error no_room() {
  return {Errc::kFull, "bodies hold as much of the spool as they may"};
}

}  // namespace

BodyWriter::BodyWriter(rt::Loop& loop, const rt::WallClock& clock, Intake& intake)
    : loop_(loop), clock_(clock), intake_(intake), patient_(loop, intake) {
  intake_.load_body_place([this, alive = std::weak_ptr(alive_)](const auto& place) {
    // What cannot be read is begun anew, when it is offered.
    if (!alive.expired()) on_place(place ? *place : std::nullopt);
  });
}

BodyWriter::~BodyWriter() {
  for (const rt::TimerId timer : {timer_, room_timer_, begun_timer_}) loop_.cancel(timer);
}

void BodyWriter::on_place(const std::optional<BodyPlace>& place) {
  is_ready_ = true;
  begun_ = place;
  if (begun_) begun_timer_ = loop_.after(kBegunWaitMax, [this] { give_up_begun(); });
  begin_next();
}

void BodyWriter::give_up_begun() {
  begun_.reset();
  intake_.forget_body_place([](const Status&) {});  // else the next start waits again
  begin_next();
}

bool BodyWriter::is_begun(const BodyOffer& offer) const {
  return begun_ && offer.in_windows && offer.reference.hash == begun_->hash &&
         offer.reference.size == begun_->size;
}

void BodyWriter::accept(BodyOffer offer, std::function<void(Status)> done) {
  if (waits_for_room_ && !offer.in_windows) return done(no_room());
  if (waiting_.size() >= kBodiesMax && !is_begun(offer)) {
    return done(Error{Errc::kBusy, "too many bodies are waiting for the disk"});
  }
  auto work = std::make_shared<Work>();
  work->offer = std::move(offer);
  work->done = std::move(done);
  if (auto prepared = prepare(*work); !prepared) return work->done(prepared);
  waiting_.push_back(std::move(work));
  begin_next();
}

Status BodyWriter::find_room(std::uint64_t size) const {
  const BodyRoom room = intake_.body_room();
  const std::uint64_t bytes = bytes_in_spool(size);
  if (bytes > room.bytes_max) {
    return Error{Errc::kInvalid,
                 fmt::format("it has {} bytes, and the spool takes at most {} of a body", size,
                             room.bytes_max)};
  }
  return waits_for_room_ || bytes > room.bytes_free ? Status(no_room()) : ok();
}

Status BodyWriter::prepare(Work& work) const {
  const BodyOffer& offer = work.offer;
  if (auto checked = wire::check(offer.reference); !checked) return checked;
  mapping::ReadingsBuilder builder;
  auto text = mapping::DeviceValue::of(wire::encode(offer.reference));
  const bool added = offer.stamped ? builder.add_stamped(offer.series, offer.time, std::move(text))
                                   : builder.add(offer.series, offer.time.ns, std::move(text));
  if (!added) return Error{Errc::kInvalid, "no series has such a name"};
  work.reading = std::move(builder.lines());
  return ok();
}

void BodyWriter::begin_next() {
  while (is_ready_ && !work_ && !waiting_.empty()) {
    const auto next =
        begun_ ? std::ranges::find_if(waiting_, [&](const auto& w) { return is_begun(w->offer); })
               : waiting_.begin();
    if (next == waiting_.end()) return;
    work_ = std::move(*next);
    waiting_.erase(next);
    if (auto begun = begin(); !begun) {
      end(begun);
    } else {
      read_on();
    }
  }
}

Status BodyWriter::begin() {
  if (!work_->offer.in_windows) return find_room(work_->offer.reference.size);
  loop_.cancel(std::exchange(begun_timer_, rt::TimerId::kNone));
  if (begun_) work_->offset = begun_->offset;
  return ok();
}

void BodyWriter::read_on() {
  const std::uint64_t size = work_->offer.reference.size;
  if (work_->fragments.size() >= kFragmentsPerCommit || work_->offset >= size) return write();
  work_->offer.read(work_->offset, wire::fragment_size(size, work_->offset),
                    [this, alive = std::weak_ptr(alive_)](rt::Result<std::string> piece) {
                      if (!alive.expired()) on_piece(std::move(piece));
                    });
}

void BodyWriter::on_piece(rt::Result<std::string> piece) {
  if (!piece) return end(piece.error());
  if (piece->size() != wire::fragment_size(work_->offer.reference.size, work_->offset)) {
    return end(Error{Errc::kInvalid, "it changed while it was read"});
  }
  work_->fragments.push_back(record_of(*std::move(piece)));
  work_->offset += wire::kFragmentBytes;
  read_on();
}

wire::Record BodyWriter::record_of(std::string bytes) const {
  const BodyOffer& offer = work_->offer;
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kFragment);
  record.payload =
      wire::encode(wire::Fragment{offer.reference.hash, offer.reference.size, offer.reference.type,
                                  work_->offset, std::move(bytes)});
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  record.first_time = record.last_time = offer.time.ns;
  record.stamp = {clock_.now(), loop_.now(), clock_.boot_id(), clock_.synchronised()};
  return record;
}

void BodyWriter::write() {
  if (work_->offer.in_windows) return write_window();
  auto fragments = std::exchange(work_->fragments, {});
  intake_.accept_fragments(std::move(fragments),
                           [this, alive = std::weak_ptr(alive_)](const Status& status) {
                             if (alive.expired()) return;
                             if (!status) return end(status);
                             work_->offset >= work_->offer.reference.size ? tell(work_) : read_on();
                           });
}

/// They stay in memory until they are on disk: nobody gives them again.
void BodyWriter::write_window() {
  std::uint64_t bytes = 0;
  for (const wire::Record& each : work_->fragments)
    bytes += each.payload.size() + kFragmentOverhead;
  if (bytes > intake_.body_room().bytes_free) return wait_for_room();
  const wire::BodyReference& body = work_->offer.reference;
  std::optional<BodyPlace> place;
  if (work_->offset < body.size) place = {body.hash, body.size, work_->offset};
  intake_.accept_window(work_->fragments, place,
                        [this, place, alive = std::weak_ptr(alive_)](const Status& status) {
                          if (alive.expired()) return;
                          if (status) begun_ = place;
                          on_window(status);
                        });
}

void BodyWriter::on_window(const Status& status) {
  if (!status && (status.error().code == Errc::kFull || status.error().code == Errc::kBusy)) {
    return wait_for_room();
  }
  if (!status) return end(status);
  waits_for_room_ = false;
  work_->fragments.clear();
  begun_ ? read_on() : tell(work_);
}

/// Who could wait for long is told so.
void BodyWriter::wait_for_room() {
  waits_for_room_ = true;
  room_timer_ = loop_.after(kRoomEvery, [this] { write_window(); });
  std::deque<WorkPtr> refused;
  for (WorkPtr& each : std::exchange(waiting_, {})) {
    (each->offer.in_windows ? waiting_ : refused).push_back(std::move(each));
  }
  for (const WorkPtr& each : refused) each->done(no_room());
}

void BodyWriter::tell(const WorkPtr& work) {
  patient_.offer(work->reading, {work->offer.idempotency_key},
                 [this, work, alive = std::weak_ptr(alive_)](const rt::Result<Accepted>& result) {
                   if (!alive.expired()) on_told(work, result);
                 });
}

void BodyWriter::on_told(const WorkPtr& work, const rt::Result<Accepted>& result) {
  const bool is_full = !result && result.error().code == Errc::kFull;
  const bool waits = is_full && work->offer.patient && park(work);
  if (work == work_) work_.reset();
  if (!waits) work->done(result ? ok() : Status(result.error()));
  begin_next();
}

/// Whether there was a place for it.
bool BodyWriter::park(const WorkPtr& work) {
  if (parked_.size() >= kParkedMax) return false;
  parked_.push_back(work);
  if (timer_ == rt::TimerId::kNone) {
    timer_ = loop_.after(kTellAgain, [this] { tell_parked(); });
  }
  return true;
}

/// Those that find no room again park anew.
void BodyWriter::tell_parked() {
  timer_ = rt::TimerId::kNone;
  const std::vector<WorkPtr> parked = std::exchange(parked_, {});
  for (const WorkPtr& work : parked) tell(work);
}

void BodyWriter::end(const Status& status) {
  const WorkPtr work = std::exchange(work_, nullptr);
  if (work->offer.in_windows) {
    waits_for_room_ = false;
    if (std::exchange(begun_, std::nullopt)) intake_.forget_body_place([](const Status&) {});
  }
  work->done(status);
  begin_next();
}

}  // namespace fieldpost::agent

#include "agent/sources/body_writer.h"

#include <fmt/format.h>

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

}  // namespace

BodyWriter::BodyWriter(rt::Loop& loop, const rt::WallClock& clock, Intake& intake)
    : loop_(loop), clock_(clock), intake_(intake), patient_(loop, intake) {}

void BodyWriter::accept(BodyOffer offer, std::function<void(Status)> done) {
  if (waiting_.size() >= kBodiesMax) {
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
  if (bytes > room.bytes_free) {
    return Error{Errc::kFull, "bodies hold as much of the spool as they may"};
  }
  return ok();
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
  while (!work_ && !waiting_.empty()) {
    work_ = std::move(waiting_.front());
    waiting_.pop_front();
    if (auto room = find_room(work_->offer.reference.size); !room) {
      end(room);
    } else {
      read_on();
    }
  }
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
  auto fragments = std::exchange(work_->fragments, {});
  intake_.accept_fragments(std::move(fragments),
                           [this, alive = std::weak_ptr(alive_)](const Status& status) {
                             if (alive.expired()) return;
                             if (!status) return end(status);
                             work_->offset >= work_->offer.reference.size ? tell(work_) : read_on();
                           });
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
  work->done(status);
  begin_next();
}

}  // namespace fieldpost::agent

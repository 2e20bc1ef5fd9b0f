#include "agent/spool/batcher.h"

#include <utility>

namespace fieldpost::agent {

namespace {

/// Batches on their way through encoder and disk at a time: one encodes while one commits.
constexpr int kDurableUnderWayMax = 2;

}  // namespace

wire::Clock clock_now(const rt::Loop& loop, const rt::WallClock& clock) {
  return {clock.now(), loop.now(), clock.boot_id(), clock.synchronised()};
}

Batcher::Batcher(rt::Loop& loop, const rt::WallClock& clock, BatcherOptions options,
                 OnClosed on_closed)
    : loop_(loop), clock_(clock), options_(options), on_closed_(std::move(on_closed)) {
  for (const std::size_t slot : {kDurable, kDurableBoot}) open_[slot].batch.durable = true;
  for (const std::size_t slot : {kSampledBoot, kDurableBoot}) {
    open_[slot].batch.readings.boot_stamped = true;
  }
}

Batcher::~Batcher() {
  for (Open& open : open_) loop_.cancel(open.timer);
}

void Batcher::add_sampled(wire::ParsedLines lines) {
  const bool boot = lines.readings_stamped > 0 && !clock_.synchronised();
  add(boot ? kSampledBoot : kSampled, std::move(lines), std::nullopt);
}

void Batcher::add_durable(wire::ParsedLines lines, Waiter waiter) {
  const bool boot = lines.readings_stamped > 0 && !clock_.synchronised();
  add(boot ? kDurableBoot : kDurable, std::move(lines), std::move(waiter));
}

void Batcher::add(std::size_t slot, wire::ParsedLines lines, std::optional<Waiter> waiter) {
  Open& open = open_[slot];
  open.batch.count += lines.readings;
  open.string_bytes += lines.string_bytes;
  if (waiter) {
    waiting_readings_ += lines.readings;
    open.batch.waiters.push_back(std::move(*waiter));
  }
  open.batch.readings.pieces.push_back(std::move(lines));
  const bool full =
      open.batch.count >= options_.readings_max || open.string_bytes >= options_.string_bytes_max;
  if (full && (!open.batch.durable || durable_under_way_ < kDurableUnderWayMax)) {
    close(slot);
    return;
  }
  if (open.timer != rt::TimerId::kNone) return;
  const rt::Nanos delay = open.batch.durable ? options_.linger : options_.window;
  open.timer = loop_.after(delay, [this, slot] {
    open_[slot].timer = rt::TimerId::kNone;
    if (open_[slot].batch.durable) {
      try_close_durable(slot);
    } else {
      close(slot);
    }
  });
}

void Batcher::try_close_durable(std::size_t slot) {
  // Otherwise on_durable_done comes back to it.
  if (durable_under_way_ < kDurableUnderWayMax) close(slot);
}

void Batcher::close(std::size_t slot) {
  Open& open = open_[slot];
  loop_.cancel(std::exchange(open.timer, rt::TimerId::kNone));
  if (open.batch.readings.pieces.empty()) return;
  ClosedBatch closed = std::exchange(open.batch, {});
  open.batch.durable = closed.durable;
  open.batch.readings.boot_stamped = closed.readings.boot_stamped;
  open.string_bytes = 0;
  closed.readings.stamp = clock_now(loop_, clock_);
  if (closed.durable) {
    durable_under_way_ += 1;
    waiting_readings_ -= closed.count;
  }
  on_closed_(std::move(closed));
}

void Batcher::on_durable_done() {
  FP_CHECK(durable_under_way_ > 0);
  durable_under_way_ -= 1;
  for (const std::size_t slot : {kDurable, kDurableBoot}) {
    if (open_[slot].timer == rt::TimerId::kNone) try_close_durable(slot);
  }
}

void Batcher::flush() {
  for (std::size_t slot = 0; slot < std::size(open_); ++slot) close(slot);
}

}  // namespace fieldpost::agent

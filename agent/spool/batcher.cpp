#include "agent/spool/batcher.h"

#include <utility>

#include "proto/wire/stamped_lines.h"

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
  durable_.batch.durable = true;
}

Batcher::~Batcher() {
  loop_.cancel(sampled_.timer);
  loop_.cancel(durable_.timer);
}

void Batcher::set_window(rt::Nanos window) {
  const bool sooner = window < options_.window;
  options_.window = window;
  if (!sooner || sampled_.timer == rt::TimerId::kNone) return;
  loop_.cancel(sampled_.timer);
  sampled_.timer = loop_.after(window, [this] { on_timer(sampled_); });
}

void Batcher::add_sampled(wire::ParsedLines lines) {
  add(sampled_, std::move(lines), std::nullopt);
}

void Batcher::add_durable(wire::ParsedLines lines, Waiter waiter) {
  add(durable_, std::move(lines), std::move(waiter));
}

void Batcher::add(Open& open, wire::ParsedLines lines, std::optional<Waiter> waiter) {
  open.batch.count += lines.readings;
  open.string_bytes += lines.string_bytes;
  if (waiter) {
    waiting_readings_ += lines.readings;
    open.batch.waiters.push_back(std::move(*waiter));
  }
  gather(open.batch.readings, std::move(lines));
  const bool full =
      open.batch.count >= options_.readings_max || open.string_bytes >= options_.string_bytes_max;
  if (full && (!open.batch.durable || durable_under_way_ < kDurableUnderWayMax)) {
    close(open);
    return;
  }
  if (open.timer != rt::TimerId::kNone) return;
  const rt::Nanos delay = open.batch.durable ? options_.linger : options_.window;
  open.timer = loop_.after(delay, [this, &open] { on_timer(open); });
}

/// Readings with times of their own and readings that got theirs from a clock which nothing
/// confirms go into different records: correcting that clock must not move the former.
void Batcher::gather(wire::ReadingsBatch& into, wire::ParsedLines lines) const {
  if (lines.readings_stamped == 0 || clock_.synchronised()) {
    into.pieces.push_back(std::move(lines));
    return;
  }
  if (lines.readings_stamped == lines.readings) {
    into.boot_pieces.push_back(std::move(lines));
    return;
  }
  into.boot_pieces.push_back(wire::take_stamped(lines));
  into.pieces.push_back(std::move(lines));
}

void Batcher::on_timer(Open& open) {
  open.timer = rt::TimerId::kNone;
  // A durable batch that has to wait is closed by on_durable_done.
  if (!open.batch.durable || durable_under_way_ < kDurableUnderWayMax) close(open);
}

void Batcher::close(Open& open) {
  loop_.cancel(std::exchange(open.timer, rt::TimerId::kNone));
  if (open.batch.count == 0) return;
  ClosedBatch closed = std::exchange(open.batch, {});
  open.batch.durable = closed.durable;
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
  if (durable_.timer == rt::TimerId::kNone) close(durable_);
}

}  // namespace fieldpost::agent

#include "agent/uplink/link_window.h"

#include <algorithm>
#include <utility>

namespace fieldpost::agent {

namespace {

/// A rate is believed for one to two of these: the best of several is that of a busy link.
constexpr rt::Nanos kSpan = rt::Seconds(5);
/// Acknowledgements come in bursts: what seems faster is not measured.
constexpr rt::Nanos kElapsedLeast = rt::Millis(1);

double seconds(rt::Nanos span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

double LinkWindow::bytes_per_second() const {
  return std::max(best_, best_before_);
}

std::uint64_t LinkWindow::bytes() const {
  const double rate = bytes_per_second();
  if (rate == 0) return kFirstBytes;
  const rt::Nanos held = 2 * round_trip_.value_or(rt::Nanos(0)) + kQueueDelay;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rate * seconds(held)));
}

rt::Instant LinkWindow::on_the_link_since() const {
  return {std::max(sent_.begin()->second.at.since_boot, acked_at_.since_boot)};
}

std::uint64_t LinkWindow::remaining(rt::Instant now) const {
  if (sent_.empty()) return 0;
  const double carried = bytes_per_second() * seconds(now - on_the_link_since());
  const std::uint64_t first = sent_.begin()->second.bytes;
  if (carried >= static_cast<double>(first)) return unacked_ - first;
  return unacked_ - static_cast<std::uint64_t>(carried);
}

std::optional<rt::Nanos> LinkWindow::time_to_room(rt::Instant now) const {
  if (has_room(now)) return rt::Nanos(0);
  const std::uint64_t excess = unacked_ - bytes() + 1;
  const double rate = bytes_per_second();
  if (rate == 0 || excess > sent_.begin()->second.bytes) return std::nullopt;
  const auto wait = static_cast<std::int64_t>(static_cast<double>(excess) / rate * 1e9);
  return std::max(on_the_link_since() + rt::Nanos(wait) - now, rt::Nanos(1'000'000));
}

void LinkWindow::on_published(std::uint64_t token, std::uint64_t bytes, bool more_waits,
                              rt::Instant now) {
  const bool alone = unacked_ == 0;
  sent_[token] = {bytes, now, alone, more_waits, acked_, alone ? now : acked_at_};
  unacked_ += bytes;
}

void LinkWindow::on_puback(std::uint64_t token, rt::Instant now) {
  const auto found = sent_.find(token);
  if (found == sent_.end()) return;
  const Sent sent = found->second;
  sent_.erase(found);
  unacked_ -= sent.bytes;
  acked_ += sent.bytes;
  acked_at_ = now;
  if (sent.alone) {
    const rt::Nanos trip = now - sent.at;
    round_trip_ = std::min(round_trip_.value_or(trip), trip);
  }
  const rt::Nanos elapsed = std::max(now - sent.acked_before_at, kElapsedLeast);
  const auto carried = static_cast<double>(acked_ - sent.acked_before);
  note_rate(carried / seconds(elapsed), sent.more_waits, now);
}

/// Single messages say little: a shaper lets a burst pass faster than the link. They are a first
/// guess, until the link itself is measured.
void LinkWindow::note_rate(double rate, bool of_the_link, rt::Instant now) {
  if (!of_the_link) {
    if (!measured_) best_ = std::max(best_, rate);
    return;
  }
  if (!std::exchange(measured_, true)) best_ = 0;
  if (now - span_began_ >= kSpan) {
    best_before_ = std::exchange(best_, 0);
    span_began_ = now;
  }
  best_ = std::max(best_, rate);
}

}  // namespace fieldpost::agent

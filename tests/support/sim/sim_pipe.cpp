#include "tests/support/sim/sim_pipe.h"

#include <algorithm>
#include <utility>

namespace fieldpost::sim {

void SimPipe::send_control(Arrive arrive, std::size_t bytes) {
  in_order_.push_back(std::move(arrive));
  const rt::Nanos delay = dice_.between(faults_.delay_least, faults_.delay_most);
  rt::Nanos sent = world_.now();
  if (rate_ > 0) {
    const double taken = static_cast<double>(bytes) * 1e9 / static_cast<double>(rate_);
    busy_until_ = std::max(busy_until_, sent) + rt::Nanos(static_cast<std::int64_t>(taken));
    sent = busy_until_;
  }
  last_arrival_ = std::max(last_arrival_, sent + delay);
  events_due_ += 1;
  world_.schedule(last_arrival_ - world_.now(), [self = shared_from_this(), life = life_] {
    if (self->life_ == life) self->arrive_next();
  });
}

bool SimPipe::send_message(const Arrive& arrive, std::size_t bytes, const Arrive& swallowed) {
  counts_.sent += 1;
  if (dice_.chance(faults_.break_pct)) {
    counts_.broken += 1;
    if (dice_.chance(50)) arrive();
    return false;
  }
  if (dice_.chance(faults_.lose_pct)) {
    counts_.lost += 1;
    if (swallowed) send_control(swallowed, bytes);
    return true;
  }
  const bool twice = dice_.chance(faults_.duplicate_pct);
  counts_.duplicated += twice ? 1 : 0;
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy) {
    if (dice_.chance(faults_.reorder_pct)) {
      arrive_late(arrive);
    } else {
      send_control(arrive, bytes);
    }
  }
  return true;
}

void SimPipe::arrive_late(const Arrive& arrive) {
  counts_.reordered += 1;
  const rt::Nanos delay = dice_.between(rt::Nanos{1}, faults_.late_most);
  world_.schedule(delay, [self = shared_from_this(), life = life_, arrive] {
    if (self->life_ != life) return;
    if (self->stalled_) {
      self->send_control(arrive);
    } else {
      arrive();
    }
  });
}

void SimPipe::arrive_next() {
  events_due_ -= 1;
  if (stalled_) return;
  const Arrive arrive = std::move(in_order_.front());
  in_order_.pop_front();
  arrive();
}

void SimPipe::set_stalled(bool stalled) {
  const bool lifted = stalled_ && !stalled;
  stalled_ = stalled;
  if (!lifted) return;
  // Events that came while it was stalled did nothing: send as many again.
  for (std::uint64_t due = events_due_; due < in_order_.size(); ++due) {
    events_due_ += 1;
    world_.schedule(faults_.delay_least, [self = shared_from_this(), life = life_] {
      if (self->life_ == life) self->arrive_next();
    });
  }
}

void SimPipe::close() {
  life_ += 1;
  events_due_ = 0;
  busy_until_ = rt::Nanos{0};
  const auto lost = std::exchange(in_order_, {});
}

void SimPipe::reset(Arrive fin) {
  close();
  send_control(std::move(fin));
}

}  // namespace fieldpost::sim

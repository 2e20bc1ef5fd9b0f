#include "tests/support/sim/sim_world.h"

#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::sim {

namespace {

/// More than this without time passing is a loop that feeds itself.
constexpr std::uint64_t kEventsAnInstantMax = 1'000'000;

std::string_view bytes_of(const std::uint64_t& word) {
  return {reinterpret_cast<const char*>(&word), sizeof word};
}

}  // namespace

Dice SimWorld::dice(std::string_view name) {
  const std::uint64_t given = dice_given_[std::string(name)]++;
  std::uint64_t hash = fold(fold(kFoldStart, bytes_of(seed_)), name);
  hash = fold(hash, bytes_of(given));
  return Dice(hash);
}

EventId SimWorld::schedule(OwnerId owner, rt::Nanos delay, std::function<void()> task) {
  const EventId event{++scheduled_};
  rt::Nanos due = now_ + std::max(delay, rt::Nanos{0});
  // What is due at once keeps its place: the order of posts is a promise.
  if (jitter_most_ > rt::Nanos{0} && due > now_) due += jitter_.between(rt::Nanos{0}, jitter_most_);
  events_.emplace(Key{due, event}, Event{owner, std::move(task)});
  due_.emplace(event, due);
  return event;
}

void SimWorld::cancel(EventId event) {
  const auto found = due_.find(event);
  if (found == due_.end()) return;
  const auto node = events_.extract(Key{found->second, event});
  due_.erase(found);
}

void SimWorld::forget(OwnerId owner) {
  std::vector<Event> dropped;  // destroyed last: a task's captures may call back into the world
  for (auto it = events_.begin(); it != events_.end();) {
    if (it->second.owner != owner) {
      ++it;
      continue;
    }
    due_.erase(it->first.second);
    dropped.push_back(std::move(it->second));
    it = events_.erase(it);
  }
}

bool SimWorld::step() {
  return step_until(rt::Nanos::max());
}

bool SimWorld::step_until(rt::Nanos end) {
  if (events_.empty() || events_.begin()->first.first > end) return false;
  auto node = events_.extract(events_.begin());
  const auto [due, event] = node.key();
  due_.erase(event);
  events_this_instant_ = due == now_ ? events_this_instant_ + 1 : 0;
  FP_CHECK(events_this_instant_ < kEventsAnInstantMax);
  now_ = due;
  events_run_ += 1;
  note({});
  node.mapped().task();
  return true;
}

void SimWorld::run_for(rt::Nanos span) {
  const rt::Nanos end = now_ + span;
  while (step_until(end)) {
  }
  now_ = end;
}

bool SimWorld::run_until(const std::function<bool()>& condition, rt::Nanos at_most) {
  const rt::Nanos end = now_ + at_most;
  while (!condition()) {
    if (step_until(end)) continue;
    now_ = end;
    return condition();
  }
  return true;
}

void SimWorld::note(std::string_view what) {
  const auto time = static_cast<std::uint64_t>(now_.count());
  trace_hash_ = fold(fold(trace_hash_, bytes_of(time)), what);
}

}  // namespace fieldpost::sim

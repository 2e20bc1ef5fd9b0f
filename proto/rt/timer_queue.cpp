#include "proto/rt/timer_queue.h"

namespace fieldpost::rt {

TimerId TimerQueue::add(Instant due, std::function<void()> task) {
  const std::uint64_t id = ++last_id_;
  by_due_.emplace(std::pair{due, id}, std::move(task));
  due_of_.emplace(id, due);
  return TimerId{id};
}

void TimerQueue::cancel(TimerId timer) {
  const auto found = due_of_.find(static_cast<std::uint64_t>(timer));
  if (found == due_of_.end()) return;
  // The task is destroyed last: what it captures may call back into this queue.
  const auto node = by_due_.extract({found->second, found->first});
  due_of_.erase(found);
}

std::optional<Instant> TimerQueue::next_due() const {
  if (by_due_.empty()) return std::nullopt;
  return by_due_.begin()->first.first;
}

std::function<void()> TimerQueue::take_due(Instant now, std::uint64_t mark) {
  if (by_due_.empty()) return nullptr;
  const auto [due, id] = by_due_.begin()->first;
  if (due > now || id > mark) return nullptr;
  auto node = by_due_.extract(by_due_.begin());
  due_of_.erase(id);
  return std::move(node.mapped());
}

}  // namespace fieldpost::rt

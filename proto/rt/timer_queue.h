#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "proto/rt/loop.h"

namespace fieldpost::rt {

/// Timers in the order in which they are due; equal ones in the order in which they were set.
class TimerQueue {
 public:
  TimerId add(Instant due, std::function<void()> task);
  void cancel(TimerId timer);
  [[nodiscard]] std::optional<Instant> next_due() const;
  /// The next timer's task, if it is due at `now` and was set before `mark` was taken.
  std::function<void()> take_due(Instant now, std::uint64_t mark);
  /// Later timers are not taken with this mark: a turn does not chase what it sets itself.
  [[nodiscard]] std::uint64_t mark() const { return last_id_; }

 private:
  std::uint64_t last_id_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> by_due_;
  std::unordered_map<std::uint64_t, Instant> due_of_;
};

}  // namespace fieldpost::rt

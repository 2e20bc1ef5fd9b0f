#pragma once

#include <cstdint>
#include <functional>

#include "proto/rt/time.h"

namespace fieldpost::rt {

enum class TimerId : std::uint64_t { kNone = 0 };

/// The one thread that owns a daemon's state (A1). Everything but `post` is called on it.
class Loop {
 public:
  virtual ~Loop() = default;
  [[nodiscard]] virtual Instant now() const = 0;
  /// Calls `task` once, not before `delay` has passed. Never calls it inside `after`.
  virtual TimerId after(Nanos delay, std::function<void()> task) = 0;
  /// Forgets a timer; a timer that fired already or `kNone` is ignored.
  virtual void cancel(TimerId timer) = 0;
  /// Queues `task` for the loop. The only call allowed from other threads; order per thread is
  /// kept.
  virtual void post(std::function<void()> task) = 0;
};

}  // namespace fieldpost::rt

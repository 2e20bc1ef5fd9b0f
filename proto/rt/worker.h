#pragma once

#include <functional>

namespace fieldpost::rt {

/// Runs jobs away from the loop, in the order they were given, one at a time. A store's thread is a
/// Worker of its own; parsing and encoding use another. Called on the loop only.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Runs `job` on the worker's thread, then `done` on the loop. What `job` captures by reference
  /// belongs to the worker until `done` is called. Not bounded: callers bound what they queue (A6).
  virtual void run(std::function<void()> job, std::function<void()> done) = 0;
};

}  // namespace fieldpost::rt

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "proto/rt/loop.h"

namespace fieldpost::rt {

inline constexpr Millis kLongTurn{50};  ///< a turn above this is counted and reported (A7)

/// The loop of a real daemon: timers on CLOCK_BOOTTIME, input and output on Asio.
/// Everything that was made on it must be dropped before it.
class RealLoop final : public Loop {
 public:
  RealLoop();
  ~RealLoop() override;
  RealLoop(const RealLoop&) = delete;
  RealLoop& operator=(const RealLoop&) = delete;

  [[nodiscard]] Instant now() const override;
  TimerId after(Nanos delay, std::function<void()> task) override;
  void cancel(TimerId timer) override;
  void post(std::function<void()> task) override;

  /// Calls `task` on the loop for each of these signals, in place of their default action
  /// and of an earlier task.
  void on_signals(const std::vector<int>& signals, const std::function<void(int)>& task);
  /// Reports turns above kLongTurn, right after them.
  void on_long_turn(std::function<void(Nanos took)> report);
  [[nodiscard]] std::uint64_t long_turns() const;

  void run();   ///< until `stop`
  void stop();  ///< on the loop
  /// Runs until `condition` holds, tested after each turn; false when `at_most` passed first.
  bool run_until(const std::function<bool()>& condition, Nanos at_most);

 private:
  friend struct AsioAccess;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fieldpost::rt

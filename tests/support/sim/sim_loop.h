#pragma once

#include <functional>

#include "proto/rt/loop.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

/// A daemon's loop on the world's time line. One a process life: a daemon that starts again gets a
/// new one.
class SimLoop final : public rt::Loop {
 public:
  /// `uptime` is how long the machine had been up when the process began.
  explicit SimLoop(SimWorld& world, rt::Nanos uptime = rt::Seconds{5});
  ~SimLoop() override { kill(); }
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;

  [[nodiscard]] rt::Instant now() const override { return {world_.now() - booted_at_}; }
  rt::TimerId after(rt::Nanos delay, std::function<void()> task) override;
  void cancel(rt::TimerId timer) override {
    world_.cancel(EventId{static_cast<std::uint64_t>(timer)});
  }
  void post(std::function<void()> task) override { after(rt::Nanos{0}, std::move(task)); }

  /// The process ends here: timers and posts vanish, later ones are ignored.
  void kill();
  [[nodiscard]] bool alive() const { return alive_; }
  [[nodiscard]] SimWorld& world() { return world_; }

 private:
  SimWorld& world_;
  OwnerId owner_;
  rt::Nanos booted_at_;
  bool alive_ = true;
};

}  // namespace fieldpost::sim

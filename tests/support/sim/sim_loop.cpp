#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

SimLoop::SimLoop(SimWorld& world, rt::Nanos uptime)
    : world_(world), owner_(world.add_owner()), booted_at_(world.now() - uptime) {}

rt::TimerId SimLoop::after(rt::Nanos delay, std::function<void()> task) {
  if (!alive_) return rt::TimerId::kNone;
  return rt::TimerId{static_cast<std::uint64_t>(world_.schedule(owner_, delay, std::move(task)))};
}

void SimLoop::kill() {
  alive_ = false;
  world_.forget(owner_);
}

}  // namespace fieldpost::sim

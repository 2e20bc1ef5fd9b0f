#pragma once

#include "proto/rt/real_loop.h"
#include "proto/rt/spawner.h"

namespace fieldpost::rt {

/// Children of the operating system: standard input is empty, signals are at their defaults, and
/// no descriptor of ours but the two pipes is passed on.
class ProcessSpawner final : public Spawner {
 public:
  explicit ProcessSpawner(RealLoop& loop) : loop_(loop) {}
  Result<std::unique_ptr<Child>> spawn(const SpawnOptions& options,
                                       SpawnHandlers handlers) override;

 private:
  RealLoop& loop_;
};

}  // namespace fieldpost::rt

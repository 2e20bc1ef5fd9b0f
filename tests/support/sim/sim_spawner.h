#pragma once

#include <map>
#include <string>
#include <vector>

#include "proto/rt/spawner.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::sim {

/// What a simulated program does: says things, each some time after the one before, and exits.
struct SimProgram {
  struct Step {
    rt::Nanos after{0};
    std::string out;
    std::string err;
  };
  std::vector<Step> steps;
  rt::ExitStatus exit;
  bool hangs = false;            ///< never exits by itself
  bool ignores_sigterm = false;  ///< only SIGKILL ends it
};

/// Children from a script, by argv[0]. Dropped children and those of a killed loop say nothing
/// more.
class SimSpawner final : public rt::Spawner {
 public:
  explicit SimSpawner(SimLoop& loop) : loop_(loop) {}
  void install(const std::string& name, SimProgram program) {
    programs_[name] = std::move(program);
  }
  rt::Result<std::unique_ptr<rt::Child>> spawn(const rt::SpawnOptions& options,
                                               rt::SpawnHandlers handlers) override;
  [[nodiscard]] const std::vector<rt::SpawnOptions>& spawned() const { return spawned_; }

 private:
  SimLoop& loop_;
  std::map<std::string, SimProgram> programs_;
  std::vector<rt::SpawnOptions> spawned_;
};

}  // namespace fieldpost::sim

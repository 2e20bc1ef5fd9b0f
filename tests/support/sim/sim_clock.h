#pragma once

#include <string>

#include "proto/rt/clock.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

/// A machine's wall clock, right by default (the world begins at 2026-01-01T00:00:00Z). Outlives
/// the processes on the machine.
class SimWallClock final : public rt::WallClock {
 public:
  SimWallClock(SimWorld& world, std::string_view machine);

  [[nodiscard]] rt::UnixTime now() const override;
  [[nodiscard]] bool synchronised() const override { return synchronised_; }
  [[nodiscard]] rt::BootId boot_id() const override { return boot_id_; }

  [[nodiscard]] rt::UnixTime true_time() const;
  void jump(rt::Nanos by) { offset_ += by; }
  void set_offset(rt::Nanos from_true_time);
  void set_drift_ppm(std::int64_t ppm);  ///< from now on; what was gained so far stays
  void set_synchronised(bool yes) { synchronised_ = yes; }
  void reboot();  ///< a new boot id; a machine without a battery clock also wants set_offset
  /// How long the machine is up: SimLoop's, so that a process that starts again without a reboot
  /// sees the monotonic clock go on.
  [[nodiscard]] rt::Nanos uptime() const { return world_.now() - booted_at_; }

 private:
  [[nodiscard]] rt::Nanos drifted() const;

  SimWorld& world_;
  Dice dice_;
  rt::Nanos offset_{0};
  rt::Nanos drift_since_{0};
  std::int64_t drift_ppm_ = 0;
  bool synchronised_ = true;
  rt::BootId boot_id_{};
  rt::Nanos booted_at_{0};
};

}  // namespace fieldpost::sim

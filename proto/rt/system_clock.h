#pragma once

#include "proto/rt/clock.h"

namespace fieldpost::rt {

/// The kernel's wall clock.
class SystemClock final : public WallClock {
 public:
  SystemClock();
  [[nodiscard]] UnixTime now() const override;
  [[nodiscard]] bool synchronised() const override;
  [[nodiscard]] BootId boot_id() const override { return boot_id_; }

 private:
  BootId boot_id_{};
};

}  // namespace fieldpost::rt

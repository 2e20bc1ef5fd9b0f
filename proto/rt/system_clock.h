#pragma once

#include "proto/rt/clock.h"
#include "proto/rt/result.h"

namespace fieldpost::rt {

/// The kernel's wall clock.
class SystemClock final : public WallClock {
 public:
  SystemClock();
  [[nodiscard]] UnixTime now() const override;
  /// false too where the kernel does not say.
  [[nodiscard]] bool synchronised() const override;
  /// kDenied: this process may not ask the kernel (a sandbox forbids adjtimex), and `synchronised`
  /// is false whatever the clock does. kIo: the kernel does not know the question.
  [[nodiscard]] Result<bool> try_synchronised() const;
  [[nodiscard]] BootId boot_id() const override { return boot_id_; }

 private:
  BootId boot_id_{};
};

}  // namespace fieldpost::rt

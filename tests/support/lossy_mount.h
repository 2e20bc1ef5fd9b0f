#pragma once

#include <string>

#include "tests/support/daemon_process.h"
#include "tests/support/temp_directory.h"

namespace fieldpost::test {

enum class Syncs {
  kHeeded,
  kIgnored,  ///< as a disk that lies: nothing is ever lasting
};

/// A directory that forgets at a power cut what was not synced; see fuse_lossy.cpp. Unmounted and
/// gone at the end of the scope: whoever uses it must have ended by then.
class LossyMount {
 public:
  /// Whether this machine lets us mount FUSE file systems.
  [[nodiscard]] static bool possible();

  explicit LossyMount(Syncs syncs = Syncs::kHeeded);
  ~LossyMount();
  LossyMount(const LossyMount&) = delete;
  LossyMount& operator=(const LossyMount&) = delete;

  [[nodiscard]] const std::string& path() const { return mounted_; }
  /// Forgets what is not synced, but for its oldest `kept_percent`. Nobody has a file open.
  void cut_power(int kept_percent);

 private:
  TempDirectory directory_;
  std::string lower_, mounted_;
  DaemonProcess layer_;
};

}  // namespace fieldpost::test

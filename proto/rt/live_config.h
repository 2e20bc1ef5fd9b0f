#pragma once

#include <functional>

#include "proto/rt/config.h"
#include "proto/rt/log.h"

namespace fieldpost::rt {

/// The configuration that a daemon runs with, and what SIGHUP makes of a newer one. Loop thread.
class LiveConfig {
 public:
  struct Hooks {
    std::function<Status(const Config&)> check;  ///< kInvalid: its values do not fit together
    std::function<void(const Config&)> apply;    ///< takes over every reloadable key
  };
  /// `schema` and `log` outlive it.
  LiveConfig(const ConfigSchema& schema, Config started_with, Log& log, Hooks hooks)
      : schema_(schema),
        started_with_(std::move(started_with)),
        applied_(started_with_),
        log_(log),
        hooks_(std::move(hooks)) {}

  /// Applies what can change while the daemon runs, and says in the log what waits for a restart.
  /// A configuration that is wrong changes nothing.
  void take(const Result<Config>& found);

 private:
  const ConfigSchema& schema_;
  Config started_with_;
  Config applied_;
  Log& log_;
  Hooks hooks_;
};

}  // namespace fieldpost::rt

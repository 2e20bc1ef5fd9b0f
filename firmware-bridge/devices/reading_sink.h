#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// Where readings go: the agent.
class ReadingSink {
 public:
  virtual ~ReadingSink() = default;
  /// Keys are whole (measurement, tags). `on_disk`, which may be empty, is called once: when the
  /// agent has all of them on disk, or with why they are lost.
  virtual void offer(std::vector<Measured> readings, std::function<void(rt::Status)> on_disk) = 0;
};

}  // namespace fieldpost::bridge

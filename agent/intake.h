#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "proto/rt/result.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::agent {

/// What a producer that waits is told.
struct Accepted {
  std::size_t lines = 0;  ///< on disk now (or before, when the idempotency key was known)
};

struct DurableOptions {
  std::string idempotency_key;  ///< empty: none; remembered for a day
};

/// The door for readings into the agent. Implemented by the spool's front; loop thread only.
class Intake {
 public:
  virtual ~Intake() = default;

  /// Nobody waits: published from memory at once, written to the spool only without a receipt.
  virtual void accept_sampled(wire::ParsedLines lines) = 0;

  /// A producer waits: `done` is called after the readings are on disk (fsync), or with
  /// kFull (`drop_newest`, or no space: nothing was kept), kBusy (too much is waiting already:
  /// offer it again later, nothing was kept) or kIo.
  virtual void accept_durable(wire::ParsedLines lines, DurableOptions options,
                              std::function<void(rt::Result<Accepted>)> done) = 0;

  /// Whether accept_durable would answer kBusy now. Sources then pause reading.
  [[nodiscard]] virtual bool is_busy() const = 0;
};

}  // namespace fieldpost::agent
